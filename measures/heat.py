"""Shares by the hours of the lot's wall clock: heat map, hours of the day, days, peaks."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from measures.calendar import Cell
from measures.share import LEAST_COVERAGE, Share
from measures.spans import Span

PEAK = 0.8
Key = TypeVar("Key")


def heat_map(known: Iterable[Span], hours: Sequence[Cell]) -> dict[tuple[int, int], Share]:
    """The share of each (weekday, hour) that the period has; Monday is 0."""
    return _gathered(known, hours, lambda cell: (cell.weekday, cell.hour))


def by_hour(known: Iterable[Span], hours: Sequence[Cell]) -> dict[int, Share]:
    """The share of each hour of the day."""
    return _gathered(known, hours, lambda cell: cell.hour)


def by_day(known: Iterable[Span], hours: Sequence[Cell]) -> dict[date, Share]:
    """The share of each day of the calendar, of 23 or 25 hours where the clocks are changed."""
    return _gathered(known, hours, lambda cell: cell.day)


def by_cell(known: Iterable[Span], hours: Sequence[Cell]) -> dict[Cell, Share]:
    """The share of each hour of the period."""
    return _gathered(known, hours, lambda cell: cell)


def peak_hours(
    shares: Mapping[Key, Share], peak: float = PEAK, least: float = LEAST_COVERAGE
) -> list[Key]:
    """The hours that are at least `peak` full, the fullest first; one without a value is none."""
    found = [(share.occupancy(least), key) for key, share in shares.items()]
    full = [(value, key) for value, key in found if value is not None and value >= peak]
    return [key for _, key in sorted(full, key=lambda each: -each[0])]


def _gathered(
    known: Iterable[Span], hours: Sequence[Cell], key_of: Callable[[Cell], Key]
) -> dict[Key, Share]:
    keys = [key_of(cell) for cell in hours]
    shares = {key: Share() for key in keys}
    begins = [cell.begin_s for cell in hours]
    for span in known:
        at = max(bisect_right(begins, span.begin_s) - 1, 0)
        while at < len(hours) and hours[at].begin_s < span.end_s:
            cell = hours[at]
            seconds = min(span.end_s, cell.end_s) - max(span.begin_s, cell.begin_s)
            if seconds > 0:
                shares[keys[at]].add(span.status, seconds)
            at += 1
    return shares
