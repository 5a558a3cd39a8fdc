"""Shares of time: of how many spot-seconds was a lot occupied, and of how many is it known.

Source of the definition: occupancy is the sum of dwell over the duration (OMF Curb Data
Specification, Metrics), here over the covered duration; a period in which the source was offline
for most of the time has no value.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.words import Status
from measures.spans import Span

LEAST_COVERAGE = 0.5
"""Below this an occupancy says more of the sensors than of the lot, and is None."""


@dataclass(slots=True)
class Share:
    """Spot-seconds by status."""

    occupied_s: float = 0.0
    free_s: float = 0.0
    unknown_s: float = 0.0
    closed_s: float = 0.0

    def add(self, status: Status, seconds: float) -> None:
        """Count time of one spot."""
        match status:
            case Status.OCCUPIED:
                self.occupied_s += seconds
            case Status.FREE:
                self.free_s += seconds
            case Status.CLOSED:
                self.closed_s += seconds
            case _:
                self.unknown_s += seconds

    @property
    def covered_s(self) -> float:
        """In which it was known to be free or occupied."""
        return self.occupied_s + self.free_s

    @property
    def open_s(self) -> float:
        """In which it was not closed."""
        return self.covered_s + self.unknown_s

    @property
    def coverage(self) -> float | None:
        """The covered share of the open time, 0 to 1; None where it was never open."""
        return self.covered_s / self.open_s if self.open_s else None

    def occupancy(self, least: float = LEAST_COVERAGE) -> float | None:
        """The occupied share of the covered time, 0 to 1; None where less than `least` is covered.

        >>> Share(occupied_s=900, free_s=2700).occupancy()
        0.25
        >>> Share(unknown_s=3600).occupancy(least=0) is None
        True
        """
        if not self.covered_s or (self.coverage or 0.0) < least:
            return None
        return self.occupied_s / self.covered_s


def overall(known: Iterable[Span]) -> Share:
    """All spots together."""
    share = Share()
    for span in known:
        share.add(span.status, span.end_s - span.begin_s)
    return share


def by_spot(known: Iterable[Span]) -> dict[str, Share]:
    """Each spot: its utilisation is its occupancy."""
    shares: dict[str, Share] = {}
    for span in known:
        share = shares.setdefault(span.spot_id, Share())
        share.add(span.status, span.end_s - span.begin_s)
    return shares
