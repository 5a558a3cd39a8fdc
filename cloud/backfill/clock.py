"""A zone's offsets as a table, so that every engine turns local time into UTC alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow as pa

from cloud.record import EARLIEST, LATEST

Span = tuple[int, int, int, bool]
"""Local seconds since 1970 [begin, end), seconds east of UTC, and whether the clock showed these
twice. They are then the first time that it did."""


def offsets(zone: str) -> pa.Table:
    """Those of `zone` in 2000 to 2099. What the clock leapt over is in no row."""
    names = ("begin_s", "end_s", "offset_s", "twice")
    return pa.table(dict(zip(names, map(list, zip(*_spans(zone), strict=True)), strict=True)))


def _spans(zone: str) -> Iterator[Span]:
    changes = list(_changes(ZoneInfo(zone)))
    shown = 0
    for (begin, east), (end, next_east) in pairwise(changes):
        first = max(begin + east, shown)
        again = min(end + east, end + next_east)
        yield first, again, east, False
        if next_east < east:
            yield again, end + east, east, True
        shown = end + east


def _changes(zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """Since which second of UTC the clock is how many seconds east; and the end."""
    at, east = EARLIEST, _east(zone, EARLIEST)
    yield int(at.timestamp()), east
    while at < LATEST:
        day = at + timedelta(days=1)
        if (then := _east(zone, day)) != east:
            yield _change(zone, int(at.timestamp()), int(day.timestamp())), then
            east = then
        at = day
    yield int(LATEST.timestamp()), east


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """The first second of (low, high] with the offset that `high` has."""
    then = _east(zone, datetime.fromtimestamp(high, UTC))
    while high - low > 1:
        middle = (low + high) // 2
        if _east(zone, datetime.fromtimestamp(middle, UTC)) == then:
            high = middle
        else:
            low = middle
    return high


def _east(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
