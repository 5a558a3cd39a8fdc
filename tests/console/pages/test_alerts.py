"""The alerts' page in a real Chromium: pushed, filtered, seen, written to, ended."""

import pytest
from playwright.sync_api import expect

from console.tokens import Scope

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def raised(site):
    """Two holders of pi-1's identity take turns: an alert of the gateway itself."""
    for session in ("s1", "s2", "s1"):
        site.beat(session)
    site.await_shown(site.topics.alert("clone.pi-1"), "kind", "clone")
    return "clone.pi-1"


def card(page, alert_id: str):
    return page.locator(f"[data-alert='{alert_id}']")


def test_an_alert_is_pushed_seen_and_noted(visit, site) -> None:
    page = visit("/alerts")
    page.get_by_role("heading", name="Alerts").wait_for()
    for session in ("s1", "s2", "s1"):
        site.beat(session)
    it = card(page, "clone.pi-1")
    it.wait_for()
    it.get_by_role("button", name="Acknowledge").click()
    it.get_by_text("seen by operator").wait_for()
    site.await_shown(site.topics.alert("clone.pi-1"), "acknowledged_by", "operator")
    it.get_by_role("button", name="Write a note").click()
    page.get_by_role("textbox", name="Note").fill("its card was copied")
    page.get_by_role("button", name="Save the note").click()
    it.get_by_text("operator: its card was copied").wait_for()


def test_what_a_viewer_may_not_is_not_offered(visit, raised) -> None:
    page = visit("/alerts", scope=Scope.VIEWER)
    card(page, raised).wait_for()
    # The two are of the dialog, which is closed.
    expect(page.locator("main button, .page button")).to_have_count(2)
    expect(page.get_by_role("button", name="Save the note")).not_to_be_visible()


def test_filters_are_in_the_address(visit, raised) -> None:
    page = visit("/alerts?severity=info")
    page.get_by_text("Nothing to look at.").wait_for()
    page.get_by_role("link", name="Any severity").click()
    card(page, raised).wait_for()
    assert "severity" not in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(visit, raised, serious, scheme: str) -> None:
    page = visit("/alerts", color_scheme=scheme, viewport={"width": 390, "height": 844})
    card(page, raised).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert serious(page) == []


def test_one_that_is_ended_is_gone_and_stays_in_the_past(visit, raised) -> None:
    page = visit("/alerts")
    card(page, raised).get_by_role("button", name="Resolve").click()
    card(page, raised).wait_for(state="detached")
    page.get_by_role("link", name="Past too").click()
    card(page, raised).first.get_by_text("ended").wait_for()
