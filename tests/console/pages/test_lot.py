"""The lot's page in a real Chromium: live bays, one bay's panel, keyboard, phone, silence."""

import re

import pytest
from playwright.sync_api import expect

from console.tokens import Scope

PUSHED_MS = 1000
"""From the moment that the gateway says it: what people are promised."""


def bay(page, spot_id: str):
    return page.locator(f".bay[data-id={spot_id}]")


def shows(page, spot_id: str, status: str, timeout_ms: float = 20_000) -> None:
    page.locator(f".bay[data-id={spot_id}][data-state={status}]").wait_for(timeout=timeout_ms)


@pytest.fixture
def page(visit, site):
    made = visit(f"/lots/{site.lot_id}")
    shows(made, "A1", "occupied")
    return made


def test_a_bay_turns_as_its_sensor_changes(page, site) -> None:
    free = page.locator(".most strong")
    expect(free).to_have_text("6")  # A2 and five of the lane
    site.say("A1", "free")
    shows(page, "A1", "free", PUSHED_MS)
    expect(bay(page, "A1")).to_have_attribute("aria-label", re.compile("^A1, ev, free since "))
    expect(free).to_have_text("7")
    site.say("A1", "occupied")
    shows(page, "A1", "occupied", PUSHED_MS)


def test_every_state_has_a_shape_of_its_own(page) -> None:
    masks = page.evaluate(
        "[...document.querySelectorAll('.key .shape')].map(e => getComputedStyle(e).maskImage)"
    )
    assert len(set(masks)) == 4
    assert all("svg" in mask for mask in masks)


def test_floors_are_tabs_for_the_keyboard_too(page) -> None:
    expect(page.locator(".bay")).to_have_count(1)
    page.get_by_role("tab", name="Ground").focus()
    page.keyboard.press("ArrowRight")
    shows(page, "A2", "free")
    expect(page.get_by_role("tab", name="Floor 2")).to_have_attribute("aria-selected", "true")
    expect(bay(page, "B1")).to_have_attribute("aria-label", "B1, unknown, never seen")
    bay(page, "A2").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.id") == "B1"


def test_an_operator_closes_and_opens_a_bay_without_a_mouse(page, site) -> None:
    bay(page, "A1").focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Bay")
    panel.get_by_role("heading", name="Bay A1").wait_for()
    expect(panel).to_contain_text("pi-1")
    expect(panel).to_contain_text("online")
    expect(panel).to_contain_text("41.5 cm")
    panel.locator(".moves li").first.wait_for()  # what its spool still holds
    page.wait_for_function("document.activeElement.id === 'bay-close'")
    panel.get_by_role("button", name="Close it").press("Enter")
    shows(page, "A1", "closed")
    panel.get_by_role("button", name="Open it").press("Enter")
    shows(page, "A1", "occupied")
    page.wait_for_function("document.activeElement.innerText === 'Close it'")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.dataset.id === 'A1'")
    expect(panel).not_to_be_visible()


def test_the_keyboard_stays_where_it_is_when_the_bay_changes(page, site) -> None:
    """Red as long as the panel was filled anew with its button."""
    bay(page, "A1").press("Enter")
    panel = page.get_by_role("complementary", name="Bay")
    panel.get_by_role("button", name="Close it").focus()
    site.say("A1", "free")
    panel.locator(".bay-state").get_by_text("Free", exact=True).wait_for()
    assert page.evaluate("document.activeElement.innerText") == "Close it"
    site.say("A1", "occupied")


def test_what_a_viewer_may_not_is_not_offered(visit, site) -> None:
    page = visit(f"/lots/{site.lot_id}", scope=Scope.VIEWER)
    bay(page, "A1").click()
    panel = page.get_by_role("complementary", name="Bay")
    panel.get_by_role("heading", name="Sensor").wait_for()
    expect(panel.get_by_role("button")).to_have_count(1)


def test_a_phone_needs_no_scrolling_sideways(visit, site) -> None:
    page = visit(f"/lots/{site.lot_id}", viewport={"width": 390, "height": 844}, has_touch=True)
    shows(page, "A1", "occupied")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = bay(page, "A1").bounding_box()
    assert min(box["width"], box["height"]) >= 24  # WCAG 2.2, 2.5.8
    bar = page.get_by_role("navigation", name="Pages").bounding_box()
    assert bar["y"] + bar["height"] == 844


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, site, serious, scheme: str) -> None:
    page = visit(f"/lots/{site.lot_id}", color_scheme=scheme)
    bay(page, "A1").click()
    page.get_by_role("heading", name="Sensor").wait_for()
    assert serious(page) == []


def test_axe_finds_nothing_serious_in_the_login(visit, serious) -> None:
    page = visit("/login", scope=None)
    assert serious(page) == []


def test_a_session_that_ends_ends_the_open_page(visit, served, site) -> None:
    page = visit(f"/lots/{site.lot_id}")
    shows(page, "A1", "occupied")
    (cookie,) = page.context.cookies()
    served.people.log_out(cookie["value"])
    page.wait_for_url(f"{served.url}/login")


def test_when_the_gateway_falls_silent_everything_is_unknown_until_it_is_back(
    chromium, tmp_path, make_site, make_served, broker
) -> None:
    site = make_site(tmp_path / "lot", broker[1])
    site.beat()
    site.say("A1", "occupied", ago_s=60)
    served = make_served(tmp_path, site)
    context = chromium.new_context()
    try:
        cookie = {"name": "lotkeeper_session", "value": served.session(), "url": served.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{served.url}/lots/{site.lot_id}")
        shows(page, "A1", "occupied")
        expect(page.get_by_role("alert")).to_have_count(0)
        site.stop()
        shows(page, "A1", "unknown")
        page.get_by_role("alert").filter(has_text="silent").wait_for()
        expect(page.locator(".most strong")).to_have_text("\u2013")
        expect(bay(page, "A1")).to_have_attribute("aria-label", re.compile("gateway silent"))
        site.open()
        site.beat("s2")
        shows(page, "A1", "occupied")
        page.get_by_role("alert").wait_for(state="detached")
    finally:
        context.close()
        served.close()
        site.stop()
        site.close()


def test_a_thousand_bays_are_there_and_change(  # bench.console_pages measures how fast
    chromium, tmp_path, make_site, make_served, broker
) -> None:
    ids = [f"A{number}" for number in range(1000)]
    layout = '[[zones]]\nzone_id = "A"\n' + "".join(
        f'[[spots]]\nspot_id = "{each}"\nzone_id = "A"\nagent_id = "pi-1"\n' for each in ids
    )
    site = make_site(tmp_path / "lot", broker[1], layout=layout)
    site.beat()
    site.say_all(dict.fromkeys(ids, "free"))
    served = make_served(tmp_path, site)
    context = chromium.new_context()
    try:
        cookie = {"name": "lotkeeper_session", "value": served.session(), "url": served.url}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{served.url}/lots/{site.lot_id}")
        page.locator(".bay").nth(999).wait_for()
        expect(page.locator(".bay")).to_have_count(1000)
        expect(page.locator("[data-state=free].bay")).to_have_count(1000)
        site.say("A999", "occupied")
        shows(page, "A999", "occupied")
    finally:
        context.close()
        served.close()
        site.stop()
        site.close()
