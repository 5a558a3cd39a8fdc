"""The demo's console in a real Chromium: alive, with a day to look back on."""

import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

PATIENCE_MS = 60_000
pytestmark = pytest.mark.timeout(180)


def looked_at(chromium: str, url: str, person: str, password: str) -> int:
    """Log in, see a vehicle, and count the hours of yesterday's report."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [dev]")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.get_by_label("Name").fill(person)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        page.locator(".bay[data-state=occupied]").first.wait_for()
        page.goto(f"{url}/reports?report=hourly&span=7d")
        page.locator(".table tbody tr").first.wait_for()
        return int(page.locator(".table tbody tr").count())


def test_the_demo_is_alive_in_a_browser_and_has_a_day_behind_it(lotkeeper: Any) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    words = ("demo", "--headless", "--console")
    # In a thread of its own: other tests' browser may have this one's.
    with lotkeeper.start(*words, stdout=-1) as demo, ThreadPoolExecutor(1) as apart:
        said = re.search(r"console (\S+) +log in as (\S+), password (\S+)", demo.stdout.readline())
        assert said is not None
        try:
            assert apart.submit(looked_at, chromium, *said.groups()).result() >= 20
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
