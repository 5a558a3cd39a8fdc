"""Each zone over the range: how full, how full at most, how many came, how long they stayed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from console.folding import By, Part
from console.reports.sight import ALL, Hour, Sight, notes_of, rounded
from console.reports.table import Cell, Chart, Column, Kind
from gateway.history.schema import FREE, OCCUPIED
from measures import LEAST_COVERAGE

DAY_S = 86400
COLUMNS = (
    Column("lot_id", "Lot"),
    Column("zone_id", "Zone"),
    Column("spots", "Spots", Kind.COUNT),
    Column("occupancy", "Occupancy", Kind.SHARE),
    Column("coverage", "Coverage", Kind.SHARE),
    Column("peak", "Fullest hour", Kind.SHARE),
    Column("peak_at", "It began", Kind.TIME),
    Column("arrivals", "Arrivals", Kind.COUNT),
    Column("departures", "Departures", Kind.COUNT),
    Column("turnover", "Turnover", Kind.NUMBER, "per spot and day"),
    Column("average_stay_s", "Average stay", Kind.SECONDS),
    Column("median_stay_s", "Median stay", Kind.SECONDS),
    Column("p95_stay_s", "95 % stay at most", Kind.SECONDS),
)
NOTES = (
    "Occupancy is weighted by time, over the time in which spots were known (coverage). Where less "
    "than half was known there is no value.",
    "Stays are those that ended in the range and were seen from arrival to departure; the median "
    "and the 95 % are within 2.5 %.",
)


def rows(sights: Sequence[Sight]) -> list[Sequence[Cell]]:
    """A row a zone, and one of the whole lot where it has several."""
    return [_row(sight, zone_id) for sight in sights for zone_id in _zones(sight)]


def charts(sights: Sequence[Sight]) -> tuple[Chart, ...]:
    """How full, and how many came."""
    along = ("zone_id",) if len(sights) == 1 else ("lot_id", "zone_id")
    return (
        Chart("Occupancy and the fullest hour", along, ("occupancy", "peak")),
        Chart("Turnover per spot and day", along, ("turnover",)),
    )


def notes(sights: Sequence[Sight]) -> tuple[str, ...]:
    """See `notes_of`."""
    return notes_of(sights, *NOTES)


def _zones(sight: Sight) -> Iterator[str | None]:
    found = list(sight.rows())
    yield from found if len(sight.zones) != 1 else found[:1]


def _row(sight: Sight, zone_id: str | None) -> Sequence[Cell]:
    spots = sight.spots(zone_id)
    whole = _whole(sight.lot.past.parts(sight.period, zone_id, By.WHOLE))
    share = whole.share(spots) if whole else None
    dwell = sight.lot.past.dwell(sight.period, zone_id)
    fullest = _fullest(sight.hours(zone_id))
    arrivals = whole.arrivals if whole else 0
    return (
        sight.lot.lot_id,
        zone_id or ALL,
        spots,
        rounded(share.occupancy(LEAST_COVERAGE)) if share else None,
        rounded(share.coverage) if share else None,
        rounded(fullest.occupancy) if fullest else None,
        datetime.fromtimestamp(fullest.part.begin_ms / 1000, UTC) if fullest else None,
        arrivals,
        whole.departures if whole else 0,
        rounded(arrivals / (share.covered_s / DAY_S)) if share and share.covered_s else None,
        rounded(dwell.average_s, 1),
        rounded(dwell.median_s, 1),
        rounded(dwell.p95_s, 1),
    )


def _whole(parts: Sequence[Part]) -> Part | None:
    return parts[0] if parts else None


def _fullest(hours: Sequence[Hour]) -> Hour | None:
    """The first of the fullest hours of which enough was known."""
    seen = [hour for hour in hours if hour.part.times_ms[FREE] + hour.part.times_ms[OCCUPIED]]
    downwards = sorted(seen, key=_fullness, reverse=True)
    return next((hour for hour in downwards if hour.occupancy is not None), None)


def _fullness(hour: Hour) -> float:
    """As its occupancy, but for what is not known."""
    free, occupied, _ = hour.part.times_ms
    return occupied / (free + occupied)
