import json
from typing import Any

import pytest

from gateway.sinks import ACCEPTED, SinkError, Verdict
from gateway.sinks.testing import Fault, MemorySink, SinkContract, make_record


class MemoryRig:
    poison = make_record(2, "lot/A2", poison=True)

    def __init__(self, *, partial: bool) -> None:
        self.sink = MemorySink(partial=partial, is_poison=lambda r: b"poison" in r.payload)

    def taken(self) -> list[dict[str, Any]]:
        return [json.loads(record.payload) for record in self.sink.taken]

    def break_upstream(self) -> None:
        self.sink.faults.extend([Fault(SinkError("away", hint="wait"))] * 2)

    def mend_upstream(self) -> None:
        self.sink.faults.clear()


class TestMemorySink(SinkContract):
    @pytest.fixture(params=[False, True], ids=["whole", "partial"])
    def rig(self, request: pytest.FixtureRequest) -> MemoryRig:
        return MemoryRig(partial=request.param)


def test_lost_reply_takes_the_batch_all_the_same() -> None:
    sink = MemorySink()
    sink.open()
    sink.faults.append(Fault(SinkError("reset"), taken=True))
    with pytest.raises(SinkError):
        sink.send([make_record(1)])
    assert sink.taken == [make_record(1)]


def test_kept_keys_hold_back_their_own_records_alone() -> None:
    sink = MemorySink()
    sink.open()
    sink.faults.append(Fault(keep=frozenset({"lot/A1"})))
    answers = sink.send([make_record(1, "lot/A1"), make_record(2, "lot/A2"), make_record(3)])
    assert [answer.verdict for answer in answers] == [
        Verdict.KEEP,
        Verdict.ACCEPTED,
        Verdict.KEEP,
    ]
    assert sink.send([make_record(1)]) == [ACCEPTED]


def test_closed_sink_refuses_to_send() -> None:
    with pytest.raises(RuntimeError, match="not open"):
        MemorySink().send([make_record(1)])
