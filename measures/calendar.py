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
DAY = timedelta(days=1)
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


class Run(NamedTuple):
    """A time in which a zone's clock is `offset_s` ahead of UTC."""

    begin_s: float
    end_s: float
    offset_s: float


def runs(period: Period, zone: ZoneInfo) -> list[Run]:
    """The period, parted where the clocks are changed; in order, without gaps."""
    at, end = period.begin.astimezone(UTC), period.end.astimezone(UTC)
    ends = []
    while at < end:
        until = min(at + DAY, end)
        if _offset(until, zone) != _offset(at, zone):
            ends.append(until := _change(at, until, zone))
        at = until
    begins = [period.begin.astimezone(UTC), *(each for each in ends if each < end)]
    return [
        Run(begin.timestamp(), until.timestamp(), _seconds_ahead(begin, zone))
        for begin, until in zip(begins, [*begins[1:], end], strict=True)
        if begin < until
    ]


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


def _seconds_ahead(at: datetime, zone: ZoneInfo) -> float:
    offset = _offset(at, zone)
    assert offset is not None
    return offset.total_seconds()
