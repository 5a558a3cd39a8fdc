"""Every share held against a reckoning that goes minute by minute over the wall clock."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.words import Status
from measures import Event, Period, Share, by_day, by_hour, by_spot, cells, heat_map, overall, spans

MINUTE = timedelta(minutes=1)
SPOTS = ["A1", "A2"]
CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00", "2026-10-25T01:00"],
    "America/New_York": ["2026-03-08T07:00", "2026-11-01T06:00"],
    "Australia/Lord_Howe": ["2026-04-04T15:00", "2026-10-03T15:30"],  # by half an hour
    "America/St_Johns": ["2010-03-14T03:31", "2010-11-07T02:31"],  # a minute past midnight
    "Asia/Kathmandu": ["2026-05-01T00:00"],  # 5:45 from UTC
    "UTC": ["2026-05-01T00:00"],
}
MOMENTS = [
    (zone, datetime.fromisoformat(at).replace(tzinfo=UTC))
    for zone in CHANGES
    for at in CHANGES[zone]
]


@st.composite
def lots(draw: st.DrawFn) -> tuple[str, Period, list[Event]]:
    """A zone, a period over or beside a change of its clocks, and events of whole minutes."""
    zone, change = draw(st.sampled_from(MOMENTS))
    begin = change + draw(st.integers(-1500, 200)) * MINUTE
    end = begin + draw(st.integers(0, 1800)) * MINUTE
    known = draw(st.none() | st.integers(-100, 2000).map(lambda m: begin + m * MINUTE))
    event = st.builds(
        lambda spot, status, minute: Event(spot, status, begin + minute * MINUTE),
        st.sampled_from([*SPOTS, "Z9"]),
        st.sampled_from(list(Status)),
        st.integers(-300, 2000),
    )
    return zone, Period(begin, end, known), draw(st.lists(event, max_size=20))


def status_at(events: list[Event], spot_id: str, at: datetime, period: Period) -> Status:
    if period.known_until is not None and at >= period.known_until:
        return Status.UNKNOWN
    own = [event for event in events if event.spot_id == spot_id and event.since <= at]
    latest = max((event.since for event in own), default=None)
    return [event.status for event in own if event.since == latest][-1] if own else Status.UNKNOWN


def minutes(counted: Counter[Status]) -> Share:
    seconds = {status: 60.0 * count for status, count in counted.items()}
    return Share(
        seconds.get(Status.OCCUPIED, 0.0),
        seconds.get(Status.FREE, 0.0),
        seconds.get(Status.UNKNOWN, 0.0),
        seconds.get(Status.CLOSED, 0.0),
    )


@settings(max_examples=60, deadline=None)
@given(lot=lots())
@example(lot=("Europe/Berlin", Period(MOMENTS[0][1], MOMENTS[0][1]), []))
def test_every_share_is_that_of_the_minutes(lot: tuple[str, Period, list[Event]]) -> None:
    name, period, events = lot
    zone = ZoneInfo(name)
    wanted: dict[str, dict[object, Counter[Status]]] = {
        kind: {} for kind in ("heat", "hour", "day", "spot", "all")
    }
    at = period.begin
    while at < period.end:
        wall = at.astimezone(zone)
        for spot_id in SPOTS:
            status = status_at(events, spot_id, at, period)
            for kind, key in (
                ("heat", (wall.weekday(), wall.hour)),
                ("hour", wall.hour),
                ("day", wall.date()),
                ("spot", spot_id),
                ("all", ""),
            ):
                wanted[kind].setdefault(key, Counter())[status] += 1
        at += MINUTE
    known, hours = spans(events, period, SPOTS), cells(period, zone)
    found = {
        "heat": heat_map(known, hours),
        "hour": by_hour(known, hours),
        "day": by_day(known, hours),
        "spot": by_spot(known),
        "all": {"": overall(known)} if known else {},
    }
    for kind, counted in wanted.items():
        assert found[kind] == {key: minutes(each) for key, each in counted.items()}, kind


@pytest.mark.parametrize(("zone", "change"), MOMENTS)
def test_cells_follow_each_other_without_gaps(zone: str, change: datetime) -> None:
    period = Period(change - timedelta(hours=30, minutes=7), change + timedelta(hours=31))
    found = cells(period, ZoneInfo(zone))
    assert (found[0].begin_s, found[-1].end_s) == period.bounds_s
    assert all(a.end_s == b.begin_s < b.end_s for a, b in pairwise(found))
