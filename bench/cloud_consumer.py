"""What the cloud's consumers take a second, and what an event costs them.

    python -m bench.cloud_consumer [EVENTS] [RUNS]

The same events lie in a broker (tansu, in memory) in each run. Peers of the same run: `bare reader`
is confluent-kafka's consumer that looks at nothing; `bare upsert` is one sequence-guarded `unnest`
upsert of spot, status, time and seq a batch of 500, from lists that are ready, into a table of its
own. Ours decode and check each record: `present` keeps spots, streams, devices, events and stays
in one transaction a batch; `lake` writes Parquet. Each commits and syncs as in production. The
clock runs from the first batch on; CPU is this process's with its threads, and Postgres' with its
workers.
"""

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.cloud_load import payloads, postgres_cpu_s
from cloud.app import PresentTaker
from cloud.config import PostgresSettings
from cloud.kafka import KafkaStream
from cloud.lake.compaction import compact
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LakeTaker, Limits
from cloud.postgres import connect, migrate
from cloud.present import Delivered
from cloud.stream import Taker, consume
from cloud.watching import Watch
from runtime.kafka import KafkaAccess
from simulator import embedded

TOPIC = "bench"
LOTS, BAYS = 20, 50
BATCH = 500
TABLE = "CREATE TABLE bare (spot text PRIMARY KEY, status text, at timestamptz, seq bigint)"
UPSERT = """
INSERT INTO bare AS t (spot, status, at, seq)
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::bigint[])
ON CONFLICT (spot) DO UPDATE SET status = excluded.status, at = excluded.at, seq = excluded.seq
WHERE excluded.seq > t.seq
"""
PEERS = (("present", "bare upsert"), ("present", "bare reader"), ("lake", "bare reader"))
WIDTHS = (8, 13, 12, 7)
Columns = list[list[Any]]


@dataclass(frozen=True)
class Cost:
    """Of one pass over the events."""

    per_s: float
    cpu_us: float
    """Of this process, an event."""
    postgres_us: float = 0.0
    bytes: float = 0.0
    """Kept, an event: tables with their indexes, or objects."""
    wal: float = 0.0


class Counting:
    """A taker before the one that is measured: it stops the loop behind the last event."""

    def __init__(self, inner: Taker, events: int, stop: threading.Event) -> None:
        self._inner, self._left, self._stop = inner, events, stop
        self.began_s = self.began_cpu_s = 0.0
        self.flush, self.forget = inner.flush, inner.forget

    def take(self, batch: Sequence[Delivered], now: datetime) -> bool:
        if batch and not self.began_s:
            self.began_s, self.began_cpu_s = time.perf_counter(), time.process_time()
        durable = self._inner.take(batch, now)
        self._left -= len(batch)
        if self._left <= 0:
            self._stop.set()
        return durable


def reader(access: KafkaAccess, events: int) -> Cost:
    """confluent-kafka alone."""
    from confluent_kafka import Consumer

    options = {"group.id": f"bare-{time.monotonic_ns()}", "auto.offset.reset": "earliest"}
    consumer = Consumer({**access.options(), **options, "enable.auto.commit": False})
    consumer.subscribe([access.topic])
    left, began_s, began_cpu_s = events, 0.0, 0.0
    while left > 0:
        messages = consumer.consume(BATCH, 0.5)
        if messages and not began_s:
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
        left -= len(messages)
    cost = _cost(events, began_s, began_cpu_s)
    consumer.close()
    return cost


def upsert(conn: psycopg.Connection, batches: Sequence[Columns], events: int) -> Cost:
    """One statement a batch, nothing else."""
    conn.execute("DROP TABLE IF EXISTS bare")
    conn.execute(
        "CREATE TABLE bare (spot text PRIMARY KEY, status text, at timestamptz, seq bigint)"
    )
    postgres_s = postgres_cpu_s(conn)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for columns in batches:
        conn.execute(UPSERT, columns)
    cost = _cost(events, began_s, began_cpu_s)
    used_us = (postgres_cpu_s(conn) - postgres_s) / events * 1e6
    return Cost(cost.per_s, cost.cpu_us, used_us)


def ours(access: KafkaAccess, taker: Taker, part: str, events: int) -> Cost:
    """Our loop, from a group of its own."""
    stop = threading.Event()
    counting = Counting(taker, events, stop)
    stream = KafkaStream(access, f"{part}-{time.monotonic_ns()}")
    consume(stream, counting, Watch(part), stop)
    cost = _cost(events, counting.began_s, counting.began_cpu_s)
    stream.close()
    return cost


def present(access: KafkaAccess, dsn: str, events: int) -> Cost:
    """Into empty tables."""
    with connect(dsn) as conn:
        conn.execute("DROP SCHEMA public CASCADE")
        conn.execute("CREATE SCHEMA public")
        migrate(conn)
        before, wal = postgres_cpu_s(conn), _wal(conn)
        taker = PresentTaker(PostgresSettings(dsn=dsn), Watch("present"), threading.Event(), None)
        cost = ours(access, taker, "present", events)
        row = conn.execute("SELECT count(*) FROM events").fetchone()
        assert row == (events,), row
        used_us = (postgres_cpu_s(conn) - before) / events * 1e6
        kept = conn.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
        assert kept
        written = (_wal(conn) - wal) / events
        return Cost(cost.per_s, cost.cpu_us, used_us, float(kept[0]) / events, written)


def lake(access: KafkaAccess, folder: Path, events: int) -> tuple[Cost, Cost]:
    """Into an empty lake; and the compaction of it, by events."""
    store = Store(str(folder / f"lake-{time.monotonic_ns()}"))
    cost = ours(access, LakeTaker(store, Limits()), "lake", events)
    kept = _size(store) / events
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    list(compact(store, EVENTS, datetime.now(UTC) + timedelta(days=1)))
    compacted = _cost(events, began_s, began_cpu_s)
    return (
        Cost(cost.per_s, cost.cpu_us, bytes=kept),
        Cost(compacted.per_s, compacted.cpu_us, bytes=_size(store) / events),
    )


def _cost(events: int, began_s: float, began_cpu_s: float) -> Cost:
    used_us = (time.process_time() - began_cpu_s) / events * 1e6
    return Cost(events / (time.perf_counter() - began_s), used_us)


def _wal(conn: psycopg.Connection) -> int:
    row = conn.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row
    return int(row[0])


def _size(store: Store) -> int:
    return sum(Path(store.path(name)).stat().st_size for name in store.names(EVENTS))


def produce(address: str, records: Sequence[tuple[str, bytes]]) -> None:
    """Put them into the broker, each bay's in its order."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "partitioner": "murmur2_random"})
    for number, (key, value) in enumerate(records):
        producer.produce(TOPIC, key=key, value=value)
        if number % 10_000 == 9_999:
            producer.flush()
    assert producer.flush() == 0


def batched(records: Sequence[tuple[str, bytes]]) -> list[Columns]:
    """For the bare upsert: each spot once a batch."""
    from cloud.record import decode

    found = []
    for begin in range(0, len(records), BATCH):
        some = records[begin : begin + BATCH]
        told = {key: decode(value) for key, value in some}
        found.append(
            [
                list(told),
                [each.status for each in told.values()],
                [each.timestamp for each in told.values()],
                [each.seq for each in told.values()],
            ]
        )
    return found


def main() -> None:
    """Print the median of the runs, and the ratios to the peers."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    records = list(payloads(LOTS, BAYS, events // (LOTS * BAYS), timedelta(days=2)))
    events = len(records)
    passes: dict[str, list[Cost]] = {}

    def note(name: str, run: Callable[[], Cost]) -> None:
        passes.setdefault(name, []).append(run())

    with tempfile.TemporaryDirectory() as name, embedded.kafka(TOPIC) as address:
        folder = Path(name).resolve()
        access = KafkaAccess(bootstrap_servers=address, topic=TOPIC, security="plaintext")
        produce(address, records)
        batches = batched(records)
        with embedded.postgres(folder / "postgres") as dsn:
            for _ in range(runs):
                note("bare reader", lambda: reader(access, events))
                with connect(dsn) as conn:
                    note("bare upsert", lambda conn=conn: upsert(conn, batches, events))
                note("present", lambda: present(access, dsn, events))
                taken, compacted = lake(access, folder, events)
                note("lake", lambda taken=taken: taken)
                note("compaction", lambda compacted=compacted: compacted)
    report(events, sum(len(value) for _, value in records) / events, runs, passes)


def report(events: int, size: float, runs: int, passes: dict[str, list[Cost]]) -> None:
    """A line each; then how far ours are from their peers, run by run."""
    print(f"{events} events of {size:.0f} B, {runs} runs, medians (least to most)")
    print(f"{'':12}{'events/s':>24}{'CPU us':>8}{'Postgres us':>13}{'bytes kept':>12}{'WAL':>7}")
    for name, costs in passes.items():
        rates = sorted(cost.per_s for cost in costs)
        said = f"{statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"
        values = [
            statistics.median(getattr(cost, each) for cost in costs)
            for each in ("cpu_us", "postgres_us", "bytes", "wal")
        ]
        print(
            f"{name:12}{said:>24}{values[0]:8.0f}{values[1]:13.0f}{values[2]:12.0f}{values[3]:7.0f}"
        )
    for ours_, peer in (
        ("present", "bare upsert"),
        ("present", "bare reader"),
        ("lake", "bare reader"),
    ):
        ratios = [a.per_s / b.per_s for a, b in zip(passes[ours_], passes[peer], strict=True)]
        print(f"{ours_} to {peer}: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
