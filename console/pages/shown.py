"""A report's table on a page: its charts, and its rows, whose head stays while they scroll."""

from collections.abc import Iterable
from html import escape

from nicegui import ui

from console.pages.drawn import option
from console.pages.shell import Part
from console.reports.table import Chart, Column, Kind, Table, heading, words

NUMBERS = (Kind.COUNT, Kind.NUMBER, Kind.SHARE, Kind.SECONDS)


def charts(found: Iterable[tuple[Table, Chart]]) -> None:
    """Each chart over the rows of its table."""
    with Part("div", "report-charts"):
        for table, chart in found:
            with Part("figure", "card"):
                Part("figcaption", text=chart.title)
                ui.echart(option(table, chart)).classes("report-chart")


def rows(table: Table) -> None:
    """Every row."""
    with Part("div", "card scrolls report-table", tabindex="0", role="region", aria_label="Rows"):
        ui.html(_html(table), sanitize=False)


def _html(table: Table) -> str:
    """As elements, a month of hours would keep the browser for seconds."""
    head = "".join(
        f'<th scope="col"{_side(column)}>{escape(heading(column))}</th>' for column in table.columns
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_side(column)}>{escape(words(column, cell, table.zone))}</td>"
            for column, cell in zip(table.columns, row, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _side(column: Column) -> str:
    return ' class="figure"' if column.kind in NUMBERS else ""
