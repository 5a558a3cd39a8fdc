"""A period in the hours of a lot's wall clock, whatever the clock does meanwhile.

Where clocks are put back an hour of the wall comes twice, and both belong to it; where they are put
forward one is missing or short. All differences are taken in seconds since 1970: subtracting two
times of one zone is wrong by the change (Python's `datetime` ignores `fold` there).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from measures.spans import Period

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


class Cell(NamedTuple):
    """A part of one hour of the wall clock; `weekday` 0 is Monday."""

    begin_s: float
    end_s: float
    day: date
    weekday: int
    hour: int


def cells(period: Period, zone: ZoneInfo) -> list[Cell]:
    """The period's hours in `zone`, in order, without gaps; the first and last may be cut."""
    return list(_cells(period, zone))


def _cells(period: Period, zone: ZoneInfo) -> Iterator[Cell]:
    at, end = period.begin.astimezone(UTC), period.end.astimezone(UTC)
    while at < end:
        wall = at.astimezone(zone)
        until = min(_next(at, wall, zone), end)
        yield Cell(at.timestamp(), until.timestamp(), wall.date(), wall.weekday(), wall.hour)
        at = until


def _next(at: datetime, wall: datetime, zone: ZoneInfo) -> datetime:
    """When (UTC) the wall's hour ends, or the clocks are changed before that."""
    into = timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
    until = at + HOUR - into
    if _offset(until, zone) == _offset(at, zone):
        return until
    return _change(at, until, zone)


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The moment between the two (the second may be it) from which on the clocks are changed."""
    before = _offset(low, zone)
    while high - low > SECOND:
        middle = low + (high - low) / 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
