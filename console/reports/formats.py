"""The formats of a report's file. What writes them loads when it is asked for: it is heavy."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, cast

from console.reports.table import Table


class File(NamedTuple):
    """A report as a file."""

    name: str
    media_type: str
    body: bytes


FILES = ("csv", "xlsx", "pdf")


def written(table: Table, form: str, of: str) -> File:
    """The table in one of `FILES`, named after `of`: a lot, a facility or all.

    >>> from console.reports.testing import TABLE
    >>> written(TABLE, "csv", "north").name
    'zones-north-20260320-20260327.csv'
    """
    module = import_module(f"console.reports.as_{form}")
    write = cast("Callable[[Table], bytes]", getattr(module, f"as_{form}"))
    begin, end = (each.astimezone(table.zone) for each in (table.begin, table.end))
    name = f"{table.name}-{of}-{begin:%Y%m%d}-{end:%Y%m%d}.{form}"
    return File(name, module.MEDIA_TYPE, write(table))
