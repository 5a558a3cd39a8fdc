"""The pages over a fleet in a real Chromium: its lots as they change, and its past in tables."""

import csv
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from cloud.postgres import connect
from console.tokens import Scope

pytestmark = pytest.mark.timeout(180)
ROWS = "tbody tr"
DASH = "\u2013"
DASHES = [DASH] * 5


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, make_served, cloud) -> Iterator[Any]:
    """A console over the fleet alone."""
    section = f'[fleet]\ndsn = "{cloud.dsn}"\nanalytics = "{cloud.lake}"\n'
    made = make_served(tmp_path_factory.mktemp("served"), more=section)
    yield made
    made.close()


@pytest.fixture
def page(visit) -> Any:
    """The fleet, as somebody who may only read."""
    made = visit("/", scope=Scope.VIEWER)
    made.locator(ROWS).first.wait_for()
    return made


def told(page: Any) -> dict[str, list[str]]:
    """The rows, by the lot, as people read them; there are none while the database is slow."""
    page.locator(ROWS).first.wait_for()
    rows: list[list[str]] = page.eval_on_selector_all(
        ROWS, "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return {row[0].partition("\n")[0]: row[1:] for row in rows}


@retry(
    retry=retry_if_exception_type(AssertionError),
    stop=stop_after_delay(30),
    wait=wait_fixed(0.1),
    reraise=True,
)
def await_so(is_so: Callable[[], bool]) -> None:
    assert is_so()


def entries(page: Any) -> list[str]:
    """The navigation."""
    return page.get_by_role("navigation", name="Pages").get_by_role("link").all_inner_texts()


def test_a_console_over_a_fleet_begins_with_it(page, served) -> None:
    assert page.url == f"{served.url}/fleet"
    assert entries(page) == ["Fleet", "Analytics", "Settings"]
    with served.client() as client:
        for path in ("/lots", "/lots/north", "/devices", "/alerts", "/reports"):
            assert client.get(path).status_code == 404, path


def test_every_lot_with_what_is_known_of_it(page) -> None:
    rows = told(page)
    assert list(rows) == ["east", "north", "south", "west"]
    occupancy, free, unknown, alerts, heard, updated = rows["north"]
    assert (occupancy, free, unknown, alerts) == ("50%", "1 of 3", "1", "2")
    assert heard.endswith(" ago")
    assert updated != DASH
    bar = page.locator("tr[data-lot=north] .track")
    whole, filled = (bar.bounding_box(), bar.locator("span").bounding_box())
    assert filled["width"] / whole["width"] == pytest.approx(0.5, abs=0.05)


def test_what_is_not_known_is_a_dash(page) -> None:
    rows = told(page)
    assert rows["south"][:4] == [DASH, DASH, "1", "1"]  # its gateway is silent
    assert "silent for 1 h" in rows["south"][4]
    assert rows["east"][:3] == [DASH, DASH, "0"]  # of how many nobody told
    assert rows["west"][4] == "no gateway"
    expect(page.get_by_role("status")).to_contain_text("Lots 4")
    expect(page.get_by_role("status")).to_contain_text("silent gateways 1")


def test_the_head_sorts_by_mouse_and_by_keyboard(page) -> None:
    def head(name: str) -> Any:
        return page.get_by_role("columnheader", name=name)

    expect(head("Lot")).to_have_attribute("aria-sort", "ascending")
    head("Alerts").get_by_role("link").click()
    page.wait_for_url("**sort=-open_alerts")
    page.locator(ROWS).first.wait_for()
    assert list(told(page))[:2] == ["north", "south"]
    expect(head("Alerts")).to_have_attribute("aria-sort", "descending")
    head("Alerts").get_by_role("link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=open_alerts")
    page.locator(ROWS).first.wait_for()
    assert list(told(page))[-2:] == ["south", "north"]


def test_what_changes_is_shown_and_the_keyboard_stays(page, cloud) -> None:
    page.get_by_role("columnheader", name="Free").get_by_role("link").focus()
    await_so(lambda: told(page).get("west", DASHES)[1] == "1 of 1")
    cloud.write(cloud.seen(2, "west", "C1", "occupied", ago_s=1))
    await_so(lambda: told(page).get("west", DASHES)[:2] == ["100%", "0 of 1"])
    assert page.evaluate("document.activeElement.innerText").startswith("Free")
    cloud.write(cloud.seen(3, "west", "C1", "vacant", ago_s=0))


def test_where_the_database_is_away_nothing_old_is_shown(page, cloud, postgres: str) -> None:
    name = cloud.dsn.partition("?")[0].rpartition("/")[2]
    with connect(postgres) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        try:
            banner = page.get_by_role("alert").filter(has_text="given no answer since 20")
            banner.wait_for(timeout=30_000)
            expect(page.locator(ROWS)).to_have_count(0)
            expect(page.get_by_role("region", name="Lots")).not_to_be_visible()
            expect(page.get_by_role("status")).not_to_be_visible()
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    page.locator("tr[data-lot=north]").wait_for(timeout=30_000)
    expect(banner).not_to_be_visible()


def test_a_table_says_what_it_means_and_until_when(visit, cloud) -> None:
    page = visit("/analytics")
    choose = page.get_by_role("navigation", name="Table")
    assert len(choose.get_by_role("link").all()) == 11
    choose.get_by_role("link", name="Occupancy by hour").click()
    page.wait_for_url("**table=occupancy_by_hour")
    page.locator(".report-chart canvas").wait_for()
    body = page.inner_text("body")
    assert "Occupancy of each zone by the hour, weighted by time." in body
    until = cloud.at.astimezone().strftime("%b %Y")
    assert f"{until}," in body
    assert "(Europe/Berlin)" in body
    facts = page.get_by_role("region", name="Columns")
    expect(facts).to_contain_text("0 to 1, occupied_s / covered_s")
    expect(facts).to_contain_text("Europe/Berlin, its begin")
    page.get_by_role("columnheader", name="Hour [Europe/Berlin]").wait_for()


def test_a_series_of_one_lot_and_its_file(visit) -> None:
    page = visit("/analytics?table=historical_trends")
    page.get_by_role("combobox", name="Lot").select_option("south")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**lot=south")
    page.locator(".report-chart canvas").nth(1).wait_for()
    rows = page.eval_on_selector_all(
        ROWS, "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    assert {row[0] for row in rows} == {"south"}
    assert DASH in {row[3] for row in rows}  # of a day before the first record
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").click()
    assert download.value.suggested_filename.startswith("historical_trends-south-")
    text = download.value.path().read_text("utf-8-sig")
    kept = list(csv.reader(StringIO(text, newline="")))[1:]
    assert [row[:3] for row in kept] == [row[:3] for row in rows]
    assert [row[3] == "" for row in kept] == [row[3] == DASH for row in rows]


def test_a_table_that_holds_nothing_says_so(visit) -> None:
    page = visit("/analytics?table=revenue")
    page.get_by_text("Nothing is known of this period.").wait_for()


@pytest.mark.parametrize("path", ["/analytics?table=nothing", "/analytics?table=../raw"])
def test_a_table_that_is_not_there_is_not_found(served, path: str) -> None:
    with served.client() as client:
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/fleet", "/analytics?table=daily_patterns"])
def test_nobody_is_kept_out(visit, serious, path: str, scheme: str) -> None:
    page = visit(path, color_scheme=scheme)
    page.locator(ROWS).first.wait_for()
    assert serious(page) == []


@pytest.mark.parametrize("path", ["/fleet", "/analytics?table=spot_utilisation"])
def test_on_a_phone_nothing_runs_out_of_the_screen(visit, path: str) -> None:
    page = visit(path, viewport={"width": 360, "height": 740})
    page.locator(ROWS).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


class TestBoth:
    """A console over a lot's gateway and a fleet."""

    @pytest.fixture
    def served(self, tmp_path: Path, make_served, site, cloud) -> Iterator[Any]:
        """Without a lake."""
        made = make_served(tmp_path, site, more=f'[fleet]\ndsn = "{cloud.dsn}"\n')
        yield made
        made.close()

    def test_have_their_entries(self, visit, served, site) -> None:
        page = visit("/")
        page.wait_for_url(f"**/lots/{site.lot_id}")
        assert entries(page) == ["Fleet", "Lot", "Alerts", "Devices", "Reports", "Settings"]
        assert page.get_by_role("link", name="Lot", exact=True).get_attribute("aria-current")
        with served.client() as client:
            assert client.get("/analytics").status_code == 404
