"""A desired configuration on a real agent, gateway and broker: applied, refused, rolled back.

The agent's process is started again when it is killed, as systemd would; nothing else restarts it.
"""

import json
import os
import sqlite3
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from agent.remote import kept_path, read
from agent.trial import MOST_STARTS, Kept
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


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    pytest.importorskip("iotcore", reason="needs the extra [demo]")
    made = Town("iotcore", tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_a_good_one_is_applied_and_the_store_goes_on(town: Town, tmp_path: Path) -> None:
    epoch, seqs = town.epoch_and_seqs()
    pid = town.agent.pid
    revision = town.desire(GOOD)
    found = town.ends(revision)
    assert (found["state"], found["reported"], found["drift"]) == ("applied", revision, False)
    town.until(lambda: town.status("A2") == "occupied")
    assert town.status("A1") == "free"
    assert town.agent.pid == pid
    assert town.agent.running
    epoch_after, seqs_after = town.epoch_and_seqs()
    assert epoch_after == epoch
    assert seqs_after[: len(seqs)] == seqs
    assert seqs_after == list(range(1, len(seqs_after) + 1))
    assert list(tmp_path.glob("agent.db.damaged*")) == []
    assert (town.kept.good, town.kept.trial) == (
        town.kept.good and town.kept.good.model_copy(),
        None,
    )


def test_what_an_agent_refuses_is_named_and_changes_nothing(town: Town) -> None:
    pid, seqs = town.agent.pid, town.epoch_and_seqs()
    bad = spot("A1")
    bad["detector"]["dwell_on_s"] = -1
    found = town.ends(town.desire({"spots": [bad]}))
    assert found["state"] == "refused"
    assert "spots.0.detector.ranging.dwell_on_s = -1" in found["reason"]
    assert found["reported"] is None
    assert found["drift"]
    assert (town.agent.pid, town.epoch_and_seqs()) == (pid, seqs)


REFUSED = [
    ({"mqtt": {"host": "evil"}}, "config.mqtt is not changed from afar: a wrong broker"),
    ({"spool": {"path": "/x"}}, "config.spool is not changed from afar: the store is never moved"),
    ({"agent_id": "pi-9"}, "config.agent_id is not changed from afar"),
    ({"spots": [spot("Z9")]}, "config.spots.0.spot_id = 'Z9': not in the lot's layout"),
    ({"spots": [spot("B1")]}, "config.spots.0.spot_id = 'B1': the layout gives it to pi-2"),
]


def test_what_the_gateway_refuses_is_named(town: Town) -> None:
    for config, told in REFUSED:
        assert told in town.refusal("config-set", agent_id="pi-1", config=config)
    assert "there are pi-1, pi-2" in town.refusal("config-set", agent_id="pi-7", config={})
    assert "trial_s = 1" in town.refusal("config-set", agent_id="pi-1", config={}, trial_s=1)
    assert town.kept == Kept()


def test_a_sensor_that_never_answers_is_rolled_back(town: Town) -> None:
    first = town.desire(GOOD)
    town.ends(first)
    found = town.ends(town.desire(DEAD, trial_s=5))
    assert (found["state"], found["reason"]) == ("rolled_back", "no reading of A2 within 5 s")
    assert found["reported"] == first
    town.until(lambda: town.status("A2") == "occupied")
    assert town.kept.trial is None


def test_a_sensor_that_was_dead_before_is_not_waited_for(town: Town) -> None:
    """Or nothing could be mended while another sensor is broken."""
    dead = spot("A2", fault="dead")
    kept = {"good": {"transaction": "1", "revision": "1-x", "config": DEAD}}
    town.agent.stop()
    kept_path(town.folder / "agent.db").write_text(json.dumps(kept))
    town.agent.start()
    town.until(lambda: town.ask("config-list")["agents"][0]["reported"] == "1-x")
    found = town.ends(town.desire({"spots": [spot("A1", **PARKED), dead]}))
    assert found["state"] == "applied"


def test_a_link_that_never_returns_is_rolled_back_and_told_when_it_does(town: Town) -> None:
    revision = town.desire(GOOD, trial_s=6)
    town.until(lambda: town.kept.trial is not None)
    town.broker.kill()
    town.until(lambda: town.kept.last is not None)
    assert town.kept.last
    assert town.kept.last.reason == "no acknowledgement of the gateway within 6 s"
    town.broker.start()
    found = town.ends(revision)
    assert (found["state"], found["reported"]) == ("rolled_back", None)
    assert town.status("A1") == "free"


def test_two_quickly_one_after_the_other(town: Town) -> None:
    first = town.desire(DEAD, trial_s=60)
    second = town.desire(GOOD)
    assert town.ends(second)["state"] == "applied"
    assert town.state(first)["state"] == "superseded"
    assert town.kept.good
    assert town.kept.good.revision == second


def test_the_same_again_is_applied_without_a_start_and_a_failed_one_is_not_tried_again(
    town: Town,
) -> None:
    town.ends(town.desire(GOOD))
    starts = log_of(town).count("watching 2 sensors")
    again = town.ends(town.desire(GOOD))
    assert again["state"] == "applied"
    assert log_of(town).count("watching 2 sensors") == starts
    failed = town.desire(DEAD, trial_s=5)
    assert town.ends(failed)["state"] == "rolled_back"
    tried = log_of(town).count("is to be tried")
    town.agent.kill()  # it reads the retained command again
    town.until(lambda: town.agent.running)
    reborn = log_of(town).count("connected to broker")
    town.until(lambda: log_of(town).count("connected to broker") > reborn)
    town.until(lambda: town.ask("agent-report", agent_id="pi-1")["config_tried"] == failed)
    assert log_of(town).count("is to be tried") == tried
    assert town.state(failed)["state"] == "rolled_back"


def log_of(town: Town) -> str:
    return (town.folder / "agent.log").read_text()


STAGES: dict[str, Callable[[Town], bool]] = {
    "staged": lambda town: town.kept.trial is not None,
    "started": lambda town: town.kept.starts == 1,
    "applied": lambda town: town.kept.good is not None,
}


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_a_stage_it_goes_on_where_it_was(town: Town, stage: str) -> None:
    revision = town.desire(GOOD)
    fast_until(lambda: STAGES[stage](town))
    town.agent.kill()
    found = town.ends(revision)
    assert found["state"] == "applied"
    town.until(lambda: town.status("A2") == "occupied")


def test_killed_before_it_read_the_command_it_reads_it_later(town: Town) -> None:
    town.agent.kill()
    revision = town.desire(GOOD)
    assert town.state(revision)["state"] == "sent"
    assert town.ends(revision)["state"] == "applied"


def test_killed_as_it_rolls_back_it_is_rolled_back(town: Town) -> None:
    revision = town.desire(DEAD, trial_s=5)
    town.until(lambda: town.kept.trial is not None)
    fast_until(lambda: town.kept.last is not None)
    town.agent.kill()
    assert town.ends(revision)["state"] == "rolled_back"
    assert town.status("A1") == "free"


def test_what_is_killed_at_every_start_is_rolled_back(town: Town) -> None:
    revision = town.desire(GOOD, trial_s=60)
    for start in range(1, MOST_STARTS + 1):
        fast_until(lambda start=start: town.kept.starts == start)
        town.agent.kill()
        town.agent.start()
    found = town.ends(revision)
    assert found["state"] == "rolled_back"
    assert found["reason"] == f"it was not confirmed in {MOST_STARTS} starts"
    assert town.status("A1") == "free"


def fast_until(true: Callable[[], bool]) -> None:
    """What lasts a moment only is looked for without a pause."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s
        os.sched_yield()


def test_a_spot_that_is_taken_away_is_unknown(town: Town) -> None:
    town.ends(town.desire(GOOD))
    town.until(lambda: town.status("A2") == "occupied")
    town.ends(town.desire({"spots": [spot("A1")]}))
    town.until(lambda: town.status("A2") == "unknown")
    assert town.spot("A2")["reason"] == "unconfigured"


@pytest.fixture
def grown(tmp_path: Path, mosquitto: object) -> Iterator[Town]:
    """One with a real mosquitto and MQTT 5; the fixture mosquitto skips where there is none."""
    made = Town("mosquitto", tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_commands_configure_it(grown: Town, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.toml"
    wanted.write_text(
        '[[spots]]\nspot_id = "A1"\nsample_s = 0.1\n'
        "sensor = { kind = 'simulated', sessions = [] }\n"
        "[spots.detector]\nkind = 'ranging'\ndwell_on_s = 0.5\ndwell_off_s = 0.5\n"
    )
    done = grown.cli("configure", "pi-1", str(wanted), "--trial", "20", "--wait")
    assert done.exit_code == 0, done.output
    assert "of pi-1: applied" in done.stdout
    listed = json.loads(grown.cli("config", "list", "--json").stdout)["agents"]
    assert [each["drift"] for each in listed] == [False, False]
    shown = grown.cli("config", "show", "pi-1")
    assert "applied" in shown.stdout
    again = tomllib.loads(shown.stdout[shown.stdout.index("#") :])
    assert again == tomllib.loads(wanted.read_text())
    wanted.write_text("[mqtt]\nport = 1\n")
    done = grown.cli("configure", "pi-1", str(wanted))
    assert done.exit_code == 1
    assert "config.mqtt is not changed from afar" in done.stderr
    assert grown.cli("configure", "pi-1", str(tmp_path / "absent.toml")).exit_code == 2
    done = grown.cli("config", "clear", "pi-1", "--wait", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["config"] == {}


def test_the_commands_ask_it(grown: Town) -> None:
    done = grown.cli("recalibrate", "pi-1", "A1", "--seconds", "3", "--json")
    assert done.exit_code == 0, done.output
    assert abs(json.loads(done.stdout)["sensors"][0]["floor_mm"] - 2500) < 20
    done = grown.cli("identify", "pi-1", "A1", "--seconds", "2")
    assert done.exit_code == 1
    assert "A1 did not react; its status is free" in done.stdout
    done = grown.cli("identify", "pi-1", "A9", "--seconds", "2")
    assert "spot_id = 'A9': this agent has A1" in done.stderr
    grown.agent.stop()
    done = grown.cli("recalibrate", "pi-1", "A1")
    assert (done.exit_code, "pi-1 is not there to be asked: agent_offline" in done.stderr) == (
        1,
        True,
    )
    grown.gateway.stop()
    assert "only a running gateway can ask" in grown.cli("identify", "pi-1", "A1").stderr
