"""The charts of the analytics job's tables, of those that are series: a line for each lot or zone.

rows of (lot, zone, hour, occupancy)  ->  rows of (hour, one column for each lot and zone)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.pages.drawn import BOLD
from console.reports.table import NONE, Cell, Chart, Column, Kind, Table

DRAWN = len(BOLD)
"""So many are drawn: no more are told apart by their colours."""
ALONG = "along"
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Series:
    """`value` over `along` for each of `who`, by the columns' keys."""

    title: str
    along: tuple[str, ...]
    who: tuple[str, ...]
    value: str
    line: bool = True

    @property
    def keys(self) -> set[str]:
        """What it needs."""
        return {*self.along, *self.who, self.value}


BY_LOT = ("lot_id",)
SERIES = {
    "occupancy_by_hour": [
        Series("Occupancy by the hour", ("hour",), ("lot_id", "zone_id"), "occupancy")
    ],
    "historical_trends": [
        Series("Occupancy by the day", ("day",), BY_LOT, "occupancy"),
        Series("Arrivals by the day", ("day",), BY_LOT, "arrivals", line=False),
    ],
    "daily_patterns": [
        Series("Occupancy by weekday and hour", ("weekday", "hour"), BY_LOT, "occupancy")
    ],
}


def charts_of(table: Table) -> list[tuple[Table, Chart]]:
    """The charts of a table that is a series, each with the rows that it draws."""
    wanted = [each for each in SERIES.get(table.name, ()) if each.keys <= set(table.keys)]
    return [_turned(table, each) for each in wanted if table.rows]


def _turned(table: Table, series: Series) -> tuple[Table, Chart]:
    """A column for each of `who`; where one says nothing of a place, there is a hole."""
    places = _columns(table, series.along)
    names = [" ".join(map(_word, each)) for each in _columns(table, _telling(table, series.who))]
    found = dict(zip(zip(names, places, strict=True), table.values(series.value), strict=True))
    whole, shown = sorted(set(names)), sorted(set(names))[:DRAWN]
    kind = table.column(series.value).kind
    columns = [Column(f"of_{number}", name, kind) for number, name in enumerate(shown)]
    along = _whole(places)
    rows = [(_label(place), *(found.get((name, place)) for name in shown)) for place in along]
    head = Column(ALONG, "", Kind.TIME if _is_moment(along[0]) else Kind.TEXT)
    rest = f"; {DRAWN} of {len(whole)} are drawn, choose a lot" if len(whole) > DRAWN else ""
    chart = Chart(
        series.title + rest, (ALONG,), tuple(each.key for each in columns), line=series.line
    )
    return replace(table, columns=[head, *columns], rows=rows, charts=[chart]), chart


def _columns(table: Table, keys: Sequence[str]) -> list[tuple[Cell, ...]]:
    return list(zip(*(table.values(key) for key in keys), strict=True))


def _telling(table: Table, who: tuple[str, ...]) -> tuple[str, ...]:
    """Without the lot where all rows are of one, and something else tells them apart."""
    return who[1:] if len(who) > 1 and len(set(table.values(who[0]))) == 1 else who


def _whole(places: Iterable[tuple[Cell, ...]]) -> list[tuple[Cell, ...]]:
    """In order; hours of which nothing is known are there too, so that a gap looks like one."""
    known = sorted(set(places), key=lambda place: tuple(map(_order, place)))
    first, last = known[0][0], known[-1][0]
    if not (isinstance(first, datetime) and isinstance(last, datetime)):
        return known
    return [(first + number * HOUR,) for number in range((last - first) // HOUR + 1)]


def _order(cell: Cell) -> float | str:
    if isinstance(cell, datetime):
        return cell.timestamp()
    return "" if cell is None else cell


def _is_moment(place: tuple[Cell, ...]) -> bool:
    return isinstance(place[0], datetime)


def _label(place: tuple[Cell, ...]) -> Cell:
    """
    >>> _label((1, 8)), _label(("2026-03-01",))
    ('Mon 08:00', '2026-03-01')
    """
    if len(place) == 1:
        return place[0]
    weekday, hour = place
    assert isinstance(weekday, int)
    assert isinstance(hour, int)
    return f"{DAYS[weekday - 1]} {hour:02}:00"


def _word(cell: Cell) -> str:
    return NONE if cell is None else str(cell)
