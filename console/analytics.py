"""The tables that the cloud's analytics job keeps in the lake, each as a table of reports.

processed/analytics/{query}/{window}.parquet  ->  Kept (what it means)  ->  reports.table.Table
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console.answers import Answer
from console.reports.table import Cell, Column, Kind, Table
from contract.analytics import KEY, RESULTS, TableAbout
from runtime.lake import opened

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)

LAKE = "The fleet's lake"
KEEP_S = 30.0
"""The job runs once an hour."""
LOT = "lot_id"


@dataclass(frozen=True, slots=True)
class Kept:
    """A table that is kept: where, what it means, how many rows."""

    path: str
    about: TableAbout
    zone: ZoneInfo
    rows: int

    @property
    def title(self) -> str:
        """The query's name, as people write it."""
        return _title(self.about.query)


class Analytics:
    """The tables of the lake at `url`. Its methods raise `answers.Away`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._found = self._answer(self._find)
        self._read: dict[str, Answer[pa.Table]] = {}

    def _answer(self, ask: Any) -> Answer[Any]:
        import pyarrow as pa

        return Answer(LAKE, ask, KEEP_S, (OSError, pa.ArrowException))

    def tables(self) -> list[Kept]:
        """Each query's newest table, by the query's name."""
        found: list[Kept] = self._found.told()
        return found

    def table(self, kept: Kept, lot_id: str | None) -> Table:
        """Its rows, or those of a lot alone."""
        rows = self._rows(kept)
        names: list[str] = rows.column_names
        columns = [_column(kept, field.name, str(field.type)) for field in rows.schema]
        found = [tuple(map(_cell, row.values())) for row in rows.to_pylist()]
        if lot_id is not None and LOT in names:
            found = [row for row in found if row[names.index(LOT)] == lot_id]
        return Table(
            name=kept.about.query,
            title=kept.title,
            about=lot_id or "all lots",
            begin=kept.about.begin,
            end=kept.about.until,
            zone=kept.zone,
            made=kept.about.until,
            columns=columns,
            rows=found,
        )

    def lots(self, kept: Kept) -> list[str]:
        """Of which lots a table tells; none where its rows are of no lot."""
        rows = self._rows(kept)
        return sorted(set(rows[LOT].to_pylist())) if LOT in rows.column_names else []

    def _rows(self, kept: Kept) -> "pa.Table":
        def read() -> Any:
            import pyarrow.parquet as pq

            system, _ = opened(self._url)
            with system.open_input_file(kept.path) as file:
                return pq.ParquetFile(file).read()

        return self._read.setdefault(kept.path, self._answer(read)).told()

    def _find(self) -> list[Kept]:
        from pyarrow import fs

        system, root = opened(self._url)
        if system.get_file_info(root).type is fs.FileType.NotFound:
            raise FileNotFoundError(f"there is nothing at {self._url}")
        selector = fs.FileSelector(f"{root}/{RESULTS}", allow_not_found=True, recursive=True)
        paths = [each.path for each in system.get_file_info(selector) if each.is_file]
        found = [_kept(system, path) for path in paths if _is_table(path)]
        return _newest([each for each in found if each is not None])


def _is_table(path: str) -> bool:
    """Not one that is being written."""
    return path.endswith(".parquet") and not path.rpartition("/")[2].startswith(("_", "."))


def _kept(system: Any, path: str) -> Kept | None:
    """None of a table that does not say what it means; a job of this version replaces it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with system.open_input_file(path) as file:
            footer = pq.ParquetFile(file)
            metadata = footer.schema_arrow.metadata or {}
            about = TableAbout.model_validate_json(metadata[KEY])
            return Kept(path, about, ZoneInfo(about.time_zone), footer.metadata.num_rows)
    except (KeyError, ValueError, pa.ArrowInvalid) as error:
        log.warning("%s is passed over: %s", path, error)
        return None


def _newest(found: Sequence[Kept]) -> list[Kept]:
    """One for each query: a window that the job keeps no more stays in the lake for ever."""
    by_query: dict[str, Kept] = {}
    for each in sorted(found, key=lambda each: each.about.until):
        by_query[each.about.query] = each
    return [by_query[name] for name in sorted(by_query)]


def _column(kept: Kept, name: str, type_: str) -> Column:
    """Moments are shown on the lots' clock, so their column says which that is."""
    kind = _kind(name, type_, kept.about.columns.get(name, ""))
    title = _title(name.removesuffix("_s").removesuffix("_id"))
    return Column(name, title, kind, kept.zone.key if kind is Kind.TIME else "")


def _kind(name: str, kind: str, says: str) -> Kind:
    """By its type, and its unit as the query's words have it.

    >>> [_kind("a", "double", "0 to 1, of the lot's"), _kind("hour", "int64", "0 to 23, local")]
    [<Kind.SHARE: 'share'>, <Kind.COUNT: 'count'>]
    >>> _kind("silent_s", "double", "seconds"), _kind("hour", "timestamp[us]", "UTC, its begin")
    (<Kind.SECONDS: 'seconds'>, <Kind.TIME: 'time'>)
    """
    if kind.startswith("timestamp"):
        return Kind.TIME
    if not kind.startswith(("int", "uint", "float", "double", "halffloat")):
        return Kind.TEXT
    if name.endswith("_s"):
        return Kind.SECONDS
    if says == "0 to 1" or says.startswith("0 to 1,"):
        return Kind.SHARE
    return Kind.COUNT if "int" in kind else Kind.NUMBER


def _cell(value: Any) -> Cell:
    """A moment without a zone is of UTC, as Athena has it; what is no number has no value."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not isfinite(value):
        return None
    return value if value is None or isinstance(value, int | float) else str(value)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
