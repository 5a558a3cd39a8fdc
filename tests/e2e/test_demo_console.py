"""The demo's console in a real Chromium: alive, with a day to look back on."""

import re
import shutil
import signal
from typing import Any

import pytest

PATIENCE_MS = 60_000
pytestmark = pytest.mark.timeout(180)


def test_the_demo_is_alive_in_a_browser_and_has_a_day_behind_it(lotkeeper: Any) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [dev]")
    words = ("demo", "--headless", "--console")
    with lotkeeper.start(*words, stdout=-1) as demo, sync_api.sync_playwright() as playwright:
        said = re.search(r"console (\S+) +log in as (\S+), password (\S+)", demo.stdout.readline())
        assert said is not None
        url, person, password = said.groups()
        page = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        ).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.get_by_label("Name").fill(person)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.locator(".bay[data-state=occupied]").first.wait_for()
        page.goto(f"{url}/reports?report=hourly&span=7d")
        page.locator(".table tbody tr").first.wait_for()
        assert page.locator(".table tbody tr").count() >= 20
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
