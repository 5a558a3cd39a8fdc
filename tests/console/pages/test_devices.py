"""The devices' page in a real Chromium: heard or not, scored, and told to mark or learn a bay."""

import json
import time
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from console.tokens import Scope

pytestmark = pytest.mark.timeout(180)


def beat(site, quality: str = "good", celsius: float = 48.2) -> None:
    """A heartbeat of pi-1 that tells of its sensors."""
    now = datetime.now(UTC).isoformat()
    sensor = {"status": "free", "health": "ok", "quality": quality, "age_s": 0.5}
    health = {
        "session_id": "s1",
        "status": "up",
        "clock": "synced",
        "time": now,
        "boot_id": "b1",
        "monotonic_ms": time.monotonic_ns() // 1_000_000,
        "spots": {"A1": sensor, "A2": sensor},
        "spool": {"waiting": 3, "rows": 3, "bytes": 900, "limit_bytes": 1000000},
        "telemetry": {"versions": {"lotkeeper": "1.2.3"}, "temperature_c": celsius},
    }
    site.link.publish(site.topics.agent("pi-1", "health"), json.dumps(health).encode())


def card(page, name: str):
    return page.locator(f"[data-device='{name}']")


@pytest.fixture
def devices(visit, site):
    beat(site)
    site.say("A1", "free")
    made = visit("/devices")
    card(made, "pi-1").get_by_text("1.2.3").wait_for()
    return made


def test_says_who_is_heard_and_how_well(devices) -> None:
    it = card(devices, "pi-1")
    expect(it).to_contain_text("Online")
    expect(it).to_contain_text("3 records")
    it.get_by_text("2 bays").click()
    row = it.locator("[data-bay=A1]")
    expect(row).to_contain_text("100 of 100")


@retry(
    retry=retry_if_exception_type(AssertionError),
    stop=stop_after_delay(20),
    wait=wait_fixed(0.1),
    reraise=True,
)
def await_heard(served, site, celsius: float) -> None:
    """Until the gateway tells of the heartbeat that said so."""
    with served.client() as http:
        found = http.get(f"/api/v1/lots/{site.lot_id}/devices/pi-1").json()
    assert found["temperature_c"] == celsius


def test_what_is_open_stays_open_while_a_score_falls(devices, served, site) -> None:
    it = card(devices, "pi-1")
    it.get_by_text("2 bays").click()
    beat(site, quality="weak", celsius=50.0)
    await_heard(served, site, 50.0)
    site.say("A2", "occupied")
    it.locator("[data-bay=A1]").get_by_text("quality 0 of 20").wait_for()
    site.say("A2", "free")


def test_a_device_marks_a_bay_and_its_answer_is_told(devices, site) -> None:
    topic = site.topics.agent("pi-1", "command")
    site.heard.pop(topic, None)
    it = card(devices, "pi-1")
    it.get_by_text("2 bays").click()
    it.get_by_role("button", name="Identify A1").click()
    site.await_shown(topic, "command", "identify")
    asked = site.heard[topic]
    assert asked["spot_id"] == "A1"
    answer = {"transaction": asked["transaction"], "command": "identify"}
    answer |= {"status": "ok", "data": {"means": "led"}}
    site.link.publish(site.topics.agent("pi-1", "response"), json.dumps(answer).encode())
    devices.get_by_text("A1: means led").wait_for()


def test_what_a_viewer_may_not_is_not_offered(visit, site) -> None:
    beat(site)
    page = visit("/devices", scope=Scope.VIEWER)
    card(page, "pi-1").get_by_text("2 bays").click()
    expect(page.get_by_role("button", name="Identify A1")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(visit, site, serious, scheme: str) -> None:
    beat(site)
    page = visit("/devices", color_scheme=scheme, viewport={"width": 390, "height": 844})
    card(page, "pi-1").get_by_text("2 bays").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert serious(page) == []
