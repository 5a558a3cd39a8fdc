"""Record a bay with keys for its truth, play the recording, score it: nothing gets lost between."""

import os
import pty
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from typer.testing import CliRunner

from agent.config import AgentSettings
from agent.record import record
from drivers import Reading
from drivers._recording import by_sensor
from drivers.replay import Config, Driver
from drivers.testing import ManualClock
from runtime.config import load
from score.cli import app

SPEED = 30
"""Clock seconds a second. Waits are real seconds, so a sensor is read each SPEED * sample_s."""
CONFIG = """
agent_id = "pi"
lot_id = "lot"
[[spots]]
spot_id = "A1"
sample_s = 0.02
sensor = {{ kind = "simulated", sessions = [[{arrival}, {departure}]] }}
detector = {{ kind = "ranging", floor_mm = 2500 }}
"""


class Person:
    """Watches a clock that runs fast, and presses a key when something happens."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        self.keys: TextIO = os.fdopen(theirs)
        self.due: list[tuple[float, bytes]] = []
        self._began_s = time.monotonic()
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        now_s = 500 + SPEED * (time.monotonic() - self._began_s)
        with self._lock:
            while self.due and self.due[0][0] <= now_s:
                os.write(self.ours, self.due.pop(0)[1])
        return now_s


@pytest.fixture
def person() -> Iterator[Person]:
    made = Person()
    yield made
    made.keys.close()
    os.close(made.ours)


@pytest.fixture
def config(tmp_path: Path, person: Person) -> Path:
    now_s = person.monotonic()
    arrival, departure = now_s + 25, now_s + 65
    person.due = [(arrival, b"a"), (departure, b"d"), (now_s + 100, b"q")]
    path = tmp_path / "agent.toml"
    path.write_text(CONFIG.format(arrival=arrival, departure=departure))
    return path


def played(path: Path) -> list[Reading]:
    clock = ManualClock(0.0)
    driver = Driver(Config(path=path, format="recording"), clock)
    driver.open()
    clock.sleep(1000)
    found = []
    while not driver.finished:
        found.append(driver.read())
    return found


def test_record_replay_score(tmp_path: Path, person: Person, config: Path) -> None:
    out = tmp_path / "day.csv"
    settings = load(config, AgentSettings)
    record(settings, out, keys=person.keys, say=lambda text: None, monotonic=person.monotonic)
    recorded = by_sensor(out)["A1"]
    assert [(r.value, r.quality, r.raw) for r in played(out)] == [
        (r.value, r.quality, r.raw) for r in recorded
    ]
    scored = CliRunner().invoke(app, [str(out), "--config", str(config)])
    assert scored.exit_code == 0, scored.output
    rows = {line.split()[0]: line.split()[1:6] for line in scored.output.splitlines() if line}
    assert rows["arrivals"] == rows["departures"] == ["1", "1", "0", "0", "0"]
