"""Objects become one: each event once, at every moment, whenever the compactor is killed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cloud.lake.compaction import compact
from cloud.lake.reader import dataset, objects
from cloud.lake.schema import SCHEMA, partition
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LakeTaker, Limits
from cloud.testing import START, delivered, record

LATER = START + timedelta(hours=9)
SPAN = (START - timedelta(days=1), START + timedelta(days=1))


class Cut(Exception):
    """The compactor is killed."""


class Cutting(Store):
    """A store that stops for good before its `left`-th change."""

    left: int = 1_000_000

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cut

    def put(self, name: str, data: Any) -> None:
        self._spend()
        super().put(name, data)

    def remove(self, name: str) -> None:
        self._spend()
        super().remove(name)


def seqs(store: Store) -> list[int]:
    return sorted(dataset(store, EVENTS, *SPAN).to_table(columns=["seq"])["seq"].to_pylist())


def write(store: Store, numbers: range, name: str) -> None:
    taker = LakeTaker(store, Limits())
    taker.take(delivered([record(n, "vacant", n) for n in numbers], name), LATER)
    taker.flush(LATER)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[str]:
    store = Store(str(tmp_path / "lake"))
    write(store, range(1, 5), "lot/0")
    write(store, range(3, 9), "lot/1")  # 3 and 4 came twice
    write(store, range(9, 12), "lot/2")
    return str(tmp_path / "lake")


def test_leaves_one_object_and_each_event_once(folder: str) -> None:
    store = Store(folder)
    (done,) = compact(store, EVENTS, LATER)
    assert (done.objects, done.rows, done.doubles) == (3, 11, 2)
    assert len(objects(store, EVENTS, *SPAN)) == len(list(store.names(""))) == 1
    assert seqs(store) == list(range(1, 12))
    assert list(compact(store, EVENTS, LATER)) == []


def test_what_nobody_checked_is_kept_as_it_is(folder: str) -> None:
    """Firehose writes what a record says, and nothing where it says nothing."""
    store = Store(folder)
    known = {"event_id": "own", "event_type": "ARRIVAL", "lot_id": "north", "timestamp": START}
    unchecked = pa.Table.from_pylist(
        [known], pa.schema([field.with_nullable(True) for field in SCHEMA])
    )
    store.put_table(f"{EVENTS}/{partition(START)}/firehose-1.parquet", unchecked)
    (done,) = compact(store, EVENTS, LATER)
    assert (done.objects, done.rows) == (4, 12)
    rows = dataset(store, EVENTS, *SPAN).to_table().to_pylist()
    (own,) = [row for row in rows if row["event_id"] == "own"]
    assert (own["clock"], own["taken_at"], own["lot_id"]) == (None, None, "north")


def test_an_hour_that_goes_on_is_left_alone(folder: str) -> None:
    assert list(compact(Store(folder), EVENTS, START + timedelta(minutes=90))) == []


def test_what_comes_late_is_taken_in_by_the_next_run(folder: str) -> None:
    store = Store(folder)
    list(compact(store, EVENTS, LATER))
    write(store, range(11, 14), "lot/9")
    (done,) = compact(store, EVENTS, LATER)
    assert (done.rows, done.doubles) == (13, 1)
    assert seqs(store) == list(range(1, 14))


@pytest.mark.parametrize("changes", range(8))
def test_a_kill_at_any_change_hides_no_event_and_doubles_none(folder: str, changes: int) -> None:
    store = Cutting(folder)
    before = seqs(store)
    store.left = changes
    try:
        list(compact(store, EVENTS, LATER))
    except Cut:
        assert changes < 6  # manifest, object, three removals, manifest
    else:
        assert changes >= 6
    assert seqs(store) in (before, list(range(1, 12)))
    store.left = 1_000_000
    list(compact(store, EVENTS, LATER))
    assert seqs(store) == list(range(1, 12))
    assert len(list(store.names(""))) == 1
