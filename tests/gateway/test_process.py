"""The gateway as a process: killed and started again it loses and doubles nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.testing import changed
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.processes import free_port

PATIENCE_S = 20.0


def lotkeeper(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "lotkeeper", "gateway", *map(str, arguments)]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(lotkeeper(*arguments), capture_output=True, text=True, timeout=30)


class Lot:
    """A gateway process with a file sink on the shared broker."""

    def __init__(self, folder: Path, broker: tuple[str, int]) -> None:
        self.folder = folder
        self.lot_id = f"lot-{uuid.uuid4().hex[:8]}"
        self.metrics_port = free_port()
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'facility_id = "f1"\nlot_id = "{self.lot_id}"\nclock = "always"\n'
            f'[mqtt]\nport = {broker[1]}\nprotocol = "3.1.1"\nreconnect_min_s = 0.1\n'
            f'[store]\npath = "{folder}/gateway.db"\n[metrics]\nport = {self.metrics_port}\n'
            '[[zones]]\nzone_id = "A"\n[[spots]]\nspot_id = "A1"\nzone_id = "A"\n'
            f'[[sinks]]\nname = "disk"\nkind = "file"\npath = "{folder}/sink"\n'
        )
        settings = {"port": broker[1], "protocol": "3.1.1"}
        handlers = Handlers(message=self._hear, connected=self._subscribe)
        self.link = Link(
            MqttSettings.model_validate(settings), f"w-{self.lot_id}", handlers, clean=True
        )
        self.sessions: set[str] = set()
        self._news = threading.Condition()
        self.link.start()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            lotkeeper("run", "-c", self.config), stderr=subprocess.DEVNULL
        )
        with self._news:
            known = len(self.sessions)
            assert self._news.wait_for(lambda: len(self.sessions) > known, PATIENCE_S)

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(f"parking/v1/{self.lot_id}/gateway/health")

    def _hear(self, message: Any) -> None:
        health = json.loads(message.payload)
        if health["status"] == "up":
            with self._news:
                self.sessions.add(health["session_id"])
                self._news.notify_all()

    def end(self, number: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def say(self, record: dict[str, Any]) -> None:
        topic = f"parking/v1/{self.lot_id}/agents/pi-1/events"
        self.link.publish(topic, json.dumps(record).encode())

    def lines(self) -> list[dict[str, Any]]:
        """What the sink holds, without snapshots."""
        return [
            json.loads(line)
            for path in sorted((self.folder / "sink").glob("*"))
            for line in path.read_bytes().split(b"\n")[:-1]
            if b"SNAPSHOT" not in line
        ]

    def sunk(self) -> list[int]:
        return [each["seq"] for each in self.lines() if "told_by" not in each]

    def said(self) -> set[str]:
        """What the gateway itself said."""
        return {each["event_type"] for each in self.lines() if "told_by" in each}

    def await_sunk(self, count: int) -> None:
        self.until(lambda: len(self.sunk()) >= count)

    def until(self, true: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while not true():
            assert time.monotonic() < deadline_s, self.lines()
            pause.wait(0.05)


@pytest.fixture
def lot(tmp_path: Path, broker: tuple[str, int]) -> Iterator[Lot]:
    made = Lot(tmp_path, broker)
    made.start()
    yield made
    if made.process and made.process.poll() is None:
        made.end(signal.SIGKILL)
    made.link.stop()


def record(seq: int) -> dict[str, Any]:
    status = "occupied" if seq % 2 else "free"
    return changed(seq, status, timestamp=datetime.now(UTC).isoformat())


def test_killed_again_and_again_it_has_each_record_once_and_in_order(lot: Lot) -> None:
    sent = 0
    for _ in range(4):
        for _ in range(50):
            sent += 1
            lot.say(record(sent))
        lot.await_sunk(sent - 40)
        lot.end(signal.SIGKILL)
        lot.start()
        for seq in range(max(sent - 60, 1), sent + 1):  # as an agent does without an ack
            lot.say(record(seq))
    lot.await_sunk(sent)
    assert lot.sunk() == list(range(1, sent + 1))
    assert lot.end(signal.SIGTERM) == 0


def test_the_commands_tell_of_a_running_lot(lot: Lot) -> None:
    lot.say(record(1))
    lot.say(changed(2, spot_id="Z9"))
    lot.until(lambda: lot.said() == {"AGENT_HEARD", "GATEWAY_HEALTH"})
    status = run("status", "-c", lot.config)
    assert status.returncode == 0
    assert "2 delivered, 0 waiting" in status.stdout
    account = json.loads(run("status", "-c", lot.config, "--json").stdout)
    assert account["accepted"] == {"pi-1": 2}
    assert account["sinks"]["disk"]["balanced"]
    assert "1 occupied" in run("occupancy", "-c", lot.config).stdout
    listed = json.loads(run("dead-letters", "list", "-c", lot.config, "--json").stdout)
    assert [each["reason"] for each in listed] == ["unknown_spot"]
    number = listed[0]["id"]
    assert "Z9" in run("dead-letters", "show", number, "-c", lot.config).stdout
    assert run("dead-letters", "drop", number, "--yes", "-c", lot.config).returncode == 0
    again = run("dead-letters", "drop", number, "--yes", "-c", lot.config)
    assert again.returncode == 1
    assert "no such dead letter" in again.stderr
    with urllib.request.urlopen(f"http://127.0.0.1:{lot.metrics_port}/metrics") as page:
        assert b'lotkeeper_sink_records{sink="disk",where="delivered"} 2.0' in page.read()


def test_a_lot_that_does_not_run_is_told_so(lot: Lot) -> None:
    lot.end(signal.SIGTERM)
    told = run("status", "-c", lot.config)
    assert told.returncode == 1
    assert "is it running?" in told.stderr


BAD = [
    ('zone_id = "A"\n[[spots]]', 'zone_id = "B"\n[[spots]]', "zones that are not listed: A"),
    ('kind = "file"', 'kind = "fax"', "unknown sink kind 'fax'"),
    ('facility_id = "f1"', "", "facility_id is missing"),
    ('name = "disk"', 'name = "my disk"', "sinks.0.name = 'my disk'"),
]


@pytest.mark.parametrize(("good", "bad", "told"), BAD)
def test_a_bad_configuration_names_key_and_mend(
    tmp_path: Path, broker: tuple[str, int], good: str, bad: str, told: str
) -> None:
    lot = Lot(tmp_path, broker)
    lot.link.stop()
    lot.config.write_text(lot.config.read_text().replace(good, bad))
    for verb in ("validate", "run"):
        done = run(verb, "-c", lot.config)
        assert done.returncode == 2, done.stderr
        assert told in done.stderr
        assert os.fspath(lot.config) in done.stderr
