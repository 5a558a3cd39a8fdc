"""A spot's past as spans: what it was, from when to when, in milliseconds since 1970. Pure.

what its agents said - when they saw nothing - when people had closed it -> spans -> stays
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gateway.history.schema import CLOSED, FREE, OCCUPIED, UNKNOWN

FOREVER_MS = 2**63 - 1
Hole = tuple[int, int]
"""From, to before."""


class Said(NamedTuple):
    """The status of a spot since a moment, in the words of an agent."""

    at_ms: int
    status: int
    zone: int
    agent: int


class Span(NamedTuple):
    """The status of a spot from `begin_ms` to before `end_ms`."""

    begin_ms: int
    end_ms: int
    status: int
    zone: int


class Stay(NamedTuple):
    """A vehicle that was seen to come and to leave."""

    left_ms: int
    zone: int
    stay_ms: int


def spans(
    said: Sequence[Said],
    silent: Mapping[int, Sequence[Hole]],
    closed: Sequence[Hole],
    end_ms: int,
) -> list[Span]:
    """The spans from the first of `said`, which is in order, to `end_ms`, without gaps.

    `silent` is by agent. A closed spot is closed, whatever its agent says or does not say.
    """
    if not said:
        return []
    found: list[Span] = []
    ends = [*(each.at_ms for each in said[1:]), end_ms]
    for (begin_ms, status, zone, agent), until_ms in zip(said, ends, strict=True):
        if begin_ms >= until_ms:
            continue  # of two at one moment the later stands
        whole = [Span(begin_ms, until_ms, status, zone)]
        for part in _cut(_cut(whole, silent.get(agent, ()), UNKNOWN), closed, CLOSED):
            last = found[-1] if found else None
            if last and last.status == part.status and last.zone == part.zone:
                found[-1] = last._replace(end_ms=part.end_ms)
            else:
                found.append(part)
    return found


def _cut(given: Iterable[Span], holes: Sequence[Hole], status: int) -> Iterable[Span]:
    """The spans with `status` within the holes, which are in order."""
    return (part for span in given for part in _parts(span, holes, status)) if holes else given


def _parts(span: Span, holes: Sequence[Hole], status: int) -> Iterator[Span]:
    at_ms = span.begin_ms
    for begin_ms, end_ms in holes:
        low_ms, high_ms = max(begin_ms, at_ms), min(end_ms, span.end_ms)
        if low_ms < high_ms:
            if at_ms < low_ms:
                yield span._replace(begin_ms=at_ms, end_ms=low_ms)
            yield span._replace(begin_ms=low_ms, end_ms=high_ms, status=status)
            at_ms = high_ms
    if at_ms < span.end_ms:
        yield span._replace(begin_ms=at_ms)


def stays(found: Sequence[Span]) -> Iterator[Stay]:
    """The stays with a known length: free before and behind (`measures.stays`)."""
    for before, span, behind in zip(found, found[1:], found[2:], strict=False):
        if span.status == OCCUPIED and before.status == behind.status == FREE:
            yield Stay(span.end_ms, span.zone, span.end_ms - span.begin_ms)


def pieces(span: Span, width_ms: int) -> Iterator[tuple[int, int]]:
    """(number of the piece since 1970, milliseconds of the span in it).

    >>> list(pieces(Span(1_500, 3_200, FREE, 1), 1_000))
    [(1, 500), (2, 1000), (3, 200)]
    """
    at_ms, end_ms = span.begin_ms, span.end_ms
    number = at_ms // width_ms
    while at_ms < end_ms:
        until_ms = min((number + 1) * width_ms, end_ms)
        yield number, until_ms - at_ms
        at_ms, number = until_ms, number + 1
