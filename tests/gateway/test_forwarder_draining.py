"""A backlog that drains at its pace, and the present that does not wait for it."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.sinks import Answer, Outgoing, SinkError
from gateway.sinks.testing import Fault, MemorySink
from proof.forwarding import Changes, Forwarding, LeapingClock, events
from runtime.clock import SystemClock

SPOTS = ["A1", "A2", "A3"]
BACKLOG = 600
PATIENCE_S = 10.0
PACE = 20.0
"""Records a second: the pause behind a full batch, 500 of them, is longer than any patience."""


class Told(MemorySink):
    """Keeps when each call was answered, and tells of each."""

    def __init__(self, *, partial: bool = False) -> None:
        super().__init__(partial=partial)
        self.answered = threading.Condition()
        self.times_s: list[float] = []

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        try:
            return super().send(batch)
        finally:
            with self.answered:
                self.times_s.append(time.monotonic())
                self.answered.notify_all()

    def await_calls(self, count: int) -> None:
        """Until so many calls were answered."""
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.times_s) >= count, PATIENCE_S)


class Draining:
    """A backlog, and a forwarder that has sent the present and the first batch of the past."""

    def __init__(self, folder: Path, sink: Told, drain_per_s: float = PACE) -> None:
        self.sink = sink
        self.changes = Changes()
        self.parts = Forwarding(folder, sink, SPOTS, SystemClock("always"), drain_per_s=drain_per_s)
        self.change(BACKLOG)
        self.parts.forwarder.start()
        sink.await_calls(2)

    def change(self, count: int) -> None:
        """So many changes, committed and told."""
        self.parts.take(list(self.changes.in_turn(SPOTS, count)))


@pytest.fixture
def draining(tmp_path: Path) -> Iterator[Draining]:
    made = Draining(tmp_path, Told())
    yield made
    made.parts.close()


def test_a_change_does_not_wait_for_the_pace_of_the_backlog(draining: Draining) -> None:
    """Red as long as the pause between two batches was one that only a stop could end: 25 s."""
    draining.change(1)
    draining.sink.await_calls(3)
    (told,) = draining.sink.calls[2]
    assert told.seq < 0
    assert json.loads(told.payload)["seq"] == BACKLOG + 1


def test_changes_do_not_hurry_the_backlog(draining: Draining) -> None:
    """Red where whatever ends a pause lets a batch of the past go too."""
    for number in range(5):
        draining.change(1)
        draining.sink.await_calls(3 + number)
    assert draining.parts.forwarder.health.sent == 500
    sent = events(json.loads(each.payload) for each in draining.sink.taken)
    assert sum(map(len, sent.values())) == 500


def test_a_kept_snapshot_waits_for_the_pace_or_the_next_change(tmp_path: Path) -> None:
    """Red where it ends the pause as a change does: a throttled upstream is called at once, again
    and again."""
    sink = Told(partial=True)
    made = Draining(tmp_path, sink, drain_per_s=0.1)
    sink.faults.extend([Fault(keep=frozenset(f"lot-1/{spot}" for spot in SPOTS))] * 1000)
    for number in range(20):
        made.change(1)
        sink.await_calls(3 + number)
    made.parts.close()
    assert len(sink.calls) == 22
    assert len(sink.calls[-1]) == len(SPOTS)


class Thin(MemorySink):
    """An uplink that carries so many records within the sink's time-out of 20 seconds."""

    def __init__(self, carries: int, clock: LeapingClock) -> None:
        super().__init__(partial=True)
        self.carries = carries
        self.clock = clock

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        if len(batch) > self.carries:
            self.clock.leap(20)
            raise SinkError("no reply in time", hint="is it slow?")
        return super().send(batch)


def test_a_batch_that_a_thin_uplink_cannot_carry_is_offered_by_parts(tmp_path: Path) -> None:
    """Red as long as the same batch, and the present of all spots, was offered again and again."""
    spots = [f"S{number}" for number in range(100)]
    clock = LeapingClock()
    sink = Thin(20, clock)
    fast = {"retry_first_s": 0.001, "retry_max_s": 0.002, "drain_per_s": 1e6}
    parts = Forwarding(tmp_path, sink, spots, clock, **fast)
    changes = Changes()
    parts.take(list(changes.in_turn(spots, BACKLOG)))
    parts.forwarder.start()
    deadline_s = time.monotonic() + PATIENCE_S
    while parts.store.depth("cloud").waiting:
        assert time.monotonic() < deadline_s, "it never gets through"
        threading.Event().wait(0.01)
    assert events(json.loads(each.payload) for each in sink.taken) == changes.of_spot
    present = [each.key for each in sink.taken if each.seq < 0]
    assert set(present) == {f"lot-1/{spot}" for spot in spots}
    parts.close()


def test_a_change_goes_before_the_rest_of_the_present(tmp_path: Path) -> None:
    """Red as long as all snapshots were made at once, before the first of them went: on a thin
    uplink a state that was old went, and the new one behind it."""
    spots = [f"S{number}" for number in range(40)]
    changes = Changes()

    class Changing(Told):
        def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
            if not self.calls:
                at = datetime.now(UTC)
                parts.take([changes.of("S39", at)])
            return super().send(batch)

    sink = Changing()
    sink.max_records = 10
    parts = Forwarding(tmp_path, sink, spots, SystemClock("always"), drain_per_s=PACE)
    parts.take(list(changes.in_turn(spots, BACKLOG)))
    parts.forwarder.start()
    sink.await_calls(5)
    parts.close()
    present = [json.loads(each.payload) for each in sink.taken if each.seq < 0]
    assert (present[10]["spot_id"], present[10]["seq"]) == ("S39", BACKLOG + 1)
    assert len(present) == len(spots)
