"""The measures by examples that are reckoned by hand, on ordinary days and on both odd ones."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.words import Status
from measures import (
    Event,
    Period,
    Share,
    Span,
    by_day,
    by_hour,
    cells,
    dwell,
    heat_map,
    overall,
    peak_hours,
    silenced,
    spans,
    stays,
    summary,
    turnover,
)

FREE, OCCUPIED, UNKNOWN, CLOSED = Status.FREE, Status.OCCUPIED, Status.UNKNOWN, Status.CLOSED
BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)


def at(hour: float) -> datetime:
    return DAY + hour * HOUR


def events(spot_id: str, *changes: tuple[float, Status]) -> list[Event]:
    return [Event(spot_id, status, at(hour)) for hour, status in changes]


def test_occupancy_is_of_time_and_not_of_events() -> None:
    """Ten short stays and one long: by events it would be half."""
    short = [(hour + part, status) for hour in range(10)
             for part, status in ((0, OCCUPIED), (0.1, FREE))]  # fmt: skip
    share = overall(spans(events("A1", *short), Period(at(0), at(10))))
    assert share.occupancy() == pytest.approx(0.1)
    assert share.coverage == 1


def test_what_was_not_covered_has_no_value_and_is_no_zero() -> None:
    day = Period(at(0), at(24))
    assert overall(spans([], day, ["A1"])).occupancy(least=0) is None
    found = summary([], day, ZoneInfo("UTC"), ["A1"])
    assert (found.occupancy, found.coverage, found.turnover_per_bay_hour) == (None, 0.0, None)
    assert (found.dwell.stays, found.dwell.average_s, found.dwell.median_s) == (0, None, None)
    assert set(found.heat_map.values()) == set(found.utilisation.values()) == {None}
    assert found.peak_hours == []
    assert overall([]).coverage is None


def test_a_value_needs_half_the_time_covered() -> None:
    share = Share(occupied_s=600, free_s=1200, unknown_s=1801)
    assert share.occupancy() is None
    assert share.occupancy(least=0.4) == pytest.approx(1 / 3)
    share.unknown_s = 1800
    assert share.occupancy() == pytest.approx(1 / 3)


def test_closed_time_is_neither_covered_nor_missing() -> None:
    share = overall(spans(events("A1", (0, OCCUPIED), (6, CLOSED)), Period(at(0), at(24))))
    assert (share.occupancy(), share.coverage, share.closed_s) == (1, 1, 18 * 3600)


def test_the_future_is_unknown() -> None:
    period = Period(at(0), at(24), known_until=at(6))
    share = overall(spans(events("A1", (0, OCCUPIED)), period))
    assert (share.occupied_s, share.unknown_s) == (6 * 3600, 18 * 3600)
    assert share.occupancy() is None


def test_a_silence_is_unknown_and_ends_no_closing() -> None:
    known = spans(
        events("A1", (0, FREE), (4, OCCUPIED), (8, CLOSED)), Period(at(0), at(10)), ["A1", "A2"]
    )
    gaps = [(at(7), at(9)), (at(3), at(5)), (at(4), at(4.5))]
    found = [(s.status, s.end_s - s.begin_s) for s in silenced(known, {"A1": gaps})]
    assert found == [
        (FREE, 3 * 3600), (UNKNOWN, 2 * 3600), (OCCUPIED, 2 * 3600), (UNKNOWN, 3600),
        (CLOSED, 2 * 3600), (UNKNOWN, 10 * 3600),
    ]  # fmt: skip


@given(
    gaps=st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30)), max_size=6),
    changes=st.lists(st.tuples(st.integers(-5, 30), st.sampled_from(list(Status))), max_size=8),
)
def test_a_silence_moves_time_and_makes_none(
    gaps: list[tuple[int, int]], changes: list[tuple[int, Status]]
) -> None:
    period = Period(at(0), at(24))
    known = spans(events("A1", *changes), period, ["A1"])
    found = silenced(known, {"A1": [(at(a), at(b)) for a, b in gaps if a < b]})
    assert sum(span.end_s - span.begin_s for span in found) == 24 * 3600
    assert all(a.end_s == b.begin_s and a.status is not b.status
               for a, b in pairwise(found))  # fmt: skip


def test_a_period_of_naive_times_is_refused() -> None:
    naive = datetime(2026, 3, 2)
    with pytest.raises(ValueError, match=r"end = .* give it a time zone"):
        Period(DAY, naive)
    with pytest.raises(ValueError, match="is before begin"):
        Period(at(1), at(0))


# Stays -----------------------------------------------------------------------------------------


def test_turnover_and_dwell() -> None:
    """Stays of 1, 2 and 6 hours in two bays over twelve hours."""
    given_ = events("A1", (0, FREE), (1, OCCUPIED), (2, FREE), (4, OCCUPIED), (6, FREE))
    given_ += events("A2", (0, FREE), (3, OCCUPIED), (9, FREE))
    period = Period(at(0), at(12))
    known = spans(given_, period)
    found = stays(known)
    assert turnover(found, overall(known), period) == pytest.approx(3 / 24)
    lengths = dwell(found, period)
    assert (lengths.stays, lengths.average_s, lengths.median_s) == (3, 3 * 3600, 2 * 3600)


def test_a_stay_that_began_before_the_period_has_its_whole_length() -> None:
    given_ = events("A1", (-9, FREE), (-8, OCCUPIED), (2, FREE), (23, OCCUPIED), (30, FREE))
    found = summary(given_, Period(at(0), at(24)), ZoneInfo("UTC"))
    assert (found.dwell.stays, found.dwell.average_s) == (1, 10 * 3600)
    assert found.turnover_per_bay_hour == pytest.approx(1 / 24)


@pytest.mark.parametrize("blind", [(0, UNKNOWN), (0, CLOSED)])
def test_a_stay_whose_arrival_was_not_seen_has_no_length(blind: tuple[float, Status]) -> None:
    known = spans(events("A1", blind, (1, OCCUPIED), (2, FREE)), Period(at(0), at(3)))
    (stay,) = stays(known)
    assert (stay.arrived_s, stay.dwell_s) == (None, None)
    assert stay.left_s == at(2).timestamp()


def test_the_end_of_one_spots_spans_is_no_neighbour_of_the_nexts() -> None:
    known = spans(
        events("A1", (0, FREE), (1, OCCUPIED)) + events("A2", (0, FREE), (1, OCCUPIED)),
        Period(at(0), at(2)),
    )
    assert [(s.arrived_s is None, s.left_s is None) for s in stays(known)] == [(False, True)] * 2


@given(changes=st.lists(st.tuples(st.integers(0, 100), st.sampled_from(list(Status))), max_size=30))
def test_known_stays_add_up_to_no_more_than_the_occupied_time(
    changes: list[tuple[int, Status]],
) -> None:
    period = Period(at(0), at(101))
    known = spans(events("A1", *changes), period, ["A1"])
    lengths = [stay.dwell_s for stay in stays(known) if stay.dwell_s is not None]
    assert sum(lengths) <= overall(known).occupied_s
    assert len(stays(known)) == sum(span.status is OCCUPIED for span in known)


# The wall clock --------------------------------------------------------------------------------


def local(day: date) -> Period:
    """A day of the calendar in Berlin."""
    begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN)
    return Period(begin, begin + timedelta(days=1))


@pytest.mark.parametrize(
    ("day", "hours", "second_hour_s"),
    [
        (date(2026, 3, 28), 24, 3600.0),
        (date(2026, 3, 29), 23, None),
        (date(2026, 10, 25), 25, 7200.0),
    ],
)
def test_a_day_has_as_many_hours_as_it_has(
    day: date, hours: int, second_hour_s: float | None
) -> None:
    """Red where local times are subtracted: each day would have 24 hours."""
    period = local(day)
    known = spans([Event("A1", FREE, period.begin)], period)
    found = cells(period, BERLIN)
    assert len(found) == hours
    assert by_day(known, found)[day].covered_s == hours * 3600
    second = by_hour(known, found).get(2)
    assert (second and second.covered_s) == second_hour_s
    assert heat_map(known, found).get((day.weekday(), 2)) == second


def test_occupancy_on_the_day_with_25_hours() -> None:
    """Occupied from 1:30 to 3:30 on the wall: three hours of 25."""
    period = local(date(2026, 10, 25))
    came = datetime(2026, 10, 25, 1, 30, tzinfo=BERLIN)
    left = datetime(2026, 10, 25, 3, 30, tzinfo=BERLIN)
    given_ = [Event("A1", FREE, period.begin), Event("A1", OCCUPIED, came), Event("A1", FREE, left)]
    found = summary(given_, period, BERLIN)
    assert found.occupancy == pytest.approx(3 / 25)
    assert found.dwell.average_s == 3 * 3600
    assert [found.by_hour[hour] for hour in (0, 1, 2, 3, 4)] == [0, 0.5, 1, 0.5, 0]
    assert found.peak_hours == [2]


def test_occupancy_on_the_day_with_23_hours() -> None:
    period = local(date(2026, 3, 29))
    came = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)
    left = datetime(2026, 3, 29, 3, 30, tzinfo=BERLIN)
    given_ = [Event("A1", FREE, period.begin), Event("A1", OCCUPIED, came), Event("A1", FREE, left)]
    found = summary(given_, period, BERLIN)
    assert found.occupancy == pytest.approx(1 / 23)
    assert 2 not in found.by_hour
    assert found.by_day == {date(2026, 3, 29): pytest.approx(1 / 23)}


def test_peaks_are_of_the_lots_hours_and_not_of_utc() -> None:
    given_ = events("A1", (0, FREE), (7, OCCUPIED), (9, FREE))
    found = summary(given_, Period(at(0), at(24)), BERLIN)
    assert sorted(found.peak_hours) == [8, 9]


def test_the_fullest_hour_is_named_first_and_the_uncovered_never() -> None:
    shares = {
        7: Share(occupied_s=80, free_s=20), 8: Share(occupied_s=95, free_s=5),
        9: Share(occupied_s=79, free_s=21), 10: Share(occupied_s=10, unknown_s=90),
    }  # fmt: skip
    assert peak_hours(shares) == [8, 7]


def test_utilisation_is_by_spot_of_the_layout() -> None:
    given_ = events("A1", (0, OCCUPIED)) + events("Z9", (0, OCCUPIED))
    found = summary(given_, Period(at(0), at(4)), ZoneInfo("UTC"), ["A1", "A2"])
    assert found.utilisation == {"A1": 1.0, "A2": None}
    assert found.coverage == 0.5


@pytest.mark.parametrize("last", [FREE, OCCUPIED])
def test_events_may_come_in_any_order_and_the_later_given_stands(last: Status) -> None:
    other = FREE if last is OCCUPIED else OCCUPIED
    given_ = events("A1", (2, other), (0, last), (2, last))
    assert spans(given_, Period(at(0), at(3))) == [
        Span("A1", last, at(0).timestamp(), at(3).timestamp())
    ]
