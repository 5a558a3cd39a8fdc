"""A sink in memory, and the contract that every sink is held to.

A test module subclasses `SinkContract` and gives it a fixture `rig`: see `Rig`. The module
must be rewritten for asserts by `pytest.register_assert_rewrite("gateway.sinks.testing")`.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.sinks import (
    ACCEPTED,
    Answer,
    Outgoing,
    Sink,
    SinkError,
    Verdict,
    check_batch,
    hold_back,
)


@dataclass(frozen=True)
class Fault:
    """How one call fails.

    `error` is raised, before the batch is taken or, where `taken`, after it (a lost reply);
    without `error`, the records of the keys in `keep` are kept and the rest taken.
    """

    error: SinkError | None = None
    taken: bool = False
    keep: frozenset[str] = frozenset()


class MemorySink:
    """A sink whose upstream is the list `taken`.

    Each `send` uses up one of `faults` while there are any. A record for which `is_poison` is
    true is rejected alone; in a larger batch it makes the whole be refused, for bisection,
    or, where `partial`, is rejected beside the others. Illegal calls raise `ValueError` or
    `RuntimeError`.
    """

    def __init__(
        self,
        *,
        partial: bool = False,
        max_records: int = 500,
        max_bytes: int = 1024 * 1024,
        is_poison: Callable[[Outgoing], bool] = lambda record: False,
    ) -> None:
        self.partial = partial
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.is_poison = is_poison
        self.faults: deque[Fault] = deque()
        self.taken: list[Outgoing] = []
        self.calls: list[list[Outgoing]] = []
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Answer as the next fault says, or take the batch."""
        check_batch(self, batch)
        if not self.is_open:
            raise RuntimeError("send on a sink that is not open")
        self.calls.append(list(batch))
        fault = self.faults.popleft() if self.faults else Fault()
        if fault.error and not fault.taken:
            raise fault.error
        self._refuse_poisoned(batch)
        answers = self._take(batch, fault.keep)
        if fault.error:
            raise fault.error
        return answers

    def _refuse_poisoned(self, batch: Sequence[Outgoing]) -> None:
        if len(batch) > 1 and not self.partial and any(map(self.is_poison, batch)):
            raise SinkError("refused as a whole", retryable=False, hint="one record is refused")

    def _take(self, batch: Sequence[Outgoing], keep: frozenset[str]) -> list[Answer]:
        answers = []
        for record in batch:
            if self.is_poison(record):
                answers.append(Answer(Verdict.REJECTED, "poison"))
            elif record.key in keep:
                answers.append(Answer(Verdict.KEEP, "told to keep it"))
            else:
                self.taken.append(record)
                answers.append(ACCEPTED)
        return hold_back(batch, answers)


class Rig(Protocol):
    """A sink with its upstream, for the contract.

    Must: `sink`, not yet open; `poison`, a record the upstream will never take; `taken`, the
    cloud records that are upstream, those of one key in order; `break_upstream`, after which
    every call fails, within a few seconds; `mend_upstream`.
    """

    sink: Sink
    poison: Outgoing

    def taken(self) -> list[dict[str, Any]]: ...
    def break_upstream(self) -> None: ...
    def mend_upstream(self) -> None: ...


def make_record(seq: int, key: str = "lot/A1", **fields: Any) -> Outgoing:
    """A small cloud record of the store "s1"."""
    body = {"store_id": "s1", "spot_id": key.split("/")[1], "seq": seq, **fields}
    return Outgoing(seq, key, json.dumps(body, ensure_ascii=False).encode())


def _seqs(rig: Rig, spot: str) -> list[int]:
    return [record["seq"] for record in rig.taken() if record["spot_id"] == spot]


def _without_repeats(seqs: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(seqs))


class SinkContract:
    """What the forwarder relies on. Subclasses give the fixture `rig`."""

    def test_accepts_in_order(self, rig: Rig) -> None:
        """One answer a record, and each key's records upstream in the order they were sent."""
        rig.sink.open()
        for seq in range(1, 7, 2):
            batch = [make_record(seq, "lot/A1"), make_record(seq + 1, "lot/A2")]
            assert rig.sink.send(batch) == [ACCEPTED, ACCEPTED]
        assert _seqs(rig, "A1") == [1, 3, 5]
        assert _seqs(rig, "A2") == [2, 4, 6]

    def test_full_batch(self, rig: Rig) -> None:
        """A batch of `max_records` is taken: many of one key, where that is allowed."""
        rig.sink.open()
        count = rig.sink.max_records
        batch = [
            make_record(seq, f"lot/S{seq}" if rig.sink.partial else "lot/A1")
            for seq in range(1, count + 1)
        ]
        assert rig.sink.send(batch) == [ACCEPTED] * count
        seqs = [record["seq"] for record in rig.taken()]
        assert (sorted(seqs) if rig.sink.partial else seqs) == list(range(1, count + 1))

    def test_payload_is_carried_whole(self, rig: Rig) -> None:
        rig.sink.open()
        name = "Ebene 1 “Süd”\n🚗"
        rig.sink.send([make_record(1, name=name, size=[1, {"a": None}])])
        (record,) = rig.taken()
        assert (record["name"], record["size"]) == (name, [1, {"a": None}])

    def test_empty_batch(self, rig: Rig) -> None:
        rig.sink.open()
        assert rig.sink.send([]) == []
        assert rig.taken() == []

    def test_illegal_batches_are_refused(self, rig: Rig) -> None:
        rig.sink.open()
        too_many = [make_record(n, f"lot/S{n}") for n in range(rig.sink.max_records + 1)]
        half = "x" * (rig.sink.max_bytes // 2)
        too_large = [make_record(1, "lot/A1", x=half), make_record(2, "lot/A2", x=half)]
        illegal = [too_many, too_large]
        if rig.sink.partial:
            illegal.append([make_record(1), make_record(2)])
        for batch in illegal:
            try:
                rig.sink.send(batch)
            except ValueError:
                continue
            raise AssertionError(f"a batch of {len(batch)} was taken")
        assert rig.taken() == []

    def test_outage_keeps_all_and_order(self, rig: Rig) -> None:
        """While upstream is away `send` raises; the same batch goes afterwards, nothing is lost."""
        rig.sink.open()
        rig.sink.send([make_record(1)])
        rig.break_upstream()
        for _ in range(2):
            error = _error_of(rig.sink, [make_record(2)])
            assert error.retryable
            assert error.hint
        rig.mend_upstream()
        _offer_until_accepted(rig.sink, [make_record(2)])
        assert rig.sink.send([make_record(3)]) == [ACCEPTED]
        assert _without_repeats(_seqs(rig, "A1")) == [1, 2, 3]

    def test_opens_and_closes_again(self, rig: Rig) -> None:
        rig.sink.close()
        rig.sink.open()
        rig.sink.send([make_record(1)])
        rig.sink.open()
        rig.sink.send([make_record(2)])
        rig.sink.close()
        rig.sink.close()
        rig.sink.open()
        assert rig.sink.send([make_record(3)]) == [ACCEPTED]
        assert _seqs(rig, "A1") == [1, 2, 3]

    def test_poison_is_rejected_alone_and_blocks_nothing(self, rig: Rig) -> None:
        rig.sink.open()
        (answer,) = rig.sink.send([rig.poison])
        assert answer.verdict is Verdict.REJECTED
        assert answer.reason
        assert rig.sink.send([make_record(2)]) == [ACCEPTED]

    def test_poison_among_others_spares_them(self, rig: Rig) -> None:
        """Either the answers tell it apart, or the batch is refused as not retryable."""
        rig.sink.open()
        others = [make_record(1, "lot/A1"), make_record(3, "lot/A3")]
        try:
            answers = rig.sink.send([others[0], rig.poison, others[1]])
        except SinkError as refusal:
            error = refusal
        else:
            verdicts = [answer.verdict for answer in answers]
            assert verdicts == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
            return
        assert not error.retryable


def _error_of(sink: Sink, batch: Sequence[Outgoing]) -> SinkError:
    try:
        answers = sink.send(batch)
    except SinkError as error:
        return error
    raise AssertionError(f"no SinkError but {answers}")


def _offer_until_accepted(sink: Sink, batch: Sequence[Outgoing], times: int = 5) -> None:
    """A connection may need a call to notice that its upstream is back."""
    for _ in range(times):
        with suppress(SinkError):
            if sink.send(batch) == [ACCEPTED] * len(batch):
                return
    raise AssertionError(f"not accepted in {times} calls")
