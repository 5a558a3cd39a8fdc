"""The forwarder over a real store and a sink in memory: order, outages, poison, restarts."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from gateway.books import of_sink, sink_book
from gateway.config import ForwardSettings
from gateway.forwarder import Forwarder
from gateway.sinks import Answer, Outgoing, SinkError
from gateway.sinks.testing import Fault, MemorySink
from gateway.store import GatewayStore
from runtime.clock import SystemClock
from spool import Entry

FAST = ForwardSettings(
    backlog_records=20, drain_per_s=100_000, retry_first_s=0.01, retry_max_s=0.05
)
SPOTS = ("A1", "A2", "A3")
REFUSED = SinkError("connection refused", hint="is it up?")
PATIENCE_S = 10.0
ROWS = ("A1", "A1/@up", "A1/@other", "A1/@up", "A1")


class Bench:
    """A store, and forwarders that are stopped at the end."""

    def __init__(self, folder: Path) -> None:
        self.store = GatewayStore(folder / "gateway.db", 1_000_000)
        self.store.register_sinks(["up", "other"])
        self.forwarders: list[Forwarder] = []
        self.present: dict[str, str] = {}

    def append(self, count: int, first: int | None = None) -> None:
        number = self.store.spool.last_seq + 1 if first is None else first
        with self.store.transaction():
            self.store.spool.append(
                [
                    Entry(
                        SPOTS[n % 3],
                        json.dumps({"n": n, "historical": False}).replace(" ", "").encode(),
                    )
                    for n in range(number, number + count)
                ]
            )
        for forwarder in self.forwarders:
            forwarder.notice([])

    def snapshots(self, spot_ids: Iterable[str] | None) -> list[tuple[str, bytes]]:
        chosen = self.present if spot_ids is None else spot_ids
        return [(each, f'{{"snapshot":"{self.present[each]}"}}'.encode()) for each in chosen]

    def forward(
        self,
        sink: MemorySink,
        name: str = "up",
        settings: ForwardSettings = FAST,
        start: bool = True,
    ) -> Forwarder:
        forwarder = Forwarder(
            name, "lot-1", sink, self.store, self.snapshots, settings, SystemClock("always")
        )
        self.forwarders.append(forwarder)
        if start:
            forwarder.start()
        return forwarder

    def stop(self) -> None:
        for forwarder in self.forwarders:
            forwarder.stop()
            forwarder.join(PATIENCE_S)
            assert not forwarder.is_alive()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.stop()
    made.store.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for a state of another thread, which offers no event."""
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s, "it did not come about"
        pause.wait(0.005)


def numbers(taken: Iterable[Outgoing]) -> list[int]:
    return [json.loads(out.payload)["n"] for out in taken if out.seq > 0]


def drained(bench: Bench, name: str = "up") -> Callable[[], bool]:
    return lambda: bench.store.depth(name).waiting == 0


def test_everything_goes_in_order_under_the_spots_key(bench: Bench) -> None:
    sink = MemorySink()
    bench.forward(sink)
    bench.append(10)
    until(drained(bench))
    assert numbers(sink.taken) == list(range(1, 11))
    assert {out.key for out in sink.taken} == {f"lot-1/{spot}" for spot in SPOTS}
    assert bench.store.depth("up").balanced


def test_what_all_sinks_have_is_forgotten_and_nothing_sooner(bench: Bench) -> None:
    bench.forward(MemorySink())
    bench.append(10)
    until(drained(bench))
    assert bench.store.spool.rows == 10
    bench.forward(MemorySink(), "other")
    until(drained(bench, "other"))
    until(lambda: bench.store.spool.rows == 0)


def test_a_sink_that_takes_parts_gets_one_record_a_key_and_keeps_each_spots_order(
    bench: Bench,
) -> None:
    sink = MemorySink(partial=True)
    sink.faults.extend([Fault(keep=frozenset({"lot-1/A2"}))] * 3)
    bench.forward(sink)
    bench.append(30)
    until(drained(bench))
    assert sorted(numbers(sink.taken)) == list(range(1, 31))
    for spot in SPOTS:
        of_spot = numbers(out for out in sink.taken if out.key == f"lot-1/{spot}")
        assert of_spot == sorted(of_spot)


def test_an_outage_loses_nothing_and_the_present_comes_before_the_past(bench: Bench) -> None:
    sink = MemorySink()
    sink.faults.extend([Fault(REFUSED)] * 5)
    forwarder = bench.forward(sink)
    bench.append(1)
    until(lambda: forwarder.health.failing_since_s is not None)
    assert forwarder.health.hint == "is it up?"
    bench.present = {"A1": "now", "A2": "now"}
    bench.append(50)
    until(drained(bench))
    assert [out.seq for out in sink.taken[:2]] == [-1, -1]
    assert numbers(sink.taken) == list(range(1, 52))
    past = [json.loads(out.payload)["historical"] for out in sink.taken if out.seq > 0]
    assert all(past)
    until(lambda: not forwarder.health.draining)
    bench.append(1)
    until(drained(bench))
    assert json.loads(sink.taken[-1].payload)["historical"] is False
    assert forwarder.health.failing_since_s is None


def test_a_change_while_draining_goes_ahead_of_the_backlog(bench: Bench) -> None:
    bench.present = {"A1": "at first"}
    bench.append(2000)
    told = threading.Event()

    class Watching(MemorySink):
        def send(self, batch):  # type: ignore[no-untyped-def]
            answers = super().send(batch)
            if not told.is_set() and batch[0].seq > 0:
                bench.present["A1"] = "changed"
                forwarder.notice(["A1"])
                told.set()
            return answers

    sink = Watching(max_records=100)
    forwarder = Forwarder(
        "up", "lot-1", sink, bench.store, bench.snapshots, FAST, SystemClock("always")
    )
    bench.forwarders.append(forwarder)
    forwarder.start()
    until(drained(bench))
    places = [n for n, out in enumerate(sink.taken) if b"changed" in out.payload]
    assert places == [1 + 100]
    assert numbers(sink.taken) == list(range(1, 2001))


def test_a_lost_reply_repeats_at_most_its_batch(bench: Bench) -> None:
    sink = MemorySink(max_records=10)
    sink.faults.append(Fault(REFUSED, taken=True))
    bench.append(15)
    bench.forward(sink)
    until(drained(bench))
    assert numbers(sink.taken) == [*range(1, 11), *range(1, 16)]


def test_poison_is_found_by_halves_and_buried_and_the_rest_goes_on(bench: Bench) -> None:
    sink = MemorySink(is_poison=lambda out: b'"n":7,' in out.payload)
    bench.forward(sink)
    bench.append(20)
    until(drained(bench))
    assert numbers(sink.taken) == [n for n in range(1, 21) if n != 7]
    depth = bench.store.depth("up")
    assert (depth.delivered, depth.dead_lettered) == (19, 1)
    assert depth.balanced
    origin, payload = bench.store.db.execute("SELECT origin, payload FROM dead_letters").fetchone()
    assert origin == "sink:up"
    assert json.loads(payload)["n"] == 7


def test_a_sink_that_is_down_does_not_hold_up_another(bench: Bench) -> None:
    down = MemorySink()
    down.faults.extend([Fault(REFUSED)] * 10_000)
    bench.forward(down)
    up = MemorySink()
    bench.forward(up, "other")
    bench.append(100)
    until(drained(bench, "other"))
    assert numbers(up.taken) == list(range(1, 101))
    assert bench.store.depth("up").waiting == 100


def test_stopping_during_an_outage_is_quick_and_the_next_start_goes_on(bench: Bench) -> None:
    sink = MemorySink()
    sink.faults.extend([Fault(REFUSED)] * 10_000)
    first = bench.forward(sink)
    bench.append(10)
    until(lambda: first.health.failing_since_s is not None)
    first.stop()
    first.join(2)
    assert not first.is_alive()
    sink.faults.clear()
    bench.forward(sink)
    until(drained(bench))
    assert numbers(sink.taken) == list(range(1, 11))


def test_a_damaged_row_becomes_a_counted_gap(bench: Bench) -> None:
    bench.append(5)
    bench.store.db.execute("UPDATE spool SET payload = 'x' WHERE seq = 3")
    sink = MemorySink()
    bench.forward(sink)
    until(drained(bench))
    bodies = [json.loads(out.payload) for out in sink.taken]
    assert [body.get("n", body.get("event_type")) for body in bodies] == [1, 2, "GAP", 4, 5]
    depth = bench.store.depth("up")
    assert (depth.delivered, depth.dropped) == (4, 1)
    assert depth.balanced


def test_a_full_spool_keeps_each_spots_last_word_and_counts_the_rest(bench: Bench) -> None:
    bench.store.spool.limit_bytes = 2000
    bench.append(300)
    bench.append(3)
    sink = MemorySink()
    bench.forward(sink)
    until(drained(bench))
    depth = bench.store.depth("up")
    assert depth.balanced
    assert depth.dropped > 0
    assert numbers(out for out in sink.taken if b'"n"' in out.payload)[-3:] == [301, 302, 303]
    lost = sum(json.loads(out.payload)["count"] for out in sink.taken if b"GAP" in out.payload)
    assert lost == depth.dropped


def test_a_snapshot_that_is_refused_costs_no_record(bench: Bench) -> None:
    bench.present = {"A1": "poison", "A2": "now", "A3": "now"}
    sink = MemorySink(is_poison=lambda out: b"poison" in out.payload)
    bench.append(50)
    bench.forward(sink)
    until(drained(bench))
    assert numbers(sink.taken) == list(range(1, 51))
    assert sorted(out.key for out in sink.taken if out.seq < 0) == ["lot-1/A2", "lot-1/A3"]
    assert bench.store.depth("up").dead_lettered == 0


def test_a_snapshot_that_is_kept_goes_again(bench: Bench) -> None:
    bench.present = {"A1": "now", "A2": "now"}
    sink = MemorySink(partial=True)
    sink.faults.append(Fault(keep=frozenset({"lot-1/A2"})))
    bench.append(50)
    bench.forward(sink)
    until(drained(bench))
    assert sorted(out.key for out in sink.taken if out.seq < 0) == ["lot-1/A1", "lot-1/A2"]


def test_snapshots_keep_to_the_sinks_limits(bench: Bench) -> None:
    bench.present = {f"S{n}": "x" * 100 for n in range(40)}
    sink = MemorySink(max_bytes=1000)  # MemorySink raises ValueError beyond it
    bench.append(50)
    bench.forward(sink)
    until(drained(bench))
    assert sum(out.seq < 0 for out in sink.taken) == 40


def test_the_search_for_poison_does_not_pause(bench: Bench) -> None:
    """Nine halvings of a batch with a back-off in between would hold up a lot for minutes."""
    slow = ForwardSettings(backlog_records=1000, retry_first_s=60, retry_max_s=60)
    sink = MemorySink(is_poison=lambda out: b'"n":300,' in out.payload)
    bench.append(500)
    bench.forward(sink, settings=slow)
    until(drained(bench))
    assert numbers(sink.taken) == [n for n in range(1, 501) if n != 300]
    assert len(sink.calls) < 40


def test_an_upstream_that_keeps_everything_is_failing(bench: Bench) -> None:
    sink = MemorySink(partial=True)
    sink.faults.extend([Fault(keep=frozenset(f"lot-1/{spot}" for spot in SPOTS))] * 3)
    pauses: list[str] = []
    forwarder = bench.forward(sink, start=False)
    note = forwarder._note_failure
    forwarder._note_failure = lambda error: (pauses.append(error.hint), note(error))  # type: ignore[assignment,return-value]
    forwarder.start()
    bench.append(9)
    until(drained(bench))
    assert len(pauses) == 3
    assert all(pauses)
    until(lambda: forwarder.health.failing_since_s is None)
    assert sorted(numbers(sink.taken)) == list(range(1, 10))


class Gate(MemorySink):
    """A sink whose calls wait until it is opened, as a slow upstream's do."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.passes = threading.Event()

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        self.reached.set()
        assert self.passes.wait(PATIENCE_S)
        return super().send(batch)


def test_what_is_thinned_while_its_call_is_under_way_is_accounted_for_once(bench: Bench) -> None:
    sink = Gate()
    bench.store.spool.limit_bytes = 2000
    bench.append(50)
    bench.forward(sink)
    assert sink.reached.wait(PATIENCE_S)
    bench.append(300)
    assert bench.store.depth("up").dropped > 0
    sink.passes.set()
    until(drained(bench))
    assert bench.store.depth("up").balanced


def test_a_full_spool_in_an_outage_of_one_of_two_sinks_keeps_both_accounts(bench: Bench) -> None:
    bench.store.spool.limit_bytes = 3000
    down = MemorySink()
    down.faults.extend([Fault(REFUSED)] * 10_000)
    forwarder = bench.forward(down)
    up = MemorySink()
    bench.forward(up, "other")
    for _ in range(20):
        bench.append(30)
        until(drained(bench, "other"))
        for name in ("up", "other"):
            assert bench.store.depth(name).balanced
    assert forwarder.health.failing_since_s is not None
    down.faults.clear()
    until(drained(bench))
    for name in ("up", "other"):
        assert bench.store.depth(name).balanced
    assert bench.store.depth("up").dropped > 0
    assert bench.store.depth("other").dropped == 0
    assert numbers(up.taken) == list(range(1, 601))


def test_the_wait_that_an_upstream_asks_for_is_kept(bench: Bench) -> None:
    sink = MemorySink()
    sink.faults.append(Fault(SinkError("slow down", hint="pace", retry_after_s=0.3)))
    bench.append(1)
    began_s = time.monotonic()
    bench.forward(sink)
    until(drained(bench))
    assert time.monotonic() - began_s >= 0.3


def test_a_store_that_fails_ends_the_thread_and_is_told(bench: Bench) -> None:
    forwarder = bench.forward(MemorySink())
    bench.store.db.execute("DROP TABLE spool_cursors")
    bench.append(1)
    forwarder.join(PATIENCE_S)
    assert isinstance(forwarder.failure, sqlite3.OperationalError)


def test_a_row_for_one_sink_is_passed_by_the_others(bench: Bench) -> None:
    one, other = MemorySink(), MemorySink()
    with bench.store.transaction():
        entries = [bench.store.entry({"n": n}, key, durable=False) for n, key in enumerate(ROWS, 1)]
        bench.store.spool.append(entries)
    bench.forward(one)
    bench.forward(other, "other")
    until(lambda: drained(bench)() and drained(bench, "other")())
    assert (numbers(one.taken), numbers(other.taken)) == ([1, 2, 4, 5], [1, 3, 5])
    for name, count in (("up", 4), ("other", 3)):
        book = sink_book(bench.store.depth(name), bench.store.books.of(of_sink(name)))
        assert (book.appended, book.delivered, book.balanced) == (count, count, True)
    assert bench.store.spool.rows == 0
