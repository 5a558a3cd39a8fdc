"""Each hour of the range: how full, against what was aimed at, and how many came and left."""

from collections.abc import Sequence
from datetime import UTC, datetime

from console.reports.sight import Hour, Sight, notes_of, rounded
from console.reports.table import Cell, Chart, Column, Kind

COLUMNS = (
    Column("lot_id", "Lot"),
    Column("hour", "Hour", Kind.TIME),
    Column("occupancy", "Occupancy", Kind.SHARE),
    Column("target", "Target", Kind.SHARE),
    Column("coverage", "Coverage", Kind.SHARE),
    Column("arrivals", "Arrivals", Kind.COUNT),
    Column("departures", "Departures", Kind.COUNT),
)
NOTES = (
    "Occupancy is weighted by time, over the time in which spots were known (coverage). An hour of "
    "which less than half was known has no value. Where clocks are put back, an hour stands twice.",
)


def rows(sights: Sequence[Sight]) -> list[Sequence[Cell]]:
    """A row an hour, lot by lot."""
    return [_row(sight, hour) for sight in sights for hour in sight.hours(None)]


def charts(sights: Sequence[Sight]) -> tuple[Chart, ...]:
    """Lines of one lot; those of several would run into each other."""
    if len(sights) != 1:
        return ()
    limit = "target" if any(each.aim.zone_id is None for each in sights[0].targets) else None
    return (
        Chart("Occupancy by the hour", ("hour",), ("occupancy",), line=True, limit=limit),
        Chart("Arrivals and departures", ("hour",), ("arrivals", "departures"), line=True),
    )


def notes(sights: Sequence[Sight]) -> tuple[str, ...]:
    """See `notes_of`."""
    return notes_of(sights, *NOTES)


def _row(sight: Sight, hour: Hour) -> Sequence[Cell]:
    return (
        sight.lot.lot_id,
        datetime.fromtimestamp(hour.part.begin_ms / 1000, UTC),
        rounded(hour.occupancy),
        hour.target,
        rounded(hour.share.coverage),
        hour.part.arrivals,
        hour.part.departures,
    )
