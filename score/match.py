"""Events that happened against events that were found. Pure.

Each kind is matched by itself, one to one and in order: as many pairs within the tolerance as
there can be, and among those matchings the one with the smallest sum of time differences. What
is left of the truth was missed. What is left of the found is doubled where a true event lies
within the tolerance (which then has its pair already), and false elsewhere.

The exact matching is sought, but only among found events within the tolerance of each true one:
a month costs as much as its events, not as their square.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["arrival", "departure", "passage"]
KINDS: tuple[Kind, ...] = ("arrival", "departure", "passage")


class Event(NamedTuple):
    """Something that happened, or was said to have, `at_s` monotonic seconds."""

    at_s: float
    kind: Kind


class Pair(NamedTuple):
    """A true event and the one that was found for it."""

    truth: Event
    found: Event

    @property
    def latency_s(self) -> float:
        """How much later than the truth the found event is dated; negative if earlier."""
        return self.found.at_s - self.truth.at_s


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of a matching, as events in order of time, so that they can be drawn.

    Tallies of several sensors or days add up.
    """

    pairs: tuple[Pair, ...] = ()
    missed: tuple[Event, ...] = ()
    false: tuple[Event, ...] = ()
    doubled: tuple[Event, ...] = ()

    @property
    def truths(self) -> tuple[Event, ...]:
        """All true events."""
        return tuple(sorted([*(pair.truth for pair in self.pairs), *self.missed]))

    @property
    def found(self) -> tuple[Event, ...]:
        """The found events that have a true one; neither false nor doubled ones."""
        return tuple(pair.found for pair in self.pairs)

    @property
    def latencies_s(self) -> tuple[float, ...]:
        """Found minus true time of each pair."""
        return tuple(pair.latency_s for pair in self.pairs)

    @property
    def clean(self) -> bool:
        """All found, each once, and nothing else."""
        return not (self.missed or self.false or self.doubled)

    def of(self, *kinds: Kind) -> "Tally":
        """These kinds alone."""
        return Tally(
            tuple(pair for pair in self.pairs if pair.truth.kind in kinds),
            *(
                tuple(event for event in events if event.kind in kinds)
                for events in (self.missed, self.false, self.doubled)
            ),
        )

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            tuple(sorted(self.pairs + other.pairs)),
            tuple(sorted(self.missed + other.missed)),
            tuple(sorted(self.false + other.false)),
            tuple(sorted(self.doubled + other.doubled)),
        )


def match(truth: Iterable[Event], found: Iterable[Event], tolerance_s: float) -> Tally:
    """Match what was found to the truth, within `tolerance_s` either way (inclusive).

    >>> tally = match([Event(10, "arrival")], [Event(12, "arrival"), Event(14, "arrival")], 5)
    >>> tally.latencies_s, tally.doubled
    ((2,), (Event(at_s=14, kind='arrival'),))

    Raises ValueError for a negative tolerance.
    """
    if tolerance_s < 0:
        raise ValueError(f"tolerance_s {tolerance_s:g} must not be negative")
    truth, found = list(truth), list(found)
    tally = Tally()
    for kind in KINDS:
        here = [event for event in truth if event.kind == kind]
        said = [event for event in found if event.kind == kind]
        tally += _match_kind(here, said, tolerance_s)
    return tally


def _match_kind(truth: list[Event], found: list[Event], tolerance_s: float) -> Tally:
    pairs = _best_pairs(sorted(truth), sorted(found), tolerance_s)
    missed = _without(truth, [pair.truth for pair in pairs])
    rest = _without(found, [pair.found for pair in pairs])
    times_s = sorted(event.at_s for event in truth)
    doubled = [event for event in rest if _is_near(event.at_s, times_s, tolerance_s)]
    return Tally(
        tuple(pairs), tuple(missed), tuple(_without(rest, doubled)), tuple(sorted(doubled))
    )


def _without(events: Iterable[Event], taken: Iterable[Event]) -> list[Event]:
    """The events left, in order, where each taken one goes once."""
    return sorted((Counter(events) - Counter(taken)).elements())


def _is_near(at_s: float, times_s: Sequence[float], tolerance_s: float) -> bool:
    """Whether one of the sorted times lies within the tolerance."""
    next_one = bisect_left(times_s, at_s)
    return any(
        abs(each - at_s) <= tolerance_s for each in times_s[max(0, next_one - 1) : next_one + 1]
    )


class _Row(NamedTuple):
    """The best of a truth and those before it with the first `begin` found events, one more, ...

    Each is (pairs, minus their seconds). With fewer found events it is the row before's, with
    more than the row has it is the last one.
    """

    begin: int
    best: list[tuple[int, float]]

    def at(self, count: int) -> tuple[int, float]:
        return self.best[min(count - self.begin, len(self.best) - 1)]


def _best_pairs(truth: list[Event], found: list[Event], tolerance_s: float) -> list[Pair]:
    """Most pairs first, then least time between them: an alignment of two sorted sequences.

    Crossing pairs are never better than the same four events uncrossed, so order costs nothing.
    """
    times_s = [event.at_s for event in found]
    rows = [_Row(0, [(0, 0.0)])]
    for event in truth:
        before, begin = rows[-1], bisect_left(times_s, event.at_s - tolerance_s)
        best = [before.at(begin)]
        for count in range(begin + 1, bisect_right(times_s, event.at_s + tolerance_s) + 1):
            pairs, minus_s = before.at(count - 1)
            paired = pairs + 1, minus_s - abs(times_s[count - 1] - event.at_s)
            best.append(max(before.at(count), best[-1], paired))
        rows.append(_Row(begin, best))
    return list(_walk(rows, truth, found))[::-1]


def _walk(rows: list[_Row], truth: list[Event], found: list[Event]) -> Iterator[Pair]:
    """The pairs of the best alignment, the last first."""
    count = len(found)
    for number in reversed(range(len(truth))):
        row, before = rows[number + 1], rows[number]
        count = min(count, row.begin + len(row.best) - 1)
        while count > row.begin and row.at(count) == row.at(count - 1):
            count -= 1
        if row.at(count) != before.at(count):
            count -= 1
            yield Pair(truth[number], found[count])
