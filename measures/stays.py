"""Stays: how many vehicles came for each bay and hour, and how long they stayed.

Found in all that is known up to the period's end, so that a stay that began before the period has
its whole length. One whose arrival was not seen (the spot was unknown before) has no known length
and is not averaged: a cut stay would pass for a short one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from statistics import fmean, median
from typing import NamedTuple

from contract.words import Status
from measures.share import Share
from measures.spans import Period, Span

HOUR_S = 3600.0


class Stay(NamedTuple):
    """A vehicle at a spot; None where it was not seen to come or to leave. Seconds since 1970."""

    spot_id: str
    arrived_s: float | None
    left_s: float | None

    @property
    def dwell_s(self) -> float | None:
        """How long it stayed."""
        if self.arrived_s is None or self.left_s is None:
            return None
        return self.left_s - self.arrived_s


@dataclass(frozen=True, slots=True)
class Dwell:
    """Of the stays whose length is known; None where there is none."""

    stays: int
    average_s: float | None
    median_s: float | None
    p95_s: float | None
    """95 % of them were no longer."""


def stays(known: Iterable[Span]) -> list[Stay]:
    """The stays in spans as `spans` gives them: spot by spot, in order, without gaps."""
    found = []
    edged = [None, *known, None]
    for (before, span), (_, behind) in pairwise(pairwise(edged)):
        if span is None or span.status is not Status.OCCUPIED:
            continue
        came = before is not None and _free_beside(before, span)
        left = behind is not None and _free_beside(behind, span)
        found.append(
            Stay(span.spot_id, span.begin_s if came else None, span.end_s if left else None)
        )
    return found


def _free_beside(other: Span, span: Span) -> bool:
    return other.spot_id == span.spot_id and other.status is Status.FREE


def turnover(found: Iterable[Stay], share: Share, period: Period) -> float | None:
    """Arrivals seen in the period for each hour of a bay that was covered (`share`, of the period).

    None where nothing was covered.
    """
    if not share.covered_s:
        return None
    arrivals = sum(_within(stay.arrived_s, period) for stay in found)
    return arrivals / (share.covered_s / HOUR_S)


def dwell(found: Iterable[Stay], period: Period) -> Dwell:
    """How long the vehicles stayed that left in the period."""
    ended = (stay for stay in found if _within(stay.left_s, period))
    lengths = sorted(stay.dwell_s for stay in ended if stay.dwell_s is not None)
    if not lengths:
        return Dwell(0, None, None, None)
    p95_s = lengths[ceil(0.95 * len(lengths)) - 1]
    return Dwell(len(lengths), fmean(lengths), median(lengths), p95_s)


def _within(at_s: float | None, period: Period) -> bool:
    begin_s, end_s = period.bounds_s
    return at_s is not None and begin_s <= at_s < end_s
