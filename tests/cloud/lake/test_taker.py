"""Records into the lake: by their own hour, many in an object, what was written twice once."""

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest

from cloud.lake.reader import dataset
from cloud.lake.schema import SCHEMA
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LETTERS, LINES, LakeTaker, Limits
from cloud.present import Delivered
from cloud.testing import START, delivered, record

LATER = START + timedelta(hours=9)


def of(store: Store) -> list[dict[str, object]]:
    begin, end = START - timedelta(days=2), START + timedelta(days=2)
    return dataset(store, EVENTS, begin, end).to_table().to_pylist()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"))


def test_each_record_stands_in_its_own_hour(store: Store) -> None:
    taker = LakeTaker(store, Limits())
    late = record(1, "occupied", -3600)
    batch = delivered([record(2, "vacant", 5), record(3, "occupied", 3599), late], "lot/0")
    assert not taker.take(batch, LATER)
    taker.flush(LATER)
    assert list(store.names("")) == [
        f"{EVENTS}/year=2024/month=03/day=20/hour=09/lot-0-0-3.parquet",
        f"{EVENTS}/year=2024/month=03/day=20/hour=10/lot-0-0-3.parquet",
    ]
    rows = of(store)
    assert [(row["hour"], row["seq"]) for row in rows] == [("09", 1), ("10", 2), ("10", 3)]
    assert set(SCHEMA.names) < set(rows[0])
    assert rows[1]["timestamp"] == START + timedelta(seconds=5)


def test_writes_behind_the_wait_or_at_the_size(store: Store) -> None:
    taker = LakeTaker(store, Limits(wait=timedelta(seconds=60), max_bytes=2000))
    one, *more = delivered([record(n, "vacant", n) for n in range(1, 30)], "lot/0")
    assert not taker.take([one], LATER)
    assert not taker.take([], LATER + timedelta(seconds=59))
    assert taker.take([], LATER + timedelta(seconds=60))
    assert len(of(store)) == 1
    assert taker.take(more, LATER + timedelta(seconds=61))
    assert len(of(store)) == 29


def test_whoever_goes_on_for_a_killed_consumer_writes_over_what_it_wrote(store: Store) -> None:
    batch = delivered([record(n, "vacant", n) for n in range(1, 9)], "lot/0")
    for _ in range(2):  # the first was gone before its place moved
        taker = LakeTaker(store, Limits())
        taker.take(batch, LATER)
        taker.flush(LATER)
    assert sorted(row["seq"] for row in of(store)) == list(range(1, 9))


def test_a_consumer_that_was_thought_dead_takes_nothing_away(store: Store) -> None:
    batch = delivered([record(n, "vacant", n) for n in range(1, 9)], "lot/0")
    stalled, heir = LakeTaker(store, Limits()), LakeTaker(store, Limits())
    stalled.take(batch[:5], LATER)
    heir.take(batch, LATER)
    heir.flush(LATER)
    stalled.flush(LATER)
    assert {row["seq"] for row in of(store)} == set(range(1, 9))


def test_what_cannot_be_read_is_kept_with_its_reason(store: Store) -> None:
    taker = LakeTaker(store, Limits())
    taker.take([Delivered("lot/0/7", b"{]"), *delivered([record(1, "vacant", 0)], "lot/1")], LATER)
    taker.flush(LATER)
    assert len(of(store)) == 1
    letter = json.loads(store.get(f"{LETTERS}/lot-0-7-1.jsonl"))
    assert letter["payload"] == "{]"
    assert "JSON object" in letter["reason"]


def test_a_disk_that_is_full_loses_nothing(store: Store, tmp_path: Path) -> None:
    taker = LakeTaker(store, Limits())
    taker.take(delivered([record(1, "vacant", 0)], "lot/0"), LATER)
    (tmp_path / "lake" / EVENTS).write_text("in the way")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        taker.flush(LATER)
    (tmp_path / "lake" / EVENTS).unlink()
    taker.flush(LATER)
    assert len(of(store)) == 1


def test_lines_are_read_by_a_table_of_three_columns(store: Store) -> None:
    taker = LakeTaker(store, Limits(), lines=True)
    taker.take(delivered([record(1, "occupied", 0)], "lot/0"), LATER)
    taker.flush(LATER)
    name = f"{LINES}/year=2024/month=03/day=20/hour=10/lot-0-0-1.json.gz"
    said = json.loads(gzip.decompress(store.get(name)))
    assert (said["spot_id"], said["status"]) == ("A1", "occupied")
    assert said["timestamp"] == "2024-03-20T10:00:00.000Z"


def test_a_snapshot_is_no_part_of_the_past(store: Store) -> None:
    taker = LakeTaker(store, Limits())
    taker.take(delivered([record(1, "occupied", 0, event_type="SNAPSHOT")], "lot/0"), LATER)
    taker.flush(LATER)
    assert list(store.names("")) == []
