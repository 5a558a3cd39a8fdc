"""A backfill against a plain reckoning of the same file."""

import csv
import hashlib
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
import sqlglot
from typer.testing import CliRunner, Result

from cloud.backfill import duck
from cloud.backfill.job import Report, backfill, text
from cloud.backfill.rows import BadFile
from cloud.backfill.sources import SOURCES
from cloud.cli import app
from cloud.lake.schema import SCHEMA, partition
from cloud.lake.store import Store
from cloud.record import checked

LONDON, MELBOURNE = ZoneInfo("Europe/London"), ZoneInfo("Australia/Melbourne")
Rows = list[dict[str, Any]]


class Lake:
    """A lake in a folder, and files to put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "lake"
        self.store = Store(str(self.folder))
        self._files = folder

    def file(self, source: str, *lines: str) -> Path:
        path = self._files / f"{source}.csv"
        path.write_text("\n".join((",".join(SOURCES[source].columns), *lines)) + "\n")
        return path

    def fill(self, source: str, path: Path, zone: str = "") -> Report:
        zone = zone or SOURCES[source].time_zone
        report = backfill(self.store, SOURCES[source], str(path), zone, duck.judge)
        assert report.rows == report.kept + sum(report.dropped.values())
        assert len(self.rows("quarantine")) == sum(report.dropped.values())
        return report

    def rows(self, kind: str) -> Rows:
        found: Rows = []
        for name in self.store.names(f"processed/historical/{kind}"):
            found += pq.ParquetFile(self.folder / name).read().to_pylist()
        return found

    def bytes(self) -> dict[str, bytes]:
        return {name: self.store.get(name) for name in self.store.names("")}


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def reasons(lake: Lake) -> list[tuple[int, str]]:
    return [(row["line"], row["reason"]) for row in lake.rows("quarantine")]


def utc(said: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(said).replace(tzinfo=zone).astimezone(UTC)


def test_birmingham_is_what_a_plain_reckoning_says(lake: Lake, shared_data: Path) -> None:
    path = shared_data / "uci-birmingham" / "dataset.csv"
    seen: set[tuple[str, ...]] = set()
    dropped: Counter[str] = Counter()
    kept = set()
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            capacity, occupied = int(row["Capacity"]), int(row["Occupancy"])
            if occupied < 0:
                dropped["negative"] += 1
            elif occupied > capacity:
                dropped["overfull"] += 1
            elif tuple(row.values()) in seen:
                dropped["duplicate"] += 1
            else:
                seen.add(tuple(row.values()))
                lot = row["SystemCodeNumber"].replace(" ", "-")
                kept.add((lot, utc(row["LastUpdated"], LONDON), capacity, occupied))
    report = lake.fill("birmingham", path)
    assert report.rows == 35_717
    assert report.dropped == dropped == {"overfull": 373, "duplicate": 216, "negative": 12}
    found = lake.rows("occupancy")
    assert len(found) == report.kept == len(kept)
    assert {(r["lot_id"], r["timestamp"], r["capacity"], r["occupied"]) for r in found} == kept
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert lake.store.get(f"raw/historical/birmingham/{digest}.csv") == path.read_bytes()


def test_melbourne_is_what_a_plain_reckoning_says(lake: Lake, shared_data: Path) -> None:
    path = shared_data / "melbourne-sessions" / "sessions.csv"
    bays: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            ends = utc(row["DepartureTime"], MELBOURNE)
            stay = timedelta(seconds=max(float(row["duration"]) * 60, 30))
            bays[row["BayId"]].append((ends, ends - stay))
    stays = set()
    trimmed = dropped = 0
    for bay, found in bays.items():
        found.sort()
        free = latest = datetime.min.replace(tzinfo=UTC)
        for ends, begins in found:
            overlap, latest = latest - begins, ends
            if overlap > timedelta(seconds=60):
                dropped += 1
                continue
            trimmed += free > begins
            stays.add((bay, max(begins, free), ends))
            free = ends
    report = lake.fill("melbourne", path)
    assert (report.rows, report.dropped) == (31_122, {"overlaps another stay": dropped})
    assert report.noted["trimmed"] == trimmed > 4_000
    events: dict[str, dict[str, datetime]] = defaultdict(dict)
    rows = lake.rows("events")
    for each in rows:
        whose = each["event_id"].rpartition(":")[0]
        events[whose][each["event_type"]] = each["timestamp"]
    assert len({each["event_id"] for each in rows}) == len(rows) == 2 * report.kept
    assert {
        (key.split(":")[1], both["ARRIVAL"], both["DEPARTURE"]) for key, both in events.items()
    } == stays


def test_events_are_records_in_the_hour_of_their_own_time(lake: Lake) -> None:
    lake.fill("melbourne", lake.file("melbourne", "1024,2019-01-06 13:12:37,80"))
    places = list(lake.store.names("processed/historical/events"))
    hours = [
        place.rpartition("/")[0].removeprefix("processed/historical/events/") for place in places
    ]
    rows = lake.rows("events")
    assert hours == [partition(row["timestamp"]) for row in rows]
    assert pq.ParquetFile(lake.folder / places[0]).schema_arrow.equals(SCHEMA)
    for row in rows:
        checked({word: value for word, value in row.items() if value is not None})
    assert [row["timestamp"] for row in rows] == [
        datetime(2019, 1, 6, 0, 52, 37, tzinfo=UTC),
        datetime(2019, 1, 6, 2, 12, 37, tzinfo=UTC),
    ]


def test_a_departure_stands_before_the_arrival_of_its_moment(lake: Lake) -> None:
    lines = ("A,2019-01-06 13:00:00,30", "A,2019-01-06 13:10:00,10", "A,2019-01-06 13:20:30,11")
    report = lake.fill("melbourne", lake.file("melbourne", *lines))
    assert report.noted["trimmed"] == 1
    rows = sorted(lake.rows("events"), key=lambda row: row["seq"])
    assert len({row["seq"] for row in rows}) == len(rows)
    assert [row["status"] for row in rows] == ["occupied", "vacant"] * 3
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)


def test_each_bad_count_has_its_reason(lake: Lake) -> None:
    lines = (
        "Bull Ring,100,50,2016-10-04 08:00:00",
        "Bull Ring,100,50,2016-10-04 08:00:00",
        "Bull Ring,100,60,2016-10-04 08:30:00",
        "Bull Ring,100,61,2016-10-04 08:30:00",
        "Bull Ring,100,-1,2016-10-04 09:00:00",
        "Bull Ring,100,101,2016-10-04 09:00:00",
        "Bull Ring,100,70,2016-10-04 09:00:00",
        "Bull/Ring,100,70,2016-10-04 09:00:00",
        "Bull Ring,0,0,2016-10-04 09:00:00",
        "Bull Ring,100,many,2016-10-04 09:00:00",
        "Bull Ring,100,70,2016-13-04 09:00:00",
        "Bull Ring,100,70,04/10/2016 09:00",
        "Bull Ring,100,70,2016-10-04 24:00:00",
        "",
        '"Bull, Ring",100',
    )
    report = lake.fill("birmingham", lake.file("birmingham", *lines))
    assert (report.rows, report.kept) == (14, 2)
    assert reasons(lake) == [
        (3, "duplicate"),
        (4, "conflicting duplicate"),
        (5, "conflicting duplicate"),
        (6, "negative"),
        (7, "overfull"),
        (9, "unreadable SystemCodeNumber"),
        (10, "unreadable Capacity"),
        (11, "unreadable Occupancy"),
        (12, "unreadable LastUpdated"),
        (13, "unreadable LastUpdated"),
        (14, "unreadable LastUpdated"),
        (16, "unreadable SystemCodeNumber"),
    ]
    assert lake.rows("quarantine")[-1]["raw"] == '"Bull, Ring",100'
    assert [row["occupied"] for row in lake.rows("occupancy")] == [50, 70]


def test_each_bad_stay_has_its_reason(lake: Lake) -> None:
    lines = (
        "A,2019-01-06 13:00:00,30",
        "A,2019-01-06 13:00:00,30",
        "A,2019-01-06 13:30:00,-5",
        "A,2019-01-06 13:40:00,5",
        "A,2019-01-06 13:40:00,6",
        "A,2019-01-06 14:00:00,62",
        "A,2019-01-06 14:10:00,soon",
        "A,2019-01-06 14:10,5",
        "A B,2019-01-06 14:10:00,5",
        "A,2019-01-06 14:30:00,40",
        "B,2019-01-06 14:30:00,0",
    )
    report = lake.fill("melbourne", lake.file("melbourne", *lines))
    assert reasons(lake) == [
        (3, "duplicate"),
        (4, "negative duration"),
        (5, "conflicting duplicate"),
        (6, "conflicting duplicate"),
        (7, "overlaps another stay"),
        (8, "unreadable duration"),
        (9, "unreadable DepartureTime"),
        (10, "unreadable BayId"),
        (11, "overlaps another stay"),
    ]
    assert (report.kept, report.noted["short"]) == (2, 1)
    short = [row["timestamp"] for row in lake.rows("events") if row["spot_id"] == "B"]
    assert short[1] - short[0] == timedelta(seconds=30)


def test_the_hour_that_comes_twice_and_the_one_that_never_was(lake: Lake) -> None:
    lines = (
        "A,2019-04-07 01:30:00,0",  # before the clock goes back at 3:00 to 2:00
        "A,2019-04-07 02:30:00,0",
        "A,2019-04-07 03:00:00,0",
        "A,2019-10-06 01:59:59,0",  # before it goes on from 2:00 to 3:00
        "A,2019-10-06 02:30:00,0",
        "A,2019-10-06 03:00:00,90",
    )
    report = lake.fill("melbourne", lake.file("melbourne", *lines))
    assert reasons(lake) == [(6, "no such local time"), (7, "overlaps another stay")]
    assert report.noted["clock_twice"] == 1
    left = [row["timestamp"] for row in lake.rows("events") if row["event_type"] == "DEPARTURE"]
    assert left == [
        datetime(2019, 4, 6, 14, 30, tzinfo=UTC),
        datetime(2019, 4, 6, 15, 30, tzinfo=UTC),
        datetime(2019, 4, 6, 17, 0, tzinfo=UTC),
        datetime(2019, 10, 5, 15, 59, 59, tzinfo=UTC),
    ]


def test_a_stay_over_a_change_of_the_clock_is_of_elapsed_time(lake: Lake) -> None:
    lake.fill("melbourne", lake.file("melbourne", "A,2019-10-06 03:30:00,60"))
    arrived = lake.rows("events")[0]["timestamp"].astimezone(MELBOURNE)
    assert f"{arrived:%H:%M}" == "01:30"


def test_twice_is_the_same(lake: Lake) -> None:
    path = lake.file("melbourne", "A,2019-01-06 13:00:00,30", "A,2019-01-06 13:00:00,30")
    first = lake.fill("melbourne", path)
    before = lake.bytes()
    assert lake.fill("melbourne", path) == first
    assert lake.bytes() == before


def test_another_zone_takes_the_place_of_the_first(lake: Lake) -> None:
    path = lake.file("melbourne", "A,2019-01-06 13:00:00,30")
    lake.fill("melbourne", path)
    lake.fill("melbourne", path, "UTC")
    assert [row["timestamp"].hour for row in lake.rows("events")] == [12, 13]


def test_a_file_that_is_none_of_the_source(lake: Lake) -> None:
    with pytest.raises(BadFile, match="no column SystemCodeNumber, Capacity"):
        lake.fill("birmingham", lake.file("melbourne", "A,2019-01-06 13:00:00,30"))
    with pytest.raises(BadFile, match="holds no row"):
        lake.fill("melbourne", lake.file("melbourne"))


@pytest.mark.parametrize("source", SOURCES)
def test_the_text_is_one_that_spark_reads_too(source: str) -> None:
    """Translated without a loss, and still the same tree of selects. What Spark makes of it:
    test_engines.py.
    """
    there = sqlglot.parse_one(text(source, "spark"), read="spark")
    here = sqlglot.parse_one(text(source, "duckdb"), read="duckdb")
    assert there.named_selects == here.named_selects
    assert [str(each.alias) for each in there.ctes] == [str(each.alias) for each in here.ctes]


def run(lake: Lake, *words: str) -> Result:
    config = lake.folder.parent / "cloud.toml"
    config.write_text(f'[lake]\nurl = "{lake.folder}"\n')
    return CliRunner().invoke(app, ["backfill", *words, "-c", str(config)])


def test_the_command_says_what_became_of_the_rows(lake: Lake) -> None:
    path = lake.file("melbourne", "A,2019-01-06 13:00:00,30", "A,2019-01-06 13:30:00,-5")
    said = run(lake, "melbourne", str(path), "--json")
    assert said.exit_code == 0, said.output
    report = json.loads(said.stdout)
    assert (report["rows"], report["kept"], report["dropped"]) == (2, 1, {"negative duration": 1})
    kept = list(lake.store.names("processed/historical/reports"))
    assert [json.loads(lake.store.get(name)) for name in kept] == [report]
    assert "1 dropped: negative duration" in run(lake, "melbourne", str(path)).stdout


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["leeds", "x.csv"], 2, "one of birmingham, melbourne"),
        (["melbourne", "x.csv", "--time-zone", "Melbourne"], 2, "is no time zone"),
        (["melbourne", "x.csv", "--engine", "hadoop"], 2, "one of duckdb, spark"),
        (["melbourne", "x.csv", "--engine", "spark"], 2, "pip install 'lotkeeper[spark]'"),
        (["melbourne", "no-such.csv"], 1, "no-such.csv"),
    ],
)
def test_what_is_wrong_is_told(lake: Lake, words: list[str], status: int, said: str) -> None:
    result = run(lake, *words)
    assert (result.exit_code, said in result.output) == (status, True)
