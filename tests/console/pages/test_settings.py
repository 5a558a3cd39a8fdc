"""The settings' page in a real Chromium: targets, tokens, and what was changed."""

import pytest
from playwright.sync_api import expect

from console.tokens import Scope

pytestmark = pytest.mark.timeout(180)


def test_an_operator_sets_a_target_and_takes_it_away(visit, served, site) -> None:
    page = visit("/settings")
    section = page.get_by_role("region", name="Targets of North")
    section.get_by_text("None yet.").wait_for()
    section.get_by_label("Zone").select_option("A")
    section.get_by_label("Occupancy, %").fill("65")
    section.get_by_role("button", name="Add a target").click()
    section.get_by_text("A: Mo, Tu, We, Th, Fr, 08:00 to 18:00: 65%").wait_for()
    with served.client() as http:
        (target,) = http.get(f"/api/v1/lots/{site.lot_id}/targets").json()["items"]
    assert (target["zone_id"], target["occupancy"]) == ("A", 0.65)
    section.get_by_label("From hour").fill("17")
    section.get_by_role("button", name="Add a target").click()
    page.get_by_text("Not done").wait_for()  # one hour of a zone has one
    section.get_by_role("button", name="Remove the target").click()
    section.get_by_text("None yet.").wait_for()


def test_an_administrator_makes_and_revokes_a_token(visit, served) -> None:
    page = visit("/settings", scope=Scope.ADMIN)
    section = page.get_by_role("region", name="Tokens of the API")
    section.get_by_label("Whose").fill("wallboard")
    section.get_by_role("button", name="Make a token").click()
    shown = section.get_by_text("Shown once: lk_")
    shown.wait_for()
    token = shown.inner_text().removeprefix("Shown once: ")
    headers = {"Authorization": f"Bearer {token}"}
    with served.client(None) as http:
        assert http.get("/api/v1/lots", headers=headers).status_code == 200
        section.get_by_role("button", name="Revoke the token of wallboard").click()
        section.get_by_text("wallboard").wait_for(state="detached")
        assert http.get("/api/v1/lots", headers=headers).status_code == 401
    page.reload()
    log = page.get_by_role("region", name="What was changed")
    log.get_by_text("token-revoke").first.wait_for()


def test_others_see_no_tokens(visit) -> None:
    page = visit("/settings", scope=Scope.VIEWER)
    page.get_by_role("region", name="Targets of North").wait_for()
    expect(page.get_by_role("region")).to_have_count(1)
    expect(page.get_by_role("button", name="Add a target")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(visit, serious, scheme: str) -> None:
    viewport = {"width": 390, "height": 844}
    page = visit("/settings", scope=Scope.ADMIN, color_scheme=scheme, viewport=viewport)
    page.get_by_role("region", name="What was changed").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert serious(page) == []
