"""The reports' page in a real Chromium: what is chosen, what is shown, and the three files."""

import csv
import re
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect
from pypdf import PdfReader

from console.pages.ranges import range_of
from console.tokens import Scope

pytestmark = pytest.mark.timeout(180)
ROWS = ".report-table tbody tr"


@pytest.fixture
def page(visit, site):
    made = visit(f"/reports?lot={site.lot_id}&span=today", scope=Scope.VIEWER)
    made.locator(ROWS).first.wait_for()
    return made


def choice(page, of: str, name: str):
    """One of the reports, or of the ranges."""
    return page.get_by_role("navigation", name=of, exact=True).get_by_role("link", name=name)


def told(page) -> list[list[str]]:
    """The table on the page, as people read it."""
    return page.eval_on_selector_all(
        ROWS, "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )


def test_a_report_is_a_table_and_charts(page, site) -> None:
    zones = {row[1]: row for row in told(page)}
    assert list(zones) == ["A", "B", "all zones"]
    assert zones["A"][0] == site.lot_id
    assert zones["A"][2] == "2"
    expect(page.locator(".report-chart canvas")).to_have_count(2)
    expect(choice(page, "Report", "Zones")).to_have_attribute("aria-current", "true")
    expect(choice(page, "Range", "Today")).to_have_attribute("aria-current", "true")
    expect(page.locator("body")).to_contain_text("L is counted at its lanes")


def test_the_three_files_hold_what_the_page_shows(page, tmp_path) -> None:
    page.set_default_timeout(90_000)  # the first file loads matplotlib, which looks at every font
    shown = told(page)
    files = {}
    for name, form in (("CSV", "csv"), ("Excel", "xlsx"), ("PDF", "pdf")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        files[form] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[form])
        assert re.fullmatch(rf"zones-lot-\w+-\d{{8}}-\d{{8}}\.{form}", files[form].name)

    head, *rows = csv.reader(StringIO(files["csv"].read_bytes().decode("utf-8-sig"), newline=""))
    assert [row[:3] for row in rows] == [row[:3] for row in shown]
    at = head.index("coverage")
    assert [f"{float(row[at]) * 100:.1f} %" for row in rows] == [row[at] for row in shown]

    sheet = load_workbook(files["xlsx"])["Data"]
    cells = [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert [[str(cell) for cell in row[:3]] for row in cells] == [row[:3] for row in shown]
    assert [f"{row[at] * 100:.1f} %" for row in cells] == [row[at] for row in shown]

    pages = PdfReader(files["pdf"]).pages
    text = "".join("".join(each.extract_text() for each in pages).split())
    for row in shown:
        assert "".join("".join(row).split()) in text


def test_another_report_and_range_are_a_click_away_and_in_the_address(page, site) -> None:
    choice(page, "Report", "Hourly trends").click()
    page.wait_for_url("**report=hourly**")
    choice(page, "Range", "Yesterday").click()
    page.wait_for_url("**span=yesterday**")
    page.locator(ROWS).nth(23).wait_for()
    assert len(told(page)) == 24
    assert f"lot={site.lot_id}" in page.url
    assert {row[2] for row in told(page)} == {"\u2013"}  # nobody knew anything yesterday


def test_any_range_of_days(page) -> None:
    page.get_by_label("From").fill("2026-03-02")
    page.get_by_label("To, inclusive").fill("2026-03-08")
    page.get_by_role("combobox", name="Lot").select_option(label="All lots")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**span=custom**")
    page.get_by_text("02 Mar 2026, 00:00 to 09 Mar 2026, 00:00 (UTC)").wait_for()
    expect(page.get_by_label("From")).to_have_value("2026-03-02")
    choice(page, "Report", "Devices").click()
    page.wait_for_url("**report=devices**begin=2026-03-02&end=2026-03-08")


def test_a_range_that_is_too_long_is_told_beside_what_was_chosen(visit) -> None:
    page = visit("/reports?report=hourly&span=custom&begin=2026-01-01&end=2026-03-01")
    expect(page.get_by_role("alert")).to_contain_text("by 31 days at most")
    expect(page.get_by_label("To, inclusive")).to_have_value("2026-03-01")


def test_a_range_that_is_none_is_of_seven_days(visit) -> None:
    page = visit("/reports?span=custom&begin=soon&end=later")
    page.locator(ROWS).first.wait_for()
    expect(choice(page, "Range", "7 days")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("asked", ["report=revenue", "lot=nowhere"])
def test_what_there_is_not_is_not_found(served, asked: str) -> None:
    with served.client() as client:
        assert client.get(f"/reports?{asked}").status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(visit, site, serious, scheme: str) -> None:
    page = visit(f"/reports?lot={site.lot_id}", color_scheme=scheme)
    page.locator(ROWS).first.wait_for()
    assert serious(page) == []


def test_on_a_phone_nothing_runs_out_of_the_screen(visit, site) -> None:
    page = visit(f"/reports?lot={site.lot_id}", viewport={"width": 360, "height": 740})
    page.locator(ROWS).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(
    ("span", "begin", "end"),
    [
        ("today", "2026-03-28T23:00Z", "2026-03-29T10:30Z"),
        ("yesterday", "2026-03-27T23:00Z", "2026-03-28T23:00Z"),
        ("7d", "2026-03-22T23:00Z", "2026-03-29T10:30Z"),
        ("30d", "2026-02-27T23:00Z", "2026-03-29T10:30Z"),
    ],
)
def test_days_are_those_of_the_lots_clock(span: str, begin: str, end: str) -> None:
    """On the day that the clocks of Berlin are put forward."""
    now = datetime(2026, 3, 29, 10, 30, tzinfo=UTC)
    found = range_of(span, "", "", ZoneInfo("Europe/Berlin"), now)
    assert (found.begin, found.end) == (datetime.fromisoformat(begin), datetime.fromisoformat(end))


def test_the_day_of_the_change_has_23_hours() -> None:
    now = datetime(2026, 4, 2, tzinfo=UTC)
    found = range_of("custom", "2026-03-29", "2026-03-29", ZoneInfo("Europe/Berlin"), now)
    assert (found.end - found.begin).total_seconds() == 23 * 3600
