"""A table as a workbook: a sheet to look at, with charts, and one to work with, with real types.

Text is written as text, whatever it begins with: no cell can be a formula. Excel knows no time
zones: its times are those of the lot's clock, as the heading says.
"""

from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from console.reports.colours import INK, LIMIT, PAPER, SERIES
from console.reports.table import Cell, Chart, Column, Kind, Table, heading

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DATA = "Data"
DAY_S = 86400
FORMATS = {
    Kind.TEXT: "@",
    Kind.COUNT: "#,##0",
    Kind.NUMBER: "0.00",
    Kind.SHARE: "0.0 %",
    Kind.SECONDS: "[h]:mm:ss",
    Kind.TIME: "ddd yyyy-mm-dd hh:mm",
}
WIDTHS = {Kind.TEXT: 16, Kind.TIME: 22}
CHART_ROWS = 22


def as_xlsx(table: Table) -> bytes:
    """The file."""
    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as book:
        made = table.made.astimezone(table.zone).replace(tzinfo=None)
        book.set_properties({"title": table.title, "subject": table.about, "created": made})
        sheet = book.add_worksheet("Report")
        _write_data(book, book.add_worksheet(DATA), table)
        _write_report(book, sheet, table)
    return target.getvalue()


def _write_report(book: Workbook, sheet: Worksheet, table: Table) -> None:
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 110)
    lines = [table.title, table.about, table.range_words(), *table.notes]
    for row, line in enumerate(lines):
        style = {"bold": row == 0, "font_size": 18 if row == 0 else 11, "text_wrap": True}
        sheet.write_string(row, 0, line, book.add_format(style))
    for number, chart in enumerate(table.charts):
        drawn = _chart(book, table, chart)
        sheet.insert_chart(len(lines) + 1 + number * CHART_ROWS, 0, drawn)


def _write_data(book: Workbook, sheet: Worksheet, table: Table) -> None:
    head = book.add_format(
        {"bold": True, "font_color": PAPER, "bg_color": INK, "text_wrap": True, "valign": "top"}
    )
    sheet.freeze_panes(1, 0)
    sheet.set_row(0, 32)
    for index, column in enumerate(table.columns):
        zone = f" ({table.zone.key})" if column.kind is Kind.TIME else ""
        sheet.write_string(0, index, heading(column) + zone, head)
        sheet.set_column(index, index, WIDTHS.get(column.kind, 13))
    formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
    for number, row in enumerate(table.rows, start=1):
        for index, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
            _write(sheet, number, index, column, cell, formats[column.kind], table)
    sheet.autofilter(0, 0, len(table.rows), len(table.columns) - 1)


def _write(
    sheet: Worksheet,
    row: int,
    index: int,
    column: Column,
    cell: Cell,
    form: Format,
    table: Table,
) -> None:
    if cell is None:
        sheet.write_blank(row, index, None, form)
    elif isinstance(cell, datetime):
        wall = cell.astimezone(table.zone).replace(tzinfo=None)
        sheet.write_datetime(row, index, wall, form)
    elif isinstance(cell, str):
        sheet.write_string(row, index, cell, form)
    else:
        number = cell / DAY_S if column.kind is Kind.SECONDS else cell
        sheet.write_number(row, index, number, form)


def _chart(book: Workbook, table: Table, chart: Chart) -> Any:
    drawn = book.add_chart({"type": "line" if chart.line else "column"})
    for number, key in enumerate(chart.values):
        colour = SERIES[number % len(SERIES)]
        line, fill = {"line": {"color": colour, "width": 1.5}}, {"fill": {"color": colour}}
        drawn.add_series(_series(table, chart, key) | (line if chart.line else fill))
    if chart.limit:
        limit = book.add_chart({"type": "line"})
        look = {"line": {"color": LIMIT, "width": 1.5, "dash_type": "dash"}}
        limit.add_series(_series(table, chart, chart.limit) | look)
        drawn.combine(limit)
    drawn.set_title({"name": chart.title, "name_font": {"size": 12}})
    drawn.set_legend({"position": "bottom"})
    share = table.column(chart.values[0]).kind is Kind.SHARE
    drawn.set_y_axis({"min": 0, "num_format": "0 %", "max": 1} if share else {"min": 0})
    if table.column(chart.along[-1]).kind is Kind.TIME:
        drawn.set_x_axis({"num_format": "dd mmm hh:mm", "date_axis": False})
    drawn.set_size({"width": 760, "height": 400})
    return drawn


def _series(table: Table, chart: Chart, key: str) -> dict[str, Any]:
    first, last = table.keys.index(chart.along[0]), table.keys.index(chart.along[-1])
    at, rows = table.keys.index(key), max(len(table.rows), 1)
    return {
        "name": [DATA, 0, at],
        "categories": [DATA, 1, first, rows, last],
        "values": [DATA, 1, at, rows, at],
    }
