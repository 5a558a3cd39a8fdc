"""What tests of the pages share: a console's process over a running lot, and one Chromium."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from console.database import KEPT, make
from console.people import People
from console.tokens import Scope

PASSWORD = "correct horse"
PATIENCE_MS = 20_000


class Served:
    """A console's own process, whose people are named as their scopes."""

    def __init__(self, folder: Path, *sites: Any, of_lot: str = "", more: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.store = folder / "console.db"
        self.config = folder / f"console-{port}.toml"
        of_lot = f'name = "North"\n{of_lot}'
        lots = "".join(f'[[lots]]\ngateway = "{each.config}"\n{of_lot}' for each in sites)
        self.config.write_text(
            f'[http]\nport = {port}\n[store]\npath = "{self.store}"\n'
            f'[rate]\npath = "{folder}/rate.db"\n[live]\ntimeout_s = 1.0\n{lots}{more}'
        )
        make(self.store, KEPT)
        self.people = People(self.store)
        known = {each.name for each in self.people.all()}
        for scope in (Scope.VIEWER, Scope.OPERATOR, Scope.ADMIN):
            if scope.value not in known:
                self.people.add(scope.value, scope, PASSWORD)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lotkeeper", "console", "run", "-c", self.config]
        )
        self._await_answer()

    @retry(
        retry=retry_if_exception_type(httpx.ConnectError),
        stop=stop_after_delay(40),
        wait=wait_fixed(0.05),
        reraise=True,
    )
    def _await_answer(self) -> None:
        assert httpx.get(f"{self.url}/api/v1/health", timeout=20).status_code == 200

    def session(self, scope: Scope = Scope.OPERATOR) -> str:
        """A session's cookie, without the form."""
        made = self.people.log_in(scope.value, PASSWORD)
        assert made is not None
        return made

    def client(self, scope: Scope | None = Scope.OPERATOR) -> httpx.Client:
        """One who is logged in, without a browser."""
        cookies = {"lotkeeper_session": self.session(scope)} if scope else {}
        return httpx.Client(base_url=self.url, cookies=cookies, timeout=20)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, site) -> Iterator[Served]:
    """A console over `site`."""
    made = Served(tmp_path_factory.mktemp("served"), site)
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_served() -> type[Served]:
    return Served


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One Chromium for all tests; each takes a context of its own."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [dev]")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, served: Served) -> Iterator[Callable[..., Any]]:
    """`visit("/lots/x", scope=..., **context)`: the page in a browser that is logged in."""
    contexts = []

    def open_page(path: str, scope: Scope | None = Scope.OPERATOR, **options: Any) -> Any:
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if scope:
            cookie = {"name": "lotkeeper_session", "value": served.session(scope)}
            context.add_cookies([cookie | {"url": served.url}])
        page = context.new_page()
        page.goto(served.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def serious() -> Callable[[Any], list[str]]:
    """What axe-core finds on a page that keeps people out: its serious and critical findings."""
    axe = pytest.importorskip("axe_core_python.sync_playwright", reason="needs the extra [dev]")

    def found(page: Any) -> list[str]:
        results = axe.Axe().run(page)
        return [
            f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}"
            for each in results["violations"]
            if each["impact"] in ("serious", "critical")
        ]

    return found
