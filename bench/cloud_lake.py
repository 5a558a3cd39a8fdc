"""How long the lake's questions take over 1, 10 and 100 days of it, and that only these are read.

    python -m bench.cloud_lake [EVENTS_A_DAY] [RUNS]

A lake of 140 days in a folder, an object an hour, as `compact` leaves it. `count` reads nothing
but the days asked for; the named queries read as far as they look back, too. `peer` is the same
count by DuckDB alone, which finds and prunes the hive partitions by itself; its objects are those
that its profile says it read. That ours reads no more than it names is shown in a copy of the lake
in which every other object is rubbish: the answers are the same there.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from bench.cloud_load import payloads
from cloud.analytics import duck
from cloud.analytics.queries import query
from cloud.lake.reader import dataset, objects
from cloud.lake.schema import SCHEMA, partition, row
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS
from cloud.record import decode

DAYS = 140
ASKED = (1, 10, 100)
NAMED = ("turnover", "historical_trends")
LOTS, BAYS = 20, 50
HOUR = timedelta(hours=1)
COUNT = "SELECT lot_id, count(*) FROM lake GROUP BY lot_id ORDER BY lot_id"


def a_day(events: int) -> pa.Table:
    """The rows of a day that ends now, in their order."""
    records = payloads(LOTS, BAYS, events // (LOTS * BAYS), timedelta(days=1))
    now = datetime.now(UTC)
    rows = [row(decode(value), now) for _, value in records]
    return pa.Table.from_pylist(rows, schema=SCHEMA).sort_by("timestamp")


def fill(store: Store, day: pa.Table, midnight: datetime) -> None:
    """The same day again and again, up to `midnight`, an object an hour."""
    first = midnight - timedelta(days=DAYS)
    began = day["timestamp"][0].as_py()
    for number in range(DAYS):
        moved = _moved(day, first + timedelta(days=number) - began, number)
        for hour in range(24):
            begin = first + timedelta(days=number, hours=hour)
            part = moved.filter(
                pc.and_(
                    pc.greater_equal(moved["timestamp"], pa.scalar(begin)),
                    pc.less(moved["timestamp"], pa.scalar(begin + HOUR)),
                )
            )
            store.put_table(f"{EVENTS}/{partition(begin)}/compacted.parquet", part)


def _moved(day: pa.Table, by: timedelta, number: int) -> pa.Table:
    """`day` at another time, with identities of its own."""
    at = day.schema.get_field_index("timestamp")
    id_at = day.schema.get_field_index("event_id")
    ids = pc.binary_join_element_wise(day["event_id"], str(number), ":")
    later = pc.add(day["timestamp"], pa.scalar(by, pa.duration("us")))
    return day.set_column(at, SCHEMA.field("timestamp"), later).set_column(
        id_at, SCHEMA.field("event_id"), ids
    )


def count(store: Store, begin: datetime, end: datetime) -> Any:
    """Events by lot, from the objects that our reader finds."""
    with duckdb.connect() as db:
        db.register("lake", dataset(store, EVENTS, begin, end))
        return db.execute(COUNT).fetchall()


def peer(store: Store, begin: datetime, end: datetime, explain: bool = False) -> Any:
    """The same by DuckDB's own reading of hive partitions."""
    with duckdb.connect() as db:
        files = f"read_parquet('{store.path(EVENTS)}/**/*.parquet', hive_partitioning = true, "
        types = "hive_types = {'year': VARCHAR, 'month': VARCHAR, 'day': VARCHAR, 'hour': VARCHAR})"
        days = f"year || month || day >= '{begin:%Y%m%d}' AND year || month || day < '{end:%Y%m%d}'"
        asked = COUNT.replace("lake", f"{files}{types} WHERE {days}")
        if explain:
            said = db.execute(f"EXPLAIN (ANALYZE, FORMAT json) {asked}").fetchall()[0][1]
            return _scanned(json.loads(said))
        return db.execute(asked).fetchall()


def _scanned(profile: Any) -> int:
    """How many files DuckDB's profile says that it read, wherever that stands in it."""
    if isinstance(profile, list):
        return sum(map(_scanned, profile))
    if not isinstance(profile, dict):
        return 0
    return int(profile.get("Total Files Read", 0)) + _scanned(list(profile.values()))


def named(store: Store, name: str, begin: datetime, end: datetime) -> Any:
    """A named query, as `lotkeeper cloud query` runs it."""
    return duck.run(store, query(name), begin, end, "UTC").to_pylist()


def same(said: Any, other: Any) -> bool:
    """Threads sum floats in any order: those need only be close."""
    if isinstance(said, float) and isinstance(other, float):
        return isclose(said, other, rel_tol=1e-9)
    if isinstance(said, dict):
        return said.keys() == other.keys() and all(same(said[key], other[key]) for key in said)
    if isinstance(said, list):
        return len(said) == len(other) and all(map(same, said, other))
    return bool(said == other)


def only_these_are_read(
    store: Store, touched: list[str], folder: Path, ask: Callable[[Store], Any]
) -> bool:
    """Whether the answer is the same where every object but `touched` is rubbish."""
    copy = folder / "copy"
    shutil.copytree(store.path(""), copy, copy_function=os.link)
    kept = set(touched)
    other = Store(str(copy))
    for name in store.names(EVENTS):
        if name not in kept:
            Path(other.path(name)).unlink()
            Path(other.path(name)).write_bytes(b"rubbish")
    held = same(ask(other), ask(store))
    shutil.rmtree(copy)
    return held


def timed(ask: Callable[[], Any], runs: int) -> float:
    """Milliseconds, the median of the runs."""
    took = []
    for _ in range(runs):
        began_s = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began_s) * 1000)
    return statistics.median(took)


def main() -> None:
    """Print a line a question and span."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with tempfile.TemporaryDirectory() as name:
        store = Store(str(Path(name, "lake")))
        fill(store, a_day(events), midnight)
        found = list(store.names(EVENTS))
        size = sum(Path(store.path(each)).stat().st_size for each in found)
        rows = events * DAYS
        print(f"{rows} events in {len(found)} objects, {size / rows:.1f} B each")
        print(f"{'':20}{'days':>6}{'read days':>11}{'objects':>9}{'ms':>8}  only these")
        for days in ASKED:
            report(store, Path(name), midnight - timedelta(days=days), midnight, runs)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def report(store: Store, folder: Path, begin: datetime, end: datetime, runs: int) -> None:
    """The count, the peer's, and the named queries over [begin, end)."""
    days = (end - begin).days
    asked: dict[str, tuple[datetime, Callable[[Store], Any]]] = {
        "count": (begin, lambda store: count(store, begin, end))
    }
    for name in NAMED:
        since = query(name).since(begin)
        asked[name] = since, lambda store, name=name: named(store, name, begin, end)
    for name, (since, ask) in asked.items():
        touched = objects(store, EVENTS, since, end)
        only = only_these_are_read(store, touched, folder, ask)
        ms = timed(lambda ask=ask: ask(store), runs)
        read = f"{days:6}{(end - since).days:11}{len(touched):9}"
        print(f"{name:20}{read}{ms:8.0f}  {'yes' if only else 'NO'}")
        if not only:
            raise SystemExit(f"{name}: reads more than the days it touches")
    assert count(store, begin, end) == peer(store, begin, end)
    ms = timed(lambda: peer(store, begin, end), runs)
    print(f"{'peer':20}{days:6}{days:11}{peer(store, begin, end, explain=True):9}{ms:8.0f}")


if __name__ == "__main__":
    main()
