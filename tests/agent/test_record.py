"""Sensors are recorded as they are read, and a person's keys beside them."""

import io
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from agent.config import AgentSettings
from agent.record import record
from agent.tools.sensors import UnknownSpot
from drivers import Quality
from drivers._recording import Happened, by_sensor, readings, truth

REPO = Path(__file__).resolve().parents[2]
SPEED = 20
"""Clock seconds a second. Waits are real seconds, so a sensor is read each SPEED * sample_s."""


class Terminal:
    """Both ends of a terminal, and a fast clock that presses a key when its time has come."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        self.keys: TextIO = os.fdopen(theirs)
        self.script: list[tuple[float, str]] = []
        self.said: list[str] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        now_s = 1000 + SPEED * (time.monotonic() - BEGAN_S)
        with self._lock:
            while self.script and self.script[0][0] <= now_s:
                os.write(self.ours, self.script.pop(0)[1].encode())
        return now_s

    def press(self, after_s: float, key: str) -> None:
        """Press a key so many clock seconds from now."""
        self.script.append((self.monotonic() + after_s, key))


BEGAN_S = time.monotonic()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.keys.close()
    os.close(made.ours)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "day.csv"


def spot(name: str, **sensor: Any) -> dict[str, Any]:
    return {"spot_id": name, "sample_s": 0.2, "sensor": {"kind": "simulated", **sensor}}


def settings(*spots: dict[str, Any], lanes: Any = ()) -> AgentSettings:
    return AgentSettings.model_validate(
        {"agent_id": "pi", "lot_id": "lot", "spots": spots, "lanes": list(lanes)}
    )


LANE = {
    "lane_id": "entry",
    "sample_s": 0.2,
    "sensor": {"kind": "simulated", "sensor": "magnetic", "sessions": []},
}


def recorded(terminal: Terminal, out: Path, **options: Any) -> dict[str, int]:
    return record(
        options.pop("settings", settings(spot("A1", sessions=[]), lanes=[LANE])),
        out,
        keys=terminal.keys,
        say=terminal.said.append,
        monotonic=terminal.monotonic,
        **options,
    )


def test_every_sensor_is_recorded_until_the_time_is_over(terminal: Terminal, out: Path) -> None:
    counts = recorded(terminal, out, seconds=10)
    found = by_sensor(out)
    assert counts == {name: len(each) for name, each in found.items()}
    assert set(found) == {"A1", "entry"}
    assert {each.unit for each in found["entry"]} == {"mG"}
    assert all(len(each) >= 5 for each in found.values())
    assert found["A1"][-1].monotonic_s - found["A1"][0].monotonic_s <= 10.5


def test_keys_choose_and_tell(terminal: Terminal, out: Path) -> None:
    began_s = terminal.monotonic()
    for after_s, key in [(5, "a"), (10, "2"), (15, "p"), (20, "1d"), (30, "q")]:
        terminal.press(after_s, key)
    recorded(terminal, out)
    events = truth(out.with_name("day.truth.csv"))
    assert [each[1:] for each in events] == [
        ("A1", "arrival"),
        ("entry", "passage"),
        ("A1", "departure"),
    ]
    late_s = [at - began_s - due for (at, _, _), due in zip(events, (5, 15, 20), strict=True)]
    assert all(0 <= each < 10 for each in late_s)
    assert next(iter(by_sensor(out)["A1"])).monotonic_s < events[0].at_s
    assert "1 = A1, 2 = entry" in terminal.said[0]
    assert terminal.said[-1].endswith("3 events")


def test_a_key_that_tells_nothing_here_is_answered(terminal: Terminal, out: Path) -> None:
    terminal.press(1, "p9xq")
    recorded(terminal, out)
    assert terminal.said[1:4] == [
        "'p' tells nothing of A1: a = arrival, d = departure, q = end",
        "'9' tells nothing of A1: a = arrival, d = departure, q = end",
        "'x' tells nothing of A1: a = arrival, d = departure, q = end",
    ]
    assert not out.with_name("day.truth.csv").exists()
    assert "echo monotonic_s,sensor,event > " in terminal.said[-1]


def test_named_sensors_alone(terminal: Terminal, out: Path) -> None:
    recorded(terminal, out, sensors=["entry"], seconds=5)
    assert set(by_sensor(out)) == {"entry"}


def test_a_name_that_is_not_configured_makes_no_file(terminal: Terminal, out: Path) -> None:
    with pytest.raises(UnknownSpot, match=r"'entri' .* did you mean entry\?"):
        recorded(terminal, out, sensors=["entri"])
    assert not out.exists()


@pytest.mark.parametrize("name", ["day.csv", "day.truth.csv"])
def test_nothing_is_written_over(terminal: Terminal, out: Path, name: str) -> None:
    there = out.with_name(name)
    there.write_text("mine")
    with pytest.raises(FileExistsError, match=rf"{name} is there already: name another file"):
        recorded(terminal, out, seconds=1)
    assert there.read_text() == "mine"
    assert len(list(out.parent.iterdir())) == 1


def test_a_failed_poll_is_a_line_with_its_error(terminal: Terminal, out: Path) -> None:
    dead = settings(spot("A1", fault="dead"), spot("A2", fault="no_echo"))
    recorded(terminal, out, settings=dead, seconds=5)
    found = by_sensor(out)
    assert {(r.unit, r.quality, r.raw) for r in found["A1"]} == {
        ("mm", Quality.NO_DATA, "simulated sensor is dead")
    }
    assert {r.quality for r in found["A2"]} == {Quality.NO_ECHO}


def test_the_terminal_is_as_it_was(terminal: Terminal, out: Path) -> None:
    before = termios.tcgetattr(terminal.keys)
    recorded(terminal, out, seconds=1)
    assert termios.tcgetattr(terminal.keys) == before


@pytest.mark.parametrize("keys", [None, io.StringIO("aq")])
def test_without_a_terminal_nobody_is_asked(
    keys: TextIO | None, out: Path, terminal: Terminal
) -> None:
    said: list[str] = []
    config = settings(spot("A1", sessions=[]))
    record(config, out, [], 5, keys, said.append, terminal.monotonic)
    assert said[0] == f"recording A1 into {out}; Ctrl-C ends"
    assert by_sensor(out)["A1"]
    assert not out.with_name("day.truth.csv").exists()


PROGRAM = """
import sys
from pathlib import Path
from agent.config import AgentSettings
from agent.record import record
sensor = {"kind": "simulated", "sessions": []}
settings = AgentSettings.model_validate({
    "agent_id": "pi", "lot_id": "lot",
    "spots": [{"spot_id": "A1", "sample_s": 0.05, "sensor": sensor}],
})
record(settings, Path(sys.argv[1]), say=lambda text: print(text, flush=True))
"""


def test_control_c_ends_in_order(out: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(out)]
    with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("recording A1")
        until(lambda: len(list(readings(out))) >= 3)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert f"A1 {len(list(readings(out)))} readings" in rest


def until(true: Callable[[], bool]) -> None:
    """Files tell nobody when they grow, so look."""
    deadline_s = time.monotonic() + 20
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.02)


def test_a_truth_is_written_at_once(terminal: Terminal, out: Path) -> None:
    """So that a recorder that is killed keeps it."""
    seen: list[list[Happened]] = []
    file = out.with_name("day.truth.csv")
    terminal.press(1, "a")
    terminal.press(10, "q")

    def say(text: str) -> None:
        if "arrival" in text and file.exists():
            seen.append(truth(file))

    config = settings(spot("A1", sessions=[]))
    record(config, out, keys=terminal.keys, say=say, monotonic=terminal.monotonic)
    assert [each.event for each in seen[0]] == ["arrival"]
