"""A broker, a gateway and an agent, each a process, for tests of what goes between them."""

import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from agent.remote import kept_path, read
from agent.trial import Kept
from gateway.ask import NoAnswer, ask
from gateway.cli import app
from runtime.mqtt import MqttSettings
from simulator import processes
from simulator.processes import Child, free_port

PATIENCE_S = 40.0
AGENT = """
agent_id = "pi-1"
lot_id = "lot-1"
clock = "always"
[mqtt]
port = {port}
protocol = "{protocol}"
reconnect_min_s = 0.1
reconnect_max_s = 0.5
[spool]
path = "{folder}/agent.db"
[publish]
heartbeat_s = 0.5
jitter_s = 0
[[spots]]
spot_id = "A1"
sample_s = 0.1
sensor = {{ kind = "simulated", sessions = [] }}
detector = {{ kind = "ranging", floor_mm = 2500, dwell_on_s = 0.5, dwell_off_s = 0.5 }}
"""
GATEWAY = """
facility_id = "f"
lot_id = "lot-1"
clock = "always"
[mqtt]
port = {port}
protocol = "{protocol}"
reconnect_min_s = 0.1
reconnect_max_s = 0.5
[store]
path = "{folder}/gateway.db"
[metrics]
port = 0
[[zones]]
zone_id = "A"
[[spots]]
spot_id = "A1"
zone_id = "A"
agent_id = "pi-1"
[[spots]]
spot_id = "A2"
zone_id = "A"
agent_id = "pi-1"
[[spots]]
spot_id = "B1"
zone_id = "A"
agent_id = "pi-2"
"""


def spot(spot_id: str, sample_s: float = 0.1, **sensor: Any) -> dict[str, Any]:
    """One that confirms soon."""
    return {
        "spot_id": spot_id,
        "sample_s": sample_s,
        "sensor": {"kind": "simulated", "sessions": [], **sensor},
        "detector": {"kind": "ranging", "floor_mm": 2500, "dwell_on_s": 0.5, "dwell_off_s": 0.5},
    }


PARKED = {"sessions": [[0, 1e12]]}
GOOD = {"spots": [spot("A1"), spot("A2", **PARKED)]}
DEAD = {"spots": [spot("A1"), spot("A2", fault="dead")]}


class Town:
    """A broker, a gateway and an agent, each a process."""

    def __init__(self, kind: processes.BrokerKind, folder: Path) -> None:
        self.folder = folder
        port = free_port()
        protocol = "5" if kind == "mosquitto" else "3.1.1"
        for name, text in (("agent", AGENT), ("gateway", GATEWAY)):
            filled = text.format(port=port, protocol=protocol, folder=folder)
            (folder / f"{name}.toml").write_text(filled)
        self.mqtt = MqttSettings.model_validate({"port": port, "protocol": protocol})
        self.broker = processes.broker(kind, folder, port)
        self.gateway = processes.gateway(folder / "gateway.toml", folder)
        command = ["-m", "lotkeeper", "agent", "run", "-c", str(folder / "agent.toml")]
        self.agent = Child("agent", [sys.executable, *command], folder)

    def start(self) -> None:
        for each in (self.broker, self.gateway, self.agent):
            each.start()
        self.ask("ping", timeout_s=1.0)  # what is asked before it listens is lost
        self.until(lambda: self.status("A1") == "free")

    def stop(self) -> None:
        for each in (self.agent, self.gateway, self.broker):
            each.stop()

    def ask(self, name: str, timeout_s: float = 5.0, **data: Any) -> dict[str, Any]:
        """What the gateway answers, asked again while it does not."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                response = ask(self.mqtt, "lot-1", name, data, timeout_s)
                break
            except NoAnswer:
                assert time.monotonic() < deadline_s
        assert response.status == "ok", response.error
        return response.data or {}

    def refusal(self, name: str, **data: Any) -> str:
        response = ask(self.mqtt, "lot-1", name, data, 30)
        assert response.status == "error"
        return response.error or ""

    def desire(self, config: dict[str, Any], trial_s: float = 20.0) -> str:
        made = self.ask("config-set", agent_id="pi-1", config=config, trial_s=trial_s)
        return str(made["revision"])

    def state(self, revision: str) -> dict[str, Any]:
        return self.ask("config-show", agent_id="pi-1", revision=revision)

    def ends(self, revision: str) -> dict[str, Any]:
        """What became of it, once something has."""
        self.until(lambda: self.state(revision)["state"] not in ("sent", "trial"))
        return self.state(revision)

    def status(self, spot_id: str) -> str:
        return self.spot(spot_id)["status"]

    def spot(self, spot_id: str) -> Any:
        return next(s for s in self.ask("spots")["spots"] if s["spot_id"] == spot_id)

    @property
    def kept(self) -> Kept:
        return read(kept_path(self.folder / "agent.db"))

    def epoch_and_seqs(self) -> tuple[str, list[int]]:
        with sqlite3.connect(f"file:{self.folder / 'agent.db'}?mode=ro", uri=True) as database:
            (epoch,) = database.execute("SELECT value FROM agent WHERE name='epoch'").fetchone()
            rows = database.execute("SELECT seq FROM spool ORDER BY seq").fetchall()
        return epoch, [row[0] for row in rows]

    def until(self, true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for a state of other processes, which offer no event; the agent is kept alive."""
        deadline_s = time.monotonic() + patience_s
        pause = threading.Event()
        while not true():
            assert time.monotonic() < deadline_s, (self.folder / "agent.log").read_text()[-3000:]
            if not self.agent.running:
                self.agent.start()
            pause.wait(0.05)

    def cli(self, *words: str) -> Result:
        config = ["-c", str(self.folder / "gateway.toml")]
        return CliRunner().invoke(app, [*words, *config], catch_exceptions=False)


def log_of(town: Town) -> str:
    return (town.folder / "agent.log").read_text()


def soon(true: Callable[[], bool]) -> None:
    """Wait for what lasts a moment only; nobody is kept alive meanwhile."""
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.002)
