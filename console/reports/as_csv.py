"""A table as CSV: RFC 4180, UTF-8 with a byte order mark, without which Excel guesses an encoding.

The first line holds the columns' keys; shares are 0 to 1, spans seconds, times RFC 3339. Text that
a spreadsheet would take for a formula gets an apostrophe before it (OWASP, "CSV Injection"), and
so does text that begins with one: take one off, and each text is as it was.
"""

import csv
from datetime import datetime
from io import StringIO

from console.reports.table import Cell, Table, as_json

MEDIA_TYPE = "text/csv; charset=utf-8"
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def as_csv(table: Table) -> bytes:
    """The file."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([_safe(key) for key in table.keys])
    for row in as_json(table):
        writer.writerow([_written(cell) for cell in row.values()])
    return text.getvalue().encode("utf-8-sig")


def _written(cell: Cell) -> str | int | float | None:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return _safe(cell) if isinstance(cell, str) else cell


def _safe(text: str) -> str:
    """The text, as no formula.

    >>> _safe("=1+1"), _safe("A1"), _safe("'x")
    ("'=1+1", 'A1', "''x")
    """
    return f"'{text}" if text.startswith((*FORMULAS, "'")) else text
