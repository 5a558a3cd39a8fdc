"""What a report is made from: a lot, the range of its past that is asked for, its targets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from console.folding import By, Part
from console.lots import Lot
from console.targets import TargetRow, target_at
from measures import LEAST_COVERAGE, Period, Share

MONDAY = 3
"""1970 began on a Thursday."""
ALL = "all zones"
"""The row of a whole lot; no zone's id has a space in it."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One lot. `hint` says what of the range is not kept, "" where all is."""

    lot: Lot
    period: Period
    targets: Sequence[TargetRow]
    hint: str = ""

    @property
    def zones(self) -> list[str]:
        """The zones whose spots are sensed."""
        return [zone.zone_id for zone in self.lot.settings.zones if zone.counted_capacity is None]

    @property
    def counted(self) -> list[str]:
        """The zones that are counted at their lanes."""
        return [
            zone.zone_id for zone in self.lot.settings.zones if zone.counted_capacity is not None
        ]

    def spots(self, zone_id: str | None) -> int:
        """How many sensed spots a zone, or the lot, has."""
        zones = self.zones if zone_id is None else [zone_id]
        return sum(spot.zone_id in zones for spot in self.lot.settings.spots)

    def hours(self, zone_id: str | None) -> list["Hour"]:
        """The range by the hours of the lot's wall clock."""
        spots = self.spots(zone_id)
        aims = [each for each in self.targets if each.aim.zone_id == zone_id]
        parts = self.lot.past.parts(self.period, zone_id, By.HOUR)
        return [Hour(part, spots, aims) for part in parts]

    def rows(self) -> Iterator[str | None]:
        """What a report by zones has rows of: each zone, and then the whole lot."""
        yield from self.zones
        yield None


@dataclass(frozen=True)
class Hour:
    """An hour of the wall clock; what is not known has no value. Reckoned when it is asked for: a
    year of twenty zones has 175,000 of them.
    """

    part: Part
    spots: int
    aims: Sequence[TargetRow]

    @cached_property
    def share(self) -> Share:
        """Of the hour's spot-seconds."""
        return self.part.share(self.spots)

    @cached_property
    def occupancy(self) -> float | None:
        """Where enough was known."""
        return self.share.occupancy(LEAST_COVERAGE)

    @cached_property
    def target(self) -> float | None:
        """What is aimed at."""
        day, hour = divmod(self.part.key, 24)
        return target_at(self.aims, (day + MONDAY) % 7, hour)


def rounded(value: float | None, places: int = 4) -> float | None:
    """What has no value has none."""
    return None if value is None else round(value, places)


def notes_of(sights: Sequence[Sight], *more: str) -> tuple[str, ...]:
    """What a reader must know of the figures: `more`, and what is missing of each lot."""
    missing = [f"{sight.lot.lot_id}: {sight.hint}." for sight in sights if sight.hint]
    counted = [
        f"{sight.lot.lot_id}: {', '.join(sight.counted)} is counted at its lanes, and not in here."
        for sight in sights
        if sight.counted
    ]
    return (*more, *missing, *counted)
