"""A table as a PDF on A4, across: title, charts, and the table with its head on every page.

The font is DejaVu, which matplotlib brings: Latin with every accent, Greek and Cyrillic.
"""

import logging
from io import BytesIO
from pathlib import Path
from typing import cast

import matplotlib
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from console.reports.colours import BAND, INK, PAPER, QUIET
from console.reports.picture import picture
from console.reports.table import Column, Kind, Table, heading, words

MEDIA_TYPE = "application/pdf"
FONT = "DejaVu"
MARGIN_MM = 14.0
FOOT_MM = 16.0
CHART_MM = 62.0
GAP_MM = 8.0
ROOM_MM = 3.0
"""Beside the text of a cell."""
ROW_MM = 6.0
SIZE = 8.0
LEAST_ROWS = 5
"""A table that has room for fewer begins on a page of its own."""

logging.getLogger("fontTools").setLevel(logging.WARNING)  # else 40 lines a file, of no trouble


def as_pdf(table: Table) -> bytes:
    """The file."""
    page = _Paper(table)
    page.add_page()
    _title(page, table)
    if table.rows:
        _charts(page, table)
    _rows(page, table)
    return bytes(page.output())


class _Paper(FPDF):
    """A4 with a foot on each page, and from the second on with a head."""

    def __init__(self, table: Table) -> None:
        super().__init__("landscape", "mm", "A4")
        self._table = table
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.add_font(FONT, "", folder / "DejaVuSans.ttf")
        self.add_font(FONT, "B", folder / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, FOOT_MM)
        self.set_title(f"{table.title}: {table.about}")
        self.set_creator("Lotkeeper")
        self.set_creation_date(table.made)
        self.set_lang("en")

    def write_line(self, text: str, size: float, colour: str = INK, style: str = "") -> None:
        """A line of the page's width, broken where it is longer."""
        self.set_font(FONT, style, size)
        self.set_text_color(colour)
        height = size * 0.5
        self.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def header(self) -> None:
        """What report this is, on a page that has come loose."""
        if self.page_no() > 1:
            table = self._table
            self.write_line(f"{table.title} · {table.about} · {table.range_words()}", 8, QUIET)
            self.ln(3)

    def footer(self) -> None:
        """When it was made, and which page this is."""
        self.set_y(-12)
        self.set_font(FONT, "", 8)
        self.set_text_color(QUIET)
        made = self._table.made.astimezone(self._table.zone)
        self.cell(0, 6, f"Lotkeeper · made {made:%d %b %Y %H:%M} ({self._table.zone.key})")
        self.set_x(self.l_margin)
        self.cell(0, 6, f"{self.page_no()} / {{nb}}", align="R")


def _title(page: _Paper, table: Table) -> None:
    page.write_line(table.title, 20, style="B")
    page.ln(1.5)
    page.write_line(table.about, 11)
    page.write_line(table.range_words(), 11, QUIET)
    page.ln(1.5)
    for note in table.notes:
        page.write_line(note, 8.5, QUIET)
        page.ln(0.6)
    page.ln(3)


def _charts(page: _Paper, table: Table) -> None:
    """Lines across the page; columns of things side by side, two in a row."""
    side_by_side = len(table.charts) > 1 and not any(chart.line for chart in table.charts)
    width = (page.epw - GAP_MM) / 2 if side_by_side else page.epw
    for number, chart in enumerate(table.charts):
        left = page.l_margin + (width + GAP_MM) * (number % 2 if side_by_side else 0)
        if page.will_page_break(CHART_MM):
            page.add_page()
        top, drawn = page.get_y(), BytesIO(picture(table, chart, width, CHART_MM))
        page.image(drawn, left, top, width, CHART_MM, alt_text=chart.title)
        has_one_beside = side_by_side and number % 2 == 0 and number + 1 < len(table.charts)
        page.set_y(top if has_one_beside else top + CHART_MM + GAP_MM / 2)


def _rows(page: _Paper, table: Table) -> None:
    if not table.rows:
        page.write_line("Nothing is known of this range.", 11)
        return
    told = [
        [words(column, cell, table.zone) for column, cell in zip(table.columns, row, strict=True)]
        for row in table.rows
    ]
    widths = _widths(page, table, told)
    if page.will_page_break(ROW_MM * LEAST_ROWS):
        page.add_page()
    _head(page, table, widths)
    for number, row in enumerate(told):
        cells = [_broken(page, text, width) for text, width in zip(row, widths, strict=True)]
        if page.will_page_break(ROW_MM * max(map(len, cells))):
            page.add_page()
            _head(page, table, widths)
        _row(page, table, widths, cells, BAND if number % 2 == 0 else PAPER)


def _widths(page: _Paper, table: Table, told: list[list[str]]) -> list[float]:
    """What each column needs for its longest cell and its heading's longest word, made to fit."""
    page.set_font(FONT, "B", SIZE)
    heads = [max(map(page.get_string_width, heading(each).split())) for each in table.columns]
    page.set_font(FONT, "", SIZE)
    cells = [page.get_string_width(max(texts, key=len)) for texts in zip(*told, strict=True)]
    needed = [max(pair) + ROOM_MM for pair in zip(heads, cells, strict=True)]
    spare = page.epw - sum(needed)
    if spare >= 0:
        return [width + spare / len(needed) for width in needed]
    return [width * page.epw / sum(needed) for width in needed]


def _head(page: _Paper, table: Table, widths: list[float]) -> None:
    page.set_font(FONT, "B", SIZE)
    page.set_text_color(PAPER)
    titles = map(heading, table.columns)
    cells = [_broken(page, text, width) for text, width in zip(titles, widths, strict=True)]
    _row(page, table, widths, cells, INK)
    page.set_font(FONT, "", SIZE)
    page.set_text_color(INK)


def _broken(page: _Paper, text: str, width: float) -> list[str]:
    """The lines of a cell; most need no breaking, which is dear."""
    if page.get_string_width(text) <= width - 2 * page.c_margin:
        return [text]
    lines = page.multi_cell(width, ROW_MM, text, dry_run=True, output=MethodReturnValue.LINES)
    return cast("list[str]", lines)


def _row(
    page: _Paper, table: Table, widths: list[float], cells: list[list[str]], fill: str
) -> None:
    """A row as high as its highest cell."""
    top, height = page.get_y(), ROW_MM * max(map(len, cells))
    page.set_fill_color(fill)
    page.rect(page.l_margin, top, page.epw, height, style="F")
    left = page.l_margin
    for column, width, lines in zip(table.columns, widths, cells, strict=True):
        for number, line in enumerate(lines):
            page.set_xy(left, top + number * ROW_MM)
            page.cell(width, ROW_MM, line, align=_side(column))
        left += width
    page.set_xy(page.l_margin, top + height)


def _side(column: Column) -> Align:
    return Align.L if column.kind in (Kind.TEXT, Kind.TIME) else Align.R
