"""Each zone against its targets: over the hours that have one, how full it was and should be."""

from collections.abc import Sequence

from console.reports.sight import ALL, Hour, Sight, notes_of, rounded
from console.reports.table import Cell, Chart, Column, Kind

COLUMNS = (
    Column("lot_id", "Lot"),
    Column("zone_id", "Zone"),
    Column("spots", "Spots", Kind.COUNT),
    Column("hours", "Hours with a target", Kind.COUNT),
    Column("judged", "Hours known", Kind.COUNT),
    Column("target", "Target", Kind.SHARE),
    Column("occupancy", "Occupancy", Kind.SHARE),
    Column("difference", "Difference", Kind.SHARE),
    Column("efficiency", "Occupancy / target", Kind.SHARE),
    Column("reached", "Hours that reached it", Kind.SHARE),
)
NOTES = (
    "Only hours with a target count, and of these the known ones: target and occupancy are their "
    "averages, weighted by the time in which spots were known.",
)


def rows(sights: Sequence[Sight]) -> list[Sequence[Cell]]:
    """A row a zone, and one of the lot's own targets."""
    return [_row(sight, zone_id) for sight in sights for zone_id in sight.rows()]


def charts(sights: Sequence[Sight]) -> tuple[Chart, ...]:
    """Occupancy against target."""
    along = ("zone_id",) if len(sights) == 1 else ("lot_id", "zone_id")
    return (Chart("Occupancy against the target", along, ("occupancy",), limit="target"),)


def notes(sights: Sequence[Sight]) -> tuple[str, ...]:
    """With the zones that nothing is aimed at."""
    without = [f"{sight.lot.lot_id}: {_without(sight)}." for sight in sights if _without(sight)]
    return notes_of(sights, *NOTES, *without)


def _without(sight: Sight) -> str:
    aimed = {each.aim.zone_id for each in sight.targets}
    names = [zone_id or ALL for zone_id in sight.rows() if zone_id not in aimed]
    return f"no target is set for {', '.join(names)}" if names else ""


def _row(sight: Sight, zone_id: str | None) -> Sequence[Cell]:
    aimed = [hour for hour in sight.hours(zone_id) if hour.target is not None]
    known = [hour for hour in aimed if hour.occupancy is not None]
    target, occupancy = _target(known), _occupancy(known)
    reached = sum((hour.occupancy or 0.0) >= (hour.target or 0.0) for hour in known)
    return (
        sight.lot.lot_id,
        zone_id or ALL,
        sight.spots(zone_id),
        len(aimed),
        len(known),
        rounded(target),
        rounded(occupancy),
        None if target is None or occupancy is None else rounded(occupancy - target),
        rounded(occupancy / target) if target and occupancy is not None else None,
        rounded(reached / len(known)) if known else None,
    )


def _target(known: Sequence[Hour]) -> float | None:
    covered_s = sum(hour.share.covered_s for hour in known)
    weighted = sum((hour.target or 0.0) * hour.share.covered_s for hour in known)
    return weighted / covered_s if covered_s else None


def _occupancy(known: Sequence[Hour]) -> float | None:
    covered_s = sum(hour.share.covered_s for hour in known)
    return sum(hour.share.occupied_s for hour in known) / covered_s if covered_s else None
