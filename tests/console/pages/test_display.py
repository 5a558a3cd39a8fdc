"""The screen at the entrance: without a login where it is allowed, and never with stale figures."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

VALID_S = 3.0
WATCH = """(for_ms) => new Promise((resolve) => {
  let blanked = document.body.classList.contains("blank");
  new MutationObserver(() => { blanked ||= document.body.classList.contains("blank"); })
    .observe(document.body, { attributes: true });
  setTimeout(() => resolve(blanked), for_ms);
})"""


@pytest.fixture(scope="module")
def screen(
    tmp_path_factory: pytest.TempPathFactory, make_site, make_served, broker
) -> Iterator[tuple]:
    """A site whose word holds for a few seconds, and a console that shows it to everybody."""
    folder = tmp_path_factory.mktemp("screen")
    site = make_site(folder / "lot", broker[1], validity_s=VALID_S)
    site.beat()
    site.say_all({"A1": "free", "A2": "occupied"})
    served = make_served(folder, site, of_lot="display = true\n")
    yield site, served
    served.close()
    site.stop()
    site.close()


@pytest.fixture
def page(chromium, screen):
    site, served = screen
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    made = context.new_page()
    made.goto(f"{served.url}/display/{site.lot_id}")
    made.get_by_text("free bays").first.wait_for()
    yield made
    context.close()


def count(page) -> str:
    return page.locator("#free").inner_text()


def test_counts_as_they_change(page, screen) -> None:
    site, _ = screen
    page.locator("#free", has_text="6").wait_for()
    site.say("A2", "free")
    page.locator("#free", has_text="7").wait_for(timeout=1000)
    zones = page.locator(".board")
    expect(zones).to_have_text(
        [
            re.compile(r"A\s*2"),
            re.compile("B\\s*\u2013"),  # its only bay is unknown: it is neither free nor full
            re.compile(r"L\s*5"),
        ]
    )
    for at, state in enumerate(("free", "unknown", "free")):
        expect(zones.nth(at)).to_have_attribute("data-state", state)


def test_what_is_said_again_holds_on(page) -> None:
    """The figures stay although nothing changes for longer than the first message held."""
    blanked = page.evaluate(WATCH, VALID_S * 1000 + 1500)
    assert blanked is False


def test_axe_finds_nothing_serious(page, serious) -> None:
    assert serious(page) == []


def test_a_lot_that_is_not_shown_is_not_there(served, site, screen) -> None:
    with served.client(None) as stranger:
        for lot_id in (site.lot_id, screen[0].lot_id, "lot-9"):
            for path in (f"/display/{lot_id}", f"/display/{lot_id}/events"):
                assert stranger.get(path).status_code == 404


def test_it_blanks_when_the_console_dies(page, screen) -> None:
    _, served = screen
    served.process.kill()
    served.process.wait(10)
    page.locator("body.blank").wait_for(timeout=VALID_S * 1000 + 2000)
    assert count(page) == "\u2013"
    expect(page.locator("#words")).to_have_text("no figures now")
    expect(page.locator("#as-of")).to_have_text("")
