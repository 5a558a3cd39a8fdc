"""A report's table, before it has a format: typed columns, rows, and what to draw of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

Cell = str | int | float | datetime | None
"""None is no value, never 0."""
NONE = "\u2013"
"""A dash."""


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    NUMBER = "number"
    SHARE = "share"
    """0 to 1."""
    SECONDS = "seconds"
    TIME = "time"
    """A moment, with its zone."""


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is for programs; `unit` stands beside the title where the kind does not say it."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """`values` over `along`, by the columns' keys: columns for things, a line for times."""

    title: str
    along: tuple[str, ...]
    values: tuple[str, ...]
    line: bool = False
    limit: str | None = None
    """A column that is drawn as what the values should keep to."""


@dataclass(frozen=True, slots=True)
class Table:
    """A report. `about` names its lots; times are shown in `zone`.

    Raises ValueError where a row, or a chart, does not fit the columns.
    """

    name: str
    title: str
    about: str
    begin: datetime
    end: datetime
    zone: ZoneInfo
    made: datetime
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        keys = self.keys
        if len(set(keys)) != len(keys):
            raise ValueError(f"{self.name}: a key stands twice in {keys}")
        for row in self.rows:
            if len(row) != len(keys):
                raise ValueError(f"{self.name}: {len(row)} cells under {len(keys)} columns: {row}")
        for chart in self.charts:
            limit = (chart.limit,) if chart.limit else ()
            if lost := {*chart.along, *chart.values, *limit} - set(keys):
                raise ValueError(f"{self.name}: the chart {chart.title!r} needs {sorted(lost)}")

    @property
    def keys(self) -> list[str]:
        """The columns' keys, in order."""
        return [column.key for column in self.columns]

    def column(self, key: str) -> Column:
        """One column."""
        return self.columns[self.keys.index(key)]

    def values(self, key: str) -> list[Cell]:
        """What stands in a column, from the top."""
        index = self.keys.index(key)
        return [row[index] for row in self.rows]

    def labels(self, chart: Chart) -> list[str]:
        """What stands along a chart: the rows' names."""
        named = [(self.column(key), self.values(key)) for key in chart.along]
        return [
            " ".join(words(column, values[index], self.zone) for column, values in named)
            for index in range(len(self.rows))
        ]

    def range_words(self) -> str:
        """From when to when, on the clock of `zone`."""
        begin, end = (each.astimezone(self.zone) for each in (self.begin, self.end))
        return f"{begin:%d %b %Y, %H:%M} to {end:%d %b %Y, %H:%M} ({self.zone.key})"


def heading(column: Column) -> str:
    """The title with its unit."""
    return f"{column.title} [{column.unit}]" if column.unit else column.title


def words(column: Column, cell: Cell, zone: ZoneInfo) -> str:
    """A cell as people read it.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> words(Column("a", "A", Kind.SHARE), 0.625, berlin)
    '62.5 %'
    >>> words(Column("a", "A", Kind.SECONDS), 3900.4, berlin)
    '1 h 05 min'
    >>> words(Column("a", "A", Kind.COUNT), None, berlin) == NONE
    True
    """
    if cell is None:
        return NONE
    if isinstance(cell, datetime):
        return f"{cell.astimezone(zone):%a %d %b %Y %H:%M}"
    if isinstance(cell, str):
        return cell
    match column.kind:
        case Kind.SHARE:
            return f"{cell * 100:.1f} %"
        case Kind.SECONDS:
            return span(cell)
        case Kind.COUNT:
            return f"{cell:,}".replace(",", "\u202f")
        case _:
            return f"{cell:.2f}"


def span(seconds: float) -> str:
    """How long, as people read it."""
    minutes = round(seconds / 60)
    if minutes == 0:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def as_json(table: Table) -> list[dict[str, Cell]]:
    """The rows by their columns' keys; times in the table's zone."""
    return [
        {key: _in(table.zone, cell) for key, cell in zip(table.keys, row, strict=True)}
        for row in table.rows
    ]


def _in(zone: ZoneInfo, cell: Cell) -> Cell:
    return cell.astimezone(zone) if isinstance(cell, datetime) else cell
