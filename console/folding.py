"""Quarters of an hour, UTC, put together to hours, days and weeks of a lot's wall clock.

Between two changes of the clocks a zone is a fixed number of quarters ahead of UTC, so that the
hour of the wall is whole numbers alone, here and in SQL:

    key = (quarter + ahead) / quarters of a part % parts until it begins anew
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.history.schema import QUARTER_MS, UNKNOWN
from gateway.history.sums import COLUMN
from gateway.history.timeline import Span
from measures import Period, Share, runs

MONDAY = 3 * 96
"""1970 began on a Thursday: so many quarters ahead makes a week begin on Monday."""
ENDLESS = 2**40


class By(Enum):
    """Parts of the wall clock, by their keys: (quarters in each, how many, ahead).

    HOUR and DAY: hours and days since 1970. WEEK: hour of the week, 0 is Monday's first.
    """

    HOUR = (4, ENDLESS, 0)
    DAY = (96, ENDLESS, 0)
    WEEK = (4, 168, MONDAY)
    WHOLE = (ENDLESS, 1, 0)


@dataclass(slots=True)
class Part:
    """What is known of a part of a period: spot-milliseconds (free, occupied, closed) and moves.

    `begin_ms` and `end_ms` are of its first and its last moment.
    """

    key: int
    begin_ms: int
    end_ms: int
    length_ms: int = 0
    times_ms: list[int] = field(default_factory=lambda: [0, 0, 0])
    arrivals: int = 0
    departures: int = 0

    def add(self, other: "Part") -> None:
        """Put a later part of the same key to it."""
        self.end_ms = other.end_ms
        self.length_ms += other.length_ms
        self.times_ms = [a + b for a, b in zip(self.times_ms, other.times_ms, strict=True)]
        self.arrivals += other.arrivals
        self.departures += other.departures

    def share(self, spots: int) -> Share:
        """Of `spots` of the layout; what is not known to be anything is unknown."""
        free, occupied, closed = (each / 1000 for each in self.times_ms)
        unknown = max(spots * self.length_ms / 1000 - free - occupied - closed, 0.0)
        return Share(occupied, free, unknown, closed)


class Run(NamedTuple):
    """A part of a period without a change of the clocks, in quarters, UTC."""

    first: int
    last: int
    """The one behind it."""
    ahead: int


def wide(period: Period) -> tuple[int, int]:
    """The period in quarters, widened to whole ones."""
    begin_s, end_s = period.bounds_s
    return int(begin_s * 1000 // QUARTER_MS), -int(-end_s * 1000 // QUARTER_MS)


def runs_of(period: Period, zone: ZoneInfo) -> list[Run]:
    """The widened period by the changes of the clocks in it."""
    first, last = wide(period)
    found = runs(period, zone)
    edges = [round(run.begin_s * 1000 / QUARTER_MS) for run in found[1:]]
    begins, ends = [first, *edges], [*edges, last]
    return [
        Run(begin, end, round(run.offset_s * 1000 / QUARTER_MS))
        for begin, end, run in zip(begins, ends, found, strict=True)
        if begin < end
    ]


def parts_of(run: Run, by: By) -> dict[int, Part]:
    """The parts of a run, with nothing in them yet."""
    found: dict[int, Part] = {}
    for key, begin_ms, end_ms in _chunks(run.first * QUARTER_MS, run.last * QUARTER_MS, run, by):
        part = found.setdefault(key, Part(key, begin_ms, end_ms))
        part.end_ms = end_ms
        part.length_ms += end_ms - begin_ms
    return found


def put(found: dict[int, Part], known: Iterable[Span], run: Run, by: By) -> None:
    """Put spans of spots into the parts of a run."""
    low_ms, high_ms = run.first * QUARTER_MS, run.last * QUARTER_MS
    for begin_ms, end_ms, counts in _swept(known):
        low, high = max(begin_ms, low_ms), min(end_ms, high_ms)
        for key, from_ms, to_ms in _chunks(low, high, run, by):
            times_ms = found[key].times_ms
            for column, count in enumerate(counts):
                times_ms[column] += count * (to_ms - from_ms)


def _chunks(begin_ms: int, end_ms: int, run: Run, by: By) -> Iterator[tuple[int, int, int]]:
    """(key, from, to before) of what lies between the two."""
    quarters, cycle, shift = by.value
    ahead_ms, width_ms = (run.ahead + shift) * QUARTER_MS, quarters * QUARTER_MS
    at_ms = begin_ms
    while at_ms < end_ms:
        number = (at_ms + ahead_ms) // width_ms
        until_ms = min((number + 1) * width_ms - ahead_ms, end_ms)
        yield number % cycle, at_ms, until_ms
        at_ms = until_ms


def _swept(known: Iterable[Span]) -> Iterator[tuple[int, int, tuple[int, int, int]]]:
    """(from, to before, how many spots are free, occupied and closed)."""
    steps: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0])
    for span in known:
        if span.status != UNKNOWN:
            steps[span.begin_ms][COLUMN[span.status]] += 1
            steps[span.end_ms][COLUMN[span.status]] -= 1
    free = occupied = closed = 0
    times = sorted(steps)
    for at_ms, until_ms in pairwise(times):
        step = steps[at_ms]
        free, occupied, closed = free + step[0], occupied + step[1], closed + step[2]
        if free or occupied or closed:
            yield at_ms, until_ms, (free, occupied, closed)
