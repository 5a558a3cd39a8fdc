"""Events that happened against events that were found. Pure.

Each kind is matched by itself, one to one and in order: as many pairs within the tolerance as
there can be, and among those matchings the one with the smallest sum of time differences. What
is left of the truth was missed. What is left of the found is doubled where a true event lies
within the tolerance (which then has its pair already), and false elsewhere.

Events farther apart than the tolerance cannot touch each other, so the exact matching is sought
in each cluster by itself: a month costs as much as its events, not as their square.
"""

from bisect import bisect_left
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
    pairs: list[Pair] = []
    for cluster in _clusters(truth, found, tolerance_s):
        pairs += _best_pairs(*cluster, tolerance_s)
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


def _clusters(
    truth: Sequence[Event], found: Sequence[Event], tolerance_s: float
) -> Iterator[tuple[list[Event], list[Event]]]:
    """Runs of events no two neighbours of which lie farther apart than the tolerance."""
    sides: tuple[list[Event], list[Event]] = ([], [])
    last_s = 0.0
    for event, side in sorted([(each, 0) for each in truth] + [(each, 1) for each in found]):
        if event.at_s - last_s > tolerance_s and any(sides):
            yield sides
            sides = ([], [])
        sides[side].append(event)
        last_s = event.at_s
    if any(sides):
        yield sides


def _best_pairs(truth: list[Event], found: list[Event], tolerance_s: float) -> list[Pair]:
    """Most pairs first, then least time between them: an alignment of two sequences.

    Crossing pairs are never better than the same four events uncrossed, so order costs nothing.
    """
    # best[i][j]: (pairs, minus seconds) from the i-th truth and the j-th found event onwards
    best = [[(0, 0.0)] * (len(found) + 1) for _ in range(len(truth) + 1)]
    for i in reversed(range(len(truth))):
        for j in reversed(range(len(found))):
            apart_s = abs(found[j].at_s - truth[i].at_s)
            best[i][j] = max(best[i + 1][j], best[i][j + 1])
            if apart_s <= tolerance_s:
                count, minus_s = best[i + 1][j + 1]
                best[i][j] = max(best[i][j], (count + 1, minus_s - apart_s))
    return list(_walk(best, truth, found))


def _walk(
    best: list[list[tuple[int, float]]], truth: list[Event], found: list[Event]
) -> Iterator[Pair]:
    i = j = 0
    while i < len(truth) and j < len(found):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            yield Pair(truth[i], found[j])
            i, j = i + 1, j + 1
