"""What tests of the console share: a running lot, a silent one, and the API over both."""

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from console.app import make_app, make_desk
from console.config import ConsoleSettings
from console.tokens import Scope
from contract.topics import Topics
from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.service import Service
from gateway.sinks import registry
from gateway.store import GatewayStore
from gateway.testing import changed
from runtime.clock import SystemClock
from runtime.config import load
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.fleet.still import StillFleet
from simulator.processes import free_port

PATIENCE_S = 20.0
LAYOUT = """
[[zones]]
zone_id = "A"
max_stay_s = 3600
[[zones]]
zone_id = "B"
[[zones]]
zone_id = "L"
counted_capacity = 5
[[spots]]
spot_id = "A1"
zone_id = "A"
agent_id = "pi-1"
kinds = ["ev"]
[[spots]]
spot_id = "A2"
zone_id = "A"
agent_id = "pi-1"
floor = 2
[[spots]]
spot_id = "B1"
zone_id = "B"
floor = 2
"""


SOUND = {"health": "ok", "unit": "cm", "quality": "ok"}


class Site:
    """A lot on the shared broker: a real gateway and a client that speaks as its agents."""

    def __init__(
        self,
        folder: Path,
        port: int,
        facility_id: str = "f1",
        more: str = "",
        layout: str = LAYOUT,
        validity_s: float = 60.0,
    ) -> None:
        folder.mkdir()
        self.lot_id = f"lot-{uuid.uuid4().hex[:8]}"
        self.topics = Topics(self.lot_id)
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'facility_id = "{facility_id}"\nlot_id = "{self.lot_id}"\nclock = "always"\n'
            f'[mqtt]\nport = {port}\nprotocol = "3.1.1"\nreconnect_min_s = 0.1\n'
            f'[store]\npath = "{folder}/gateway.db"\n'
            f"[presence]\noffline_after_s = 600\nvalidity_s = {validity_s}\n{layout}{more}"
        )
        self.settings = load(self.config, GatewaySettings)
        self.seq = 0
        self.heard: dict[str, Any] = {}
        self._news = threading.Condition()
        mqtt = MqttSettings(port=port, protocol="3.1.1")
        handlers = Handlers(message=self._hear, connected=self._subscribe)
        self.link = Link(mqtt, f"site-{self.lot_id}", handlers, clean=True)
        self.link.start()
        self.open()

    def open(self) -> None:
        self.store = GatewayStore(self.settings.store.path, self.settings.store.limit_bytes)
        self.store.register_sinks([sink.name for sink in self.settings.sinks])
        clock = SystemClock(self.settings.clock)
        self.service = Service(self.settings, self.store, clock)
        self.service.forwarders += [
            Forwarder(
                sink.name,
                self.lot_id,
                registry.build(sink.kind, sink.options),
                self.store,
                self.service.lot.snapshots,
                self.settings.forward,
                clock,
            )
            for sink in self.settings.sinks
        ]
        self.service.start()
        self.await_shown(self.topics.gateway_health, "status", "up")

    def stop(self) -> None:
        """The gateway ends; its store stays."""
        self.service.stop()
        self.store.close()

    def close(self) -> None:
        self.link.stop()

    def beat(self, session: str = "s1") -> None:
        """A heartbeat of agent pi-1, with what the sensor of A1 measured 2 s ago."""
        now = datetime.now(UTC).isoformat()
        health = {
            "session_id": session,
            "status": "up",
            "clock": "synced",
            "time": now,
            "spots": {"A1": {"status": "occupied", "value": 41.5, **SOUND, "age_s": 2}},
        }
        topic = self.topics.agent("pi-1", "health")
        self.link.publish(topic, json.dumps(health).encode())

    def say_all(self, statuses: dict[str, str], ago_s: float = 60.0) -> None:
        """A record of each spot, and wait until displays show the last."""
        at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
        for spot_id, status in statuses.items():
            self.seq += 1
            body = changed(self.seq, status, spot_id=spot_id, timestamp=at)
            self.link.publish(self.topics.agent("pi-1", "events"), json.dumps(body).encode())
        self.await_shown(self.topics.spot(spot_id), "status", status)

    def say(self, spot_id: str, status: str, ago_s: float = 0.0) -> None:
        """A record of agent pi-1, and wait until displays show it."""
        self.seq += 1
        at = datetime.now(UTC) - timedelta(seconds=ago_s)
        body = changed(self.seq, status, spot_id=spot_id, timestamp=at.isoformat())
        self.link.publish(self.topics.agent("pi-1", "events"), json.dumps(body).encode())
        self.await_shown(self.topics.spot(spot_id), "status", status)

    def await_shown(self, topic: str, field: str, value: object) -> None:
        """Until the newest message of `topic` says so."""
        with self._news:
            assert self._news.wait_for(
                lambda: self.heard.get(topic, {}).get(field) == value, PATIENCE_S
            ), self.heard.get(topic)

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(f"{self.topics.root}/#")

    def _hear(self, message: Any) -> None:
        with self._news:
            self.heard[message.topic] = json.loads(message.payload or b"{}")
            self._news.notify_all()


def history_sink(folder: Path) -> str:
    """The table of a sink whose file the console reads."""
    return f'[[sinks]]\nname = "past"\nkind = "history"\npath = "{folder}/history.db"\n'


@retry(
    retry=retry_if_exception_type(AssertionError),
    stop=stop_after_delay(PATIENCE_S),
    wait=wait_fixed(0.05),
    reraise=True,
)
def await_kept(site: Site) -> None:
    """Until the history sink has taken everything."""
    assert site.store.depth("past").rows == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, broker: tuple[str, int]) -> Iterator[Site]:
    """A1 is occupied, A2 free, B1 never heard of; zone L is counted."""
    folder = tmp_path_factory.mktemp("site")
    made = Site(folder / "lot", broker[1], more=history_sink(folder))
    made.beat()
    made.say("A1", "occupied", ago_s=120)
    made.say("A2", "free", ago_s=60)
    await_kept(made)
    yield made
    made.stop()
    made.close()


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory, broker: tuple[str, int]) -> Iterator[Site]:
    """A lot of another facility, whose A1 was occupied when its gateway ended."""
    made = Site(tmp_path_factory.mktemp("silent") / "lot", broker[1], "f2")
    made.beat()
    made.say("A1", "occupied")
    made.stop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, dsn_of_module: str) -> StillFleet:
    """A fleet of four lots, and tables of its past."""
    lake = tmp_path_factory.mktemp("cloud") / "lake"
    made = StillFleet(dsn_of_module, lake, datetime.now(UTC))
    made.fill()
    made.analyse()
    return made


class Console:
    """The API over some lots, and a token of each scope."""

    def __init__(self, folder: Path, *sites: Site, **sections: Any) -> None:
        self.settings = ConsoleSettings.model_validate(
            {
                "store": {"path": folder / "console.db"},
                "rate": {"path": folder / "rate.db", "per_minute": 100_000},
                "live": {"timeout_s": 1.0},
                "lots": [{"gateway": site.config, "name": "North"} for site in sites],
                **sections,
            }
        )
        self.desk = make_desk(self.settings)
        self.app: FastAPI = make_app(self.desk)
        self.tokens = {scope: self.desk.tokens.add(scope.value, scope) for scope in Scope}
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning"))
        self._thread = threading.Thread(target=self.server.run, args=([listener],), daemon=True)
        self._thread.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S)

    def close(self) -> None:
        self.http.close()
        self.server.should_exit = True
        self._thread.join(PATIENCE_S)

    def get(self, path: str, scope: Scope | None = Scope.VIEWER, **params: Any) -> httpx.Response:
        return self.http.get(f"/api/v1{path}", params=params or None, headers=self.headers(scope))

    def read(self, path: str, **params: Any) -> Any:
        """The body of an answer that must be good."""
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def headers(self, scope: Scope | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[scope]}"} if scope else {}


@pytest.fixture(scope="module")
def console(
    tmp_path_factory: pytest.TempPathFactory, site: Site, silent: Site
) -> Iterator[Console]:
    made = Console(tmp_path_factory.mktemp("console"), site, silent)
    yield made
    made.close()


@pytest.fixture
def make_console(tmp_path: Path, site: Site) -> Iterator[Callable[..., Console]]:
    """A console of its own over `site`, with its own sections."""

    made = []

    def make(**sections: Any) -> Console:
        if "rate" in sections:
            sections["rate"] = {"path": tmp_path / "own-rate.db", **sections["rate"]}
        made.append(Console(tmp_path, site, **sections))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(name="free_port")
def a_free_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def make_site() -> type[Site]:
    return Site


@pytest.fixture(scope="session")
def console_over() -> Callable[..., Iterator[Console]]:
    """A console over some sites, for a fixture to yield from."""

    def made(folder: Path, *sites: Site, **sections: Any) -> Iterator[Console]:
        console = Console(folder, *sites, **sections)
        yield console
        console.close()

    return made
