"""What is read of a history file is what `measures` reckon of the same events."""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from console.folding import By
from console.history import HistoryFile
from console.past import Wanted
from contract.words import EventType, Status
from gateway.config import GatewaySettings
from gateway.history.book import Book
from gateway.history.records import Change, Mark
from gateway.history.schema import MIGRATIONS, STATUSES
from measures import (
    Event,
    Period,
    Share,
    by_cell,
    by_day,
    by_spot,
    cells,
    dwell,
    heat_map,
    silenced,
    spans,
    stays,
)
from spool import open_database

SPOTS = {"A1": "A", "A2": "A", "A3": "A", "B1": "B", "B2": "B"}
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CHANGES = [
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/St_Johns", datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 6, 1, 12, tzinfo=UTC)),
]
"""Zones a whole, a half and three quarters of an hour off, and when their clocks are changed."""


def settings(folder: Path, zone: str = "UTC") -> GatewaySettings:
    return GatewaySettings.model_validate(
        {
            "facility_id": "f1",
            "lot_id": "lot-1",
            "time_zone": zone,
            "store": {"path": folder / "gateway.db"},
            "zones": [{"zone_id": "A"}, {"zone_id": "B"}],
            "spots": [{"spot_id": spot, "zone_id": of} for spot, of in SPOTS.items()],
            "sinks": [{"name": "past", "kind": "history", "path": folder / "history.db"}],
        }
    )


def change(seq: int, event: Event, previous: Status) -> Change:
    arrives = previous is Status.FREE and event.status is Status.OCCUPIED
    leaves = previous is Status.OCCUPIED and event.status is Status.FREE
    at_ms = round(event.since.timestamp() * 1000)
    status = STATUSES.index(event.status)
    kind = 0 if arrives else 1 if leaves else 2
    spot = event.spot_id
    return Change(f"pi-{spot}", "e1", seq, at_ms, spot, SPOTS[spot], kind, status, 0)


def drawn(begin: datetime, end: datetime, seed: int, mean_s: float = 7200) -> list[Event]:
    """Events of every spot but one, to the second."""
    rng = random.Random(seed)
    events = []
    for spot in list(SPOTS)[:-1]:
        at = begin
        while (at := at + timedelta(seconds=round(rng.expovariate(1 / mean_s)) + 1)) < end:
            events.append(Event(spot, rng.choice(STATUSES[:3]), at))
    return events


def written(folder: Path, events: Sequence[Event], marks: Sequence[Mark] = ()) -> None:
    records: list[Change | Mark] = []
    seqs: Counter[str] = Counter()
    last: dict[str, Status] = {}
    for event in sorted(events, key=lambda event: event.since):
        seqs[event.spot_id] += 1
        before = last.get(event.spot_id, Status.UNKNOWN)
        records.append(change(seqs[event.spot_id], event, before))
        last[event.spot_id] = event.status
    random.Random(1).shuffle(records)
    db, _ = open_database(folder / "history.db", MIGRATIONS)
    with closing(db):
        book = Book(db)
        for batch in (records, marks):
            db.execute("BEGIN")
            book.take(batch)
            db.execute("COMMIT")


def close(found: Share, expected: Share) -> bool:
    names = ("occupied_s", "free_s", "unknown_s", "closed_s")
    return all(
        getattr(found, name) == pytest.approx(getattr(expected, name), abs=0.01) for name in names
    )


@pytest.mark.parametrize(("zone", "changed"), CHANGES)
@pytest.mark.parametrize("zone_id", [None, "A"])
def test_the_wall_clock_is_that_of_the_measures(
    tmp_path: Path, zone: str, changed: datetime, zone_id: str | None
) -> None:
    begin, end = changed - 3 * DAY, changed + 3 * DAY
    period = Period(begin, end, known_until=end - 5 * HOUR)
    events = drawn(begin - DAY, end - 9 * HOUR, 7)
    written(tmp_path, events)
    past = HistoryFile(settings(tmp_path, zone))
    clock = ZoneInfo(zone)
    chosen = [spot for spot, of in SPOTS.items() if zone_id in (None, of)]
    known, hours = spans(events, period, chosen), cells(period, clock)
    parts = past.parts(period, zone_id, By.HOUR)
    assert [(part.begin_ms / 1000, part.end_ms / 1000) for part in parts] == [
        (cell.begin_s, cell.end_s) for cell in hours
    ]
    assert [part.key % 24 for part in parts] == [cell.hour for cell in hours]
    shares = [part.share(len(chosen)) for part in parts]
    assert all(map(close, shares, by_cell(known, hours).values()))
    days = [part.share(len(chosen)) for part in past.parts(period, zone_id, By.DAY)]
    assert len(days) == len(by_day(known, hours))
    assert all(map(close, days, by_day(known, hours).values()))
    week = {divmod(part.key, 24): part for part in past.parts(period, zone_id, By.WEEK)}
    expected = heat_map(known, hours)
    assert week.keys() == expected.keys()
    assert all(close(week[key].share(len(chosen)), expected[key]) for key in week)


@pytest.mark.parametrize("length", [HOUR, DAY, 5 * DAY + 7 * HOUR])
def test_spots_and_stays_are_those_of_the_measures(tmp_path: Path, length: timedelta) -> None:
    begin = datetime(2026, 3, 10, 7, 13, 20, tzinfo=UTC)
    period = Period(begin, begin + length, known_until=begin + length - HOUR / 2)
    events = drawn(begin - 2 * DAY, begin + length - HOUR, 3, mean_s=1200)
    written(tmp_path, events)
    past = HistoryFile(settings(tmp_path))
    shares, expected = past.by_spot(period), by_spot(spans(events, period, SPOTS))
    assert shares.keys() == expected.keys()
    assert all(close(shares[spot], expected[spot]) for spot in shares)
    found, exact = past.dwell(period, None), dwell(stays(_all(events, period)), period)
    assert found.stays == exact.stays
    if length > DAY:
        assert found.stays > 100
        assert found.average_s == pytest.approx(exact.average_s, abs=0.5)
        assert found.median_s == pytest.approx(exact.median_s, rel=0.05)
        assert found.p95_s == pytest.approx(exact.p95_s, rel=0.03)


def _all(events: Sequence[Event], period: Period) -> list[tuple[object, ...]]:
    long_ago = Period(period.begin - 9 * DAY, period.end, period.known_until)
    return spans(events, long_ago, SPOTS)  # type: ignore[return-value]


def test_a_silence_that_lasts_and_one_that_is_over_are_unknown(tmp_path: Path) -> None:
    begin = datetime(2026, 3, 10, tzinfo=UTC)
    period = Period(begin, begin + DAY)
    events = [Event("A1", Status.FREE, begin), Event("A1", Status.OCCUPIED, begin + 20 * HOUR)]
    silent, born, heard = EventType.AGENT_SILENT, EventType.BIRTH, EventType.AGENT_HEARD

    def mark(kind: EventType, hour: float) -> Mark:
        return Mark(kind, "pi-A1", round((begin + hour * HOUR).timestamp() * 1000))

    marks = [mark(silent, 4), mark(born, 6), mark(heard, 6), mark(silent, 22)]
    written(tmp_path, events, marks)
    past = HistoryFile(settings(tmp_path))
    gaps = [(begin + 22 * HOUR, begin + DAY), (begin + 4 * HOUR, begin + 6 * HOUR)]
    expected = by_cell(
        silenced(spans(events, period, ["A1"]), {"A1": gaps}), cells(period, ZoneInfo("UTC"))
    )
    shares = [part.share(1) for part in past.parts(period, None, By.HOUR)]
    assert all(map(close, shares, expected.values()))
    assert past.by_spot(period)["A1"].unknown_s == 4 * 3600


def test_the_log_is_read_on_from_where_it_ended(tmp_path: Path) -> None:
    begin = datetime(2026, 3, 10, tzinfo=UTC)
    events = drawn(begin, begin + 2 * DAY, 5)
    written(tmp_path, events)
    past = HistoryFile(settings(tmp_path))
    wanted = Wanted(begin, begin + 2 * DAY, limit=7)
    whole = past.log(Wanted(begin, begin + 2 * DAY, limit=1000))
    assert whole.total == len(whole.records) == len(events)
    assert whole.next is None
    assert [each.at for each in whole.records] == sorted(
        (event.since for event in events), reverse=True
    )
    read, behind = [], None
    while True:
        part = past.log(Wanted(wanted.begin, wanted.end, 7, behind=behind))
        read += part.records
        if (behind := part.next) is None:
            break
    assert read == whole.records
    assert past.log(Wanted(wanted.begin, wanted.end, 7, offset=7)).records == read[7:14]


@pytest.mark.parametrize(
    ("fields", "of"),
    [
        ({"zone_id": "A"}, lambda each: each.zone_id == "A"),
        ({"spot_id": "A2"}, lambda each: each.spot_id == "A2"),
        ({"type": EventType.ARRIVAL}, lambda each: each.event_type is EventType.ARRIVAL),
        ({"type": EventType.STATUS}, lambda each: each.event_type is EventType.STATUS),
        ({"zone_id": "nowhere"}, lambda each: False),
        ({"spot_id": "A1", "type": EventType.DEPARTURE}, None),
    ],
)
def test_the_log_is_chosen_from(tmp_path: Path, fields, of) -> None:
    begin = datetime(2026, 3, 10, tzinfo=UTC)
    written(tmp_path, drawn(begin, begin + 2 * DAY, 5))
    past = HistoryFile(settings(tmp_path))
    of = of or (lambda each: each.spot_id == "A1" and each.event_type is EventType.DEPARTURE)
    whole = past.log(Wanted(begin, begin + 2 * DAY, 1000)).records
    found = past.log(Wanted(begin, begin + 2 * DAY, 1000, **fields))
    assert found.records == [each for each in whole if of(each)]
    assert found.total == len(found.records)


def test_without_a_sink_or_its_file_nothing_is_kept(tmp_path: Path) -> None:
    period = Period(datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    for lot in (settings(tmp_path), settings(tmp_path).model_copy(update={"sinks": []})):
        past = HistoryFile(lot)
        assert (past.kept_from(), past.newest()) == (None, None)
        assert past.log(Wanted(period.begin, period.end, 10)).records == []
        assert all(part.share(5).occupancy() is None for part in past.parts(period, None, By.HOUR))
        assert past.dwell(period, None).stays == 0
        assert set(past.by_spot(period)) == set(SPOTS)
