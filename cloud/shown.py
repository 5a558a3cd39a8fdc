"""Rows as a command prints them: a table for people, plain values for files and programs."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import typer

_LONG = 200


def show(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print the first 200 rows as a table, and on standard error how many more there are."""
    from rich.console import Console
    from rich.table import Table

    shown, left = Table(*names), iter(rows)
    for row in islice(left, _LONG):
        shown.add_row(*map(plain, row))
    Console().print(shown)
    if more := sum(1 for _ in left):
        typer.echo(f"{more} more rows: --json has all", err=True)


def plain(value: Any) -> str:
    """Of four decimals at most; nothing for what is not known.

    >>> plain(0.5), plain(None), plain(date(2024, 3, 1))
    ('0.5', '', '2024-03-01')
    """
    if isinstance(value, float | Decimal):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return "" if value is None else str(for_json(value))


def for_json(value: Any) -> Any:
    """As JSON has it: moments and days are text, decimals numbers."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime | date) else value
