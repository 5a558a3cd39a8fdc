"""What is written can be read back: every cell of a table, in each format, by other programs."""

import csv
import re
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from console.reports.as_csv import as_csv
from console.reports.as_pdf import as_pdf
from console.reports.as_xlsx import as_xlsx
from console.reports.formats import written
from console.reports.table import NONE, Chart, Column, Kind, Table, as_json, heading, words
from console.reports.testing import BEGIN, BERLIN, TABLE, hours

NOTHING = Table("zones", "Zones", "north", BEGIN, BEGIN, BERLIN, BEGIN, TABLE.columns, ())


def cells(table: Table) -> list[list[Any]]:
    return [list(row.values()) for row in as_json(table)]


class TestCsv:
    def rows(self, table: Table) -> list[list[str]]:
        text = as_csv(table).decode("utf-8-sig")
        return list(csv.reader(StringIO(text, newline=""), strict=True))

    def test_every_cell_comes_back(self) -> None:
        head, *rows = self.rows(TABLE)
        assert head == TABLE.keys
        back = [
            [_read(column, text) for column, text in zip(TABLE.columns, row, strict=True)]
            for row in rows
        ]
        assert back == cells(TABLE)

    def test_no_cell_is_a_formula(self) -> None:
        for row in self.rows(TABLE)[1:]:
            assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert self.rows(TABLE)[2][0] == '\'=HYPERLINK("http://x","y")'

    @pytest.mark.parametrize("first", "=+-@\t\r\n＝＋－＠'")  # noqa: RUF001
    def test_whatever_begins_one_is_escaped(self, first: str) -> None:
        table = Table(
            "t", "T", "", BEGIN, BEGIN, BERLIN, BEGIN, [Column("a", "A")], [(f"{first}1",)]
        )
        assert self.rows(table)[1] == [f"'{first}1"]

    def test_negative_numbers_stay_numbers(self) -> None:
        column = Column("a", "A", Kind.NUMBER)
        table = Table("t", "T", "", BEGIN, BEGIN, BERLIN, BEGIN, [column], [(-1.5,)])
        assert self.rows(table)[1] == ["-1.5"]

    def test_lines_end_and_bytes_begin_as_spreadsheets_want(self) -> None:
        body = as_csv(TABLE)
        assert body.startswith(b"\xef\xbb\xbf" + b"zone_id,")
        assert body.count(b"\r\n") == len(TABLE.rows) + 1
        assert body.endswith(b"\r\n")

    def test_without_rows_there_is_a_head(self) -> None:
        assert self.rows(NOTHING) == [TABLE.keys]


def _read(column: Column, text: str) -> Any:
    if column.kind is Kind.TEXT:
        return text[1:] if text.startswith("'") else text
    if not text:
        return None
    if column.kind is Kind.TIME:
        return datetime.fromisoformat(text)
    return int(text) if column.kind is Kind.COUNT else float(text)


class TestXlsx:
    def test_every_cell_comes_back_with_its_type(self) -> None:
        sheet = load_workbook(BytesIO(as_xlsx(TABLE)))["Data"]
        head, *rows = sheet.iter_rows()
        assert [cell.value for cell in head] == [
            *map(heading, TABLE.columns[:-1]),
            "It began (Europe/Berlin)",
        ]
        back = [
            [_told(column, cell.value) for column, cell in zip(TABLE.columns, row, strict=True)]
            for row in rows
        ]
        assert back == [
            [_wall(column, cell) for column, cell in zip(TABLE.columns, row, strict=True)]
            for row in cells(TABLE)
        ]

    def test_no_cell_is_a_formula_or_a_link(self) -> None:
        body = as_xlsx(TABLE)
        sheet = load_workbook(BytesIO(body))["Data"]
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d"}
        with ZipFile(BytesIO(body)) as parts:
            sheets = [name for name in parts.namelist() if "worksheets/sheet" in name]
            assert len(sheets) == 2
            assert not [name for name in sheets if b"<f>" in parts.read(name)]
            assert not [name for name in sheets if b"<hyperlink" in parts.read(name)]

    def test_the_head_stands_still_and_there_is_a_chart_with_its_values(self) -> None:
        book = load_workbook(BytesIO(as_xlsx(TABLE)))
        assert book["Data"].freeze_panes == "A2"
        assert book["Data"].auto_filter.ref == "A1:G8"
        assert [cell.value for cell in book["Report"]["A"][:4]] == [
            TABLE.title,
            TABLE.about,
            "20 Mar 2026, 01:00 to 27 Mar 2026, 01:00 (Europe/Berlin)",
            TABLE.notes[0],
        ]
        with ZipFile(BytesIO(as_xlsx(TABLE))) as parts:
            chart = parts.read("xl/charts/chart1.xml").decode()
        assert "Data!$C$2:$C$8" in chart
        assert "Data!$D$2:$D$8" in chart

    def test_without_rows_there_is_a_head(self) -> None:
        sheet = load_workbook(BytesIO(as_xlsx(NOTHING)))["Data"]
        assert sheet.max_row == 1


def _told(column: Column, value: Any) -> Any:
    if column.kind is Kind.SECONDS and value is not None:
        assert isinstance(value, timedelta | datetime | date | int | float) or value == 0, value
        return round(_seconds(value), 1)
    return value


def _seconds(value: Any) -> float:
    """A span of a day and more is read back as one, a shorter one as a time of day."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if hasattr(value, "hour"):
        at = datetime.combine(date.min, value) if not isinstance(value, datetime) else value
        return (at - at.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    return float(value)


def _wall(column: Column, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(BERLIN).replace(tzinfo=None)
    return value


class TestPdf:
    def text(self, table: Table) -> list[str]:
        return [page.extract_text() for page in PdfReader(BytesIO(as_pdf(table))).pages]

    def test_every_cell_comes_back_as_people_read_it(self) -> None:
        text = _flat("".join(self.text(TABLE)))
        for row in TABLE.rows:
            told = "".join(map(words, TABLE.columns, row, [BERLIN] * len(row)))
            assert _flat(told) in text
        for said in (TABLE.title, TABLE.about, *TABLE.notes, TABLE.range_words()):
            assert _flat(said) in text

    def test_a_long_table_has_its_head_and_number_on_every_page(self) -> None:
        table = hours(200)
        pages = self.text(table)
        assert len(pages) > 5
        for number, page in enumerate(pages, start=1):
            lines = page.split("\n")
            assert lines[-1].endswith(f"{number} / {len(pages)}")
            assert lines[0].startswith("Hourly trends")
            assert lines.count("Hour Occupancy Arrivals") == 1
        lines = [line for page in pages for line in page.split("\n")]
        assert [line for line in lines if re.match(r"[A-Z][a-z]{2} \d\d ", line)] == [
            " ".join(map(words, table.columns, row, [BERLIN] * 3)) for row in table.rows
        ]

    def test_a_cell_that_is_too_long_is_broken_and_not_cut(self) -> None:
        long = "a very long name of a zone " * 6
        row = (long, *TABLE.rows[0][1:])
        table = Table(**{**_fields(TABLE), "rows": [row, *TABLE.rows]})
        text = _flat("".join(self.text(table)))
        assert _flat(long) in text

    def test_a_chart_is_a_picture_in_it(self) -> None:
        page = PdfReader(BytesIO(as_pdf(TABLE))).pages[0]
        (image,) = page.images
        assert image.image is not None
        assert image.image.width > 1500
        colours = image.image.convert("RGB").getcolors(1_000_000)
        assert colours is not None
        assert 0x2F, 0x5B in {colour[:2] for _, colour in colours}

    def test_without_rows_it_says_so(self) -> None:
        assert "Nothing is known of this range." in self.text(NOTHING)[0]


def _flat(text: str) -> str:
    return "".join(text.split())


def _fields(table: Table) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.__slots__}


@pytest.mark.parametrize("form", ["csv", "xlsx", "pdf"])
def test_a_file_is_named_after_what_is_in_it(form: str) -> None:
    file = written(TABLE, form, "north")
    assert file.name == f"zones-north-20260320-20260327.{form}"
    assert len(file.body) > 400


def test_a_table_that_does_not_fit_is_refused() -> None:
    fields = _fields(TABLE)
    with pytest.raises(ValueError, match="2 cells under 7 columns"):
        Table(**{**fields, "rows": [("A", 1)]})
    with pytest.raises(ValueError, match=r"the chart 'x' needs \['lost'\]"):
        Table(**{**fields, "charts": [Chart("x", ("zone_id",), ("lost",))]})
    with pytest.raises(ValueError, match="stands twice"):
        Table(**{**fields, "columns": [*TABLE.columns[:-1], TABLE.columns[0]]})


def test_what_has_no_value_is_a_dash_and_never_nought() -> None:
    for column in TABLE.columns:
        assert words(column, None, BERLIN) == NONE
    assert words(Column("a", "A", Kind.SHARE), 0.0, BERLIN) == "0.0 %"
    assert words(Column("a", "A", Kind.TIME), datetime(2026, 7, 1, 22, tzinfo=UTC), BERLIN) == (
        "Thu 02 Jul 2026 00:00"
    )
