"""A lot whose broker, gateway, agents and displays stand on test hosts of their own.

Real processes, and a real mosquitto; only the sensors are invented, and the wires are those of
`simulator.namespaces`. Times of stays are seconds on the machine's monotonic clock.
"""

import json
import random
import shutil
import socket
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from contract.topics import Topics
from gateway.ask import ask
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator import namespaces
from simulator.namespaces import Host, Network
from simulator.processes import Child, NotReady

LOT = "lot-1"
PORT = 1883
GATE, DISPLAY, STRANGER = "gate", "display", "stranger"
KEEPALIVE_S = 5
HEARTBEAT_S = 2.0
OFFLINE_S = 6.0
FLOOR_MM = 2500.0
STAY_S = (5.0, 8.0)
"""Stays and gaps: a simulated vehicle moves for up to 4 s, in and out."""
READY_S = 20.0
LARGEST_PACKET = 400_000

BROKER = """\
listener {port} {address}
allow_anonymous true
set_tcp_nodelay true
persistence false
max_inflight_messages 200
max_queued_messages 10000
max_packet_size {largest}
"""
AGENT = """\
agent_id = "{agent_id}"
lot_id = "{lot}"
clock = "always"
[mqtt]
host = "{broker}"
port = {port}
keepalive_s = {keepalive}
reconnect_min_s = 0.3
reconnect_max_s = 2.0
[spool]
path = "{path}"
[publish]
heartbeat_s = {heartbeat}
jitter_s = 0.5
"""
SPOT = """\
[[spots]]
spot_id = "{spot_id}"
sample_s = 0.2
sensor = {{ kind = "simulated", seed = {seed}, floor_mm = {floor}, sessions = {sessions} }}
detector = {{ kind = "ranging", floor_mm = {floor}, dwell_on_s = 0.5, dwell_off_s = 0.5 }}
"""
GATEWAY = """\
facility_id = "simulated"
lot_id = "{lot}"
clock = "always"
[mqtt]
host = "{broker}"
port = {port}
keepalive_s = {keepalive}
reconnect_min_s = 0.3
reconnect_max_s = 2.0
[store]
path = "{folder}/gateway.db"
[presence]
heartbeat_s = {heartbeat}
offline_after_s = {offline}
[metrics]
port = 0
[[zones]]
zone_id = "A"
[[sinks]]
name = "disk"
kind = "file"
path = "{folder}/sink"
"""

Interval = tuple[float, float]
Bays = Mapping[str, Sequence[Interval]]
"""The stays in each of an agent's bays."""


def missing() -> str:
    """Why there can be no such lot here, "" where there can."""
    if not shutil.which("mosquitto", path=namespaces.PATH):
        return "mosquitto is not installed: apt-get install mosquitto"
    return namespaces.missing()


def stays(seed: str, begin_s: float, end_s: float) -> list[Interval]:
    """Stays of one bay from `begin_s` on; the last one has left by `end_s`."""
    rng = random.Random(seed)
    found: list[Interval] = []
    arrival_s = begin_s + rng.uniform(0, STAY_S[0])
    while (departure_s := arrival_s + rng.uniform(*STAY_S)) < end_s:
        found.append((arrival_s, departure_s))
        arrival_s = departure_s + rng.uniform(*STAY_S)
    return found


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came to a watcher, and when."""

    at_s: float
    topic: str
    payload: bytes
    retained: bool

    @property
    def body(self) -> Any:
        """What it says."""
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True)
class Told:
    """A record in the words that an agent and a sink share."""

    seq: int
    spot_id: str | None
    status: str | None


def _told(seq: int, body: Mapping[str, Any]) -> Told:
    status = body.get("status")
    return Told(seq, body.get("spot_id"), "free" if status == "vacant" else status)


class Watcher:
    """A client that keeps what it hears, for tests to wait for."""

    def __init__(self, host: Host, broker: str, *filters: str) -> None:
        self.heard: list[Heard] = []
        self.filters = filters
        self._news = threading.Condition()
        self._connected = threading.Event()
        settings = MqttSettings(
            host=broker, port=PORT, keepalive_s=KEEPALIVE_S, reconnect_min_s=0.2, reconnect_max_s=1
        )
        handlers = Handlers(message=self._take, connected=self._subscribe)
        self.link = Link(settings, f"watcher-{uuid.uuid4().hex[:8]}", handlers, clean=True)
        with host.entered():
            self.link.start()
        if not self._connected.wait(READY_S):
            raise NotReady(f"no broker at {broker}:{PORT} for {host.name}")

    def close(self) -> None:
        """Disconnect."""
        self.link.stop()

    def await_sent(self) -> None:
        """Return when the broker has all that was published. Raises TimeoutError."""
        deadline_s = time.monotonic() + READY_S
        pause = threading.Event()
        while self.link.under_way:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self.link.under_way} messages without PUBACK")
            pause.wait(0.02)

    def _subscribe(self, session_present: bool) -> None:
        for each in self.filters:
            self.link.subscribe(each)
        self._connected.set()

    def _take(self, message: paho.MQTTMessage) -> None:
        with self._news:
            self.heard.append(
                Heard(time.monotonic(), message.topic, bytes(message.payload), message.retain)
            )
            self._news.notify_all()

    def first(self, true: Callable[[Heard], bool], timeout_s: float, since_s: float = 0) -> Heard:
        """The first message after `since_s` for which `true` holds. Raises TimeoutError."""
        deadline_s = time.monotonic() + timeout_s
        looked = 0
        with self._news:
            while True:
                for each in self.heard[looked:]:
                    looked += 1
                    if each.at_s > since_s and true(each):
                        return each
                if not self._news.wait(max(deadline_s - time.monotonic(), 0)):
                    raise TimeoutError(f"nothing such in {timeout_s} s, of {len(self.heard)} heard")


def peak_mb(child: Child) -> float:
    """The most memory that a process had resident, in MB. Raises OSError where it has ended."""
    status = Path(f"/proc/{child.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class NetLot:
    """A gateway's host with the broker, a host an agent, a display's and a stranger's."""

    def __init__(self, folder: Path, agents: Mapping[str, Bays]) -> None:
        self.folder = folder
        self.bays = agents
        self.topics = Topics(LOT)
        self.network = Network([GATE, *agents, DISPLAY, STRANGER])
        self.hosts = self.network.hosts
        self.address = self.hosts[GATE].address
        self.mqtt = MqttSettings(host=self.address, port=PORT, keepalive_s=KEEPALIVE_S)
        self.broker = self._broker()
        self.gateway = self._lotkeeper(GATE, "gateway", self._gateway_toml())
        self.agents = {name: self.agent(name, name, bays) for name, bays in agents.items()}
        self._watchers: list[Watcher] = []

    def start(self, *names: str) -> None:
        """Start the broker, the gateway and these agents, or all. Raises NotReady."""
        self.open()
        for name in names or self.agents:
            self.agents[name].start()

    def open(self) -> None:
        """Start the broker and the gateway. Raises NotReady."""
        self.broker.start()
        self.await_broker()
        self.gateway.start()
        health = self.watcher(self.topics.gateway_health)
        health.first(lambda each: each.body["status"] == "up", READY_S)

    def close(self) -> None:
        """End every process and every host, whatever state they are in."""
        for watcher in self._watchers:
            watcher.close()
        for each in (*self.agents.values(), self.gateway, self.broker):
            each.kill()
        self.network.close()

    def watcher(self, *filters: str, host: str = DISPLAY) -> Watcher:
        """A client at a host that hears these topics."""
        made = Watcher(self.hosts[host], self.address, *filters)
        self._watchers.append(made)
        return made

    def agent(self, host: str, agent_id: str, bays: Bays, name: str = "") -> Child:
        """An agent process, not started, at a host; `name` is that of its files."""
        path = self.folder / f"{name or agent_id}.toml"
        text = AGENT.format(
            agent_id=agent_id,
            lot=LOT,
            broker=self.address,
            port=PORT,
            keepalive=KEEPALIVE_S,
            path=path.with_suffix(".db"),
            heartbeat=HEARTBEAT_S,
        )
        for number, (spot_id, intervals) in enumerate(bays.items()):
            sessions = json.dumps([list(each) for each in intervals])
            text += SPOT.format(spot_id=spot_id, seed=number, floor=FLOOR_MM, sessions=sessions)
        path.write_text(text)
        return self._lotkeeper(host, "agent", path)

    def status(self) -> dict[str, Any]:
        """The gateway's account, asked for from the display's host. Raises NoAnswer."""
        with self.hosts[DISPLAY].entered():
            return ask(self.mqtt, LOT, "status", {}, READY_S).data or {}

    def await_settled(self, timeout_s: float) -> None:
        """Return when each agent's last record is committed and at the sink. Raises TimeoutError"""

        @retry(
            retry=retry_if_exception_type(TimeoutError),
            stop=stop_after_delay(timeout_s),
            wait=wait_fixed(0.2),
            reraise=True,
        )
        def look() -> None:
            sunk = {(each["agent_id"], each["seq"]) for each in self.sunk()}
            for name in self.agents:
                last = self.committed(name)[-1].seq
                if (name, last) not in sunk:
                    raise TimeoutError(f"{name}: record {last} is not at the sink")

        look()

    def committed(self, name: str) -> list[Told]:
        """What an agent's store holds, in its order."""
        path = self.folder / f"{name}.db"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            rows = database.execute("SELECT seq, payload FROM spool ORDER BY seq").fetchall()
        return [_told(seq, json.loads(payload)) for seq, payload in rows]

    def sunk(self) -> Iterator[dict[str, Any]]:
        """What the sink holds in its order: without snapshots, and the gateway's own words."""
        for path in sorted((self.folder / "sink").glob("*")):
            for line in path.read_bytes().split(b"\n")[:-1]:
                record = json.loads(line)
                if record["event_type"] != "SNAPSHOT" and "told_by" not in record:
                    yield record

    def sunk_of(self, name: str) -> list[Told]:
        """The same of an agent's records as the sink holds them."""
        return [_told(each["seq"], each) for each in self.sunk() if each["agent_id"] == name]

    def _broker(self) -> Child:
        program = shutil.which("mosquitto", path=namespaces.PATH)
        assert program
        path = self.folder / "mosquitto.conf"
        path.write_text(BROKER.format(port=PORT, address=self.address, largest=LARGEST_PACKET))
        return self._at(GATE, "broker", [program, "-c", str(path)])

    @retry(
        retry=retry_if_exception_type(OSError),
        stop=stop_after_delay(READY_S),
        wait=wait_fixed(0.02),
        reraise=True,
    )
    def await_broker(self) -> None:
        """Return when the broker listens."""
        with self.hosts[GATE].entered():
            socket.create_connection((self.address, PORT), 1).close()

    def _gateway_toml(self) -> Path:
        path = self.folder / "gateway.toml"
        text = GATEWAY.format(
            lot=LOT,
            broker=self.address,
            port=PORT,
            keepalive=KEEPALIVE_S,
            folder=self.folder,
            heartbeat=HEARTBEAT_S,
            offline=OFFLINE_S,
        )
        for agent_id, bays in self.bays.items():
            for bay in bays:
                text += f'[[spots]]\nspot_id = "{bay}"\nzone_id = "A"\nagent_id = "{agent_id}"\n'
        path.write_text(text)
        return path

    def _lotkeeper(self, host: str, role: str, config: Path) -> Child:
        command = [sys.executable, "-m", "lotkeeper", role, "run", "-c", str(config)]
        return self._at(host, config.stem, command)

    def _at(self, host: str, name: str, command: list[str]) -> Child:
        return Child(name, self.hosts[host].command(command), self.folder)
