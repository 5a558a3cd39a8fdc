"""The verbs as an installer runs them: in a pipe, and on a terminal."""

import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest

CONFIG = """
agent_id = "pi-1"
lot_id = "lot-1"
[mqtt]
port = 1
[spool]
path = "{folder}/agent.db"
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated", sessions = [] }}
sample_s = 0.05
[[spots]]
spot_id = "A2"
sensor = {{ kind = "simulated", sensor = "magnetic", sessions = [], invalid_rate = 0 }}
detector = {{ kind = "magnetic" }}
sample_s = 0.05
[[spots]]
spot_id = "R1"
sensor = {{ kind = "replay", path = "{folder}/visit.txt", format = "distance_mm", rate_hz = 20 }}
sample_s = 0.05
"""
EMPTY, CAR = [2500, 2502, 2498, 2501], [1000, 1003, 998]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    visit = EMPTY * 6 + CAR * 40
    (tmp_path / "visit.txt").write_text("\n".join(map(str, visit)))
    path = tmp_path / "agent.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def command(verb: str, config: Path, *arguments: object) -> list[str]:
    words = ["agent", verb, "-c", config, *arguments]
    return [sys.executable, "-m", "lotkeeper", *map(str, words)]


def run(verb: str, config: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(verb, config, *arguments), capture_output=True, text=True, timeout=30
    )


def kept(config: Path, name: str) -> dict[str, Any]:
    from agent.tools.kept import kept_state

    return kept_state(config.parent / "agent.db", name) or {}


@pytest.fixture
def running_agent(config: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command("run", config), stderr=subprocess.PIPE)
    assert process.stderr
    while b"watching" not in process.stderr.readline():
        assert process.poll() is None
    yield process
    process.terminate()
    process.communicate(timeout=20)


class TestPiped:
    def test_check_says_what_each_sensor_says(self, config: Path) -> None:
        done = run("check", config, "--json", "--seconds", 0.5)
        assert done.returncode == 0
        told = json.loads(done.stdout)
        assert told["good"] is True
        assert [each["name"] for each in told["sensors"]] == ["A1", "A2", "R1"]
        assert told["sensors"][0]["value"] == pytest.approx(2500, abs=15)
        assert told["sensors"][1]["noise"] == pytest.approx(1.5, abs=1.2)

    def test_check_shows_a_table_without_colours(self, config: Path) -> None:
        done = run("check", config, "--seconds", 0.2)
        assert "all good" in done.stdout
        assert "\x1b[" not in done.stdout

    def test_check_fails_with_what_to_do(self, config: Path) -> None:
        config.write_text(config.read_text().replace("sessions = [] }", 'fault = "dead" }', 1))
        done = run("check", config, "--seconds", 0.2)
        assert done.returncode == 1
        assert "simulated sensor is dead" in done.stdout
        assert "set its fault to none" in done.stdout
        assert "1 to mend" in done.stdout

    def test_watch_prints_a_json_line_a_reading(self, config: Path) -> None:
        done = run("watch", config, "A1", "--json", "--seconds", 1)
        told = [json.loads(row) for row in done.stdout.splitlines()]
        assert done.returncode == 0
        assert len(told) > 10
        assert {each["name"] for each in told} == {"A1"}
        # The floor is learnt meanwhile, from ten readings.
        assert told[0]["rest"] is None
        assert told[-1]["rest"] == pytest.approx(2500, abs=15)

    @pytest.mark.parametrize(("verb", "spot"), [("watch", "A1"), ("identify", "R1")])
    def test_without_an_end_it_goes_on_until_interrupted(
        self, config: Path, verb: str, spot: str
    ) -> None:
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command(verb, config, spot), stdout=pipe, stderr=pipe, text=True
        ) as process:
            assert process.stdout
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, complaint = process.communicate(timeout=20)
        assert first.startswith(spot)
        assert process.returncode == 130
        assert complaint.strip() == ""

    def test_identify_names_what_reacts(self, config: Path) -> None:
        done = run("identify", config, "--json", "--seconds", 2.5)
        told = [json.loads(row) for row in done.stdout.splitlines()]
        assert [each["name"] for each in told] == ["R1"]
        assert done.returncode == 0

    def test_identify_tells_that_nothing_reacted(self, config: Path) -> None:
        done = run("identify", config, "A1", "--seconds", 0.5)
        assert done.returncode == 1
        assert "nothing reacted" in done.stderr

    @pytest.mark.parametrize("verb", ["watch", "identify", "calibrate"])
    def test_a_spot_that_is_none_is_wrong_usage(self, config: Path, verb: str) -> None:
        done = run(verb, config, "A11")
        assert done.returncode == 2
        assert done.stderr == ("no spot or lane 'A11' in the configuration; did you mean A1?\n")

    @pytest.mark.parametrize("verb", ["check", "watch", "identify"])
    def test_a_bad_configuration_is_wrong_usage(self, config: Path, verb: str) -> None:
        config.write_text(config.read_text().replace("sessions", "seasons", 1))
        done = run(verb, config)
        assert done.returncode == 2
        assert "seasons" in done.stderr

    @pytest.mark.parametrize("verb", ["check", "watch", "identify", "calibrate", "record"])
    def test_help_has_an_example(self, config: Path, verb: str) -> None:
        assert f"Example: lotkeeper agent {verb}" in run(verb, config, "--help").stdout


class TestRecord:
    def test_what_was_recorded_is_played_again(self, config: Path) -> None:
        out = config.parent / "monday.csv"
        done = subprocess.run(
            [*command("record", config), str(out), "A1", "--seconds", "1"],
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0
        assert f"recording A1 into {out}" in done.stdout
        played = f'kind = "replay", path = "{out}", format = "recording", rate_hz = 20'
        config.write_text(config.read_text().replace('kind = "simulated", sessions = []', played))
        told = json.loads(run("check", config, "--json", "--seconds", 0.5).stdout)
        assert told["sensors"][0]["value"] == pytest.approx(2500, abs=15)

    def test_a_file_that_is_there_is_kept(self, config: Path) -> None:
        done = run("record", config, config)
        assert done.returncode == 2
        assert "name another file" in done.stderr
        assert "agent_id" in config.read_text()

    def test_a_place_that_is_none_is_told(self, config: Path) -> None:
        done = run("record", config, config.parent / "none" / "monday.csv", "--seconds", 1)
        assert done.returncode == 1
        assert "No such file or directory; choose another place" in done.stderr


class TestCalibrate:
    def test_keeps_a_floor_for_the_agent(self, config: Path) -> None:
        done = run("calibrate", config, "A1", "--empty-only", "--yes", "--seconds", 1, "--json")
        assert done.returncode == 0
        told = json.loads(done.stdout)
        assert told["kept"] is True
        assert kept(config, "A1")["floor_mm"] == told["sensors"][0]["learnt"]["floor_mm"]
        # Of ten readings with a sigma of 5 mm the median has one of 2.
        assert kept(config, "A1")["floor_mm"] == pytest.approx(2500, abs=12)

    def test_keeps_a_baseline_for_the_agent(self, config: Path) -> None:
        assert run("calibrate", config, "A2", "--empty-only", "-y", "--seconds", 1).returncode == 0
        assert len(kept(config, "A2")["baseline"]) == 3
        assert kept(config, "A2")["sigma_mg"] == pytest.approx(1.5, abs=1.2)

    def test_a_car_that_is_not_seen_is_a_failure(self, config: Path) -> None:
        done = run("calibrate", config, "A1", "--yes", "--seconds", 1)
        assert done.returncode == 1
        assert "was the car in" in done.stdout

    def test_a_dry_run_keeps_nothing(self, config: Path) -> None:
        done = run("calibrate", config, "A1", "--empty-only", "-y", "--dry-run", "--seconds", 1)
        assert done.returncode == 0
        assert "nothing was kept" in done.stdout
        assert not (config.parent / "agent.db").exists()

    def test_without_a_terminal_somebody_must_say_yes(self, config: Path) -> None:
        done = run("calibrate", config, "A1")
        assert done.returncode == 2
        assert "use --yes" in done.stderr

    def test_a_dead_sensor_teaches_nothing(self, config: Path) -> None:
        config.write_text(config.read_text().replace("sessions = [] }", 'fault = "dead" }', 1))
        done = run("calibrate", config, "A1", "--yes")
        assert done.returncode == 1
        assert "A1: simulated sensor is dead; set its fault to none" in done.stderr


def test_beside_a_running_agent_they_say_so(
    config: Path, running_agent: "subprocess.Popen[bytes]"
) -> None:
    for verb, *arguments in (
        ("watch", "--seconds", 1),
        ("identify", "--seconds", 1),
        ("calibrate", "A1", "--yes"),
    ):
        done = run(str(verb), config, *arguments)
        assert done.returncode == 1
        assert f"the agent runs (pid {running_agent.pid}: " in done.stderr
        assert "systemctl stop lotkeeper-agent" in done.stderr
    done = run("check", config)
    assert done.returncode == 1
    assert "sensors not read: the agent runs" in done.stdout
    assert running_agent.poll() is None


class Terminal:
    """A terminal of 100 by 30 characters with a verb in it."""

    def __init__(self, verb: str, config: Path, *arguments: object) -> None:
        self.ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            command(verb, config, *arguments),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def await_words(self, words: str, timeout_s: float = 20.0) -> str:
        """Read on until the pattern is shown; answers what was shown since the last time."""
        deadline_s = time.monotonic() + timeout_s
        while not (found := re.search(words, self.shown)):
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"{words!r} not in {self.shown[-3000:]}"
            if select.select([self.ours], [], [], left_s)[0]:
                self.shown += self._read()
        passed, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return passed

    def press(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def interrupt(self) -> int:
        """What Ctrl-C makes of it: the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        while chunk := self._read():
            self.shown += chunk
        return self.process.wait(10)

    def _read(self) -> str:
        try:
            return os.read(self.ours, 65536).decode(errors="replace")
        except OSError:  # the other end is closed
            return ""

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self.ours)


@pytest.fixture
def terminal(config: Path) -> Iterator[Any]:
    opened: list[Terminal] = []

    def open_terminal(verb: str, *arguments: object) -> Terminal:
        opened.append(Terminal(verb, config, *arguments))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


class TestTerminal:
    def test_check_is_coloured(self, terminal: Any) -> None:
        shown = terminal("check", "--seconds", 0.2)
        assert "\x1b[" in shown.await_words("all good")
        assert shown.end() == 0

    def test_watch_plots_until_interrupted(self, terminal: Any) -> None:
        watch = terminal("watch", "R1")
        # Braille dots, and the limits of the floor that was learnt.
        watch.await_words("[\u2801-\u28ff]")
        watch.await_words("occupied < 2[01]")
        assert watch.interrupt() == 130
        assert "\x1b[?1049l" in watch.shown  # the screen is given back
        assert "Traceback" not in watch.shown

    def test_identify_shows_what_reacts_big(self, terminal: Any) -> None:
        identify = terminal("identify")
        identify.await_words("nothing reacts")
        identify.await_words("██")
        assert identify.interrupt() == 130

    def test_identify_rings_for_its_spot(self, terminal: Any) -> None:
        identify = terminal("identify", "R1")
        identify.await_words("\x07")
        assert identify.interrupt() == 130

    def test_calibrate_asks_twice_and_keeps(self, terminal: Any, config: Path) -> None:
        calibrate = terminal("calibrate", "R1", "--seconds", 1)
        calibrate.await_words("Clear R1.*press Enter")
        calibrate.press("\n")
        calibrate.await_words("floor 250[01] mm")
        calibrate.await_words("Park a car in R1.*press Enter")
        # The recording begins anew at each step: what is parked here is an empty bay.
        calibrate.press("\n")
        assert "kept in" in calibrate.await_words("start the agent again")
        assert calibrate.end() == 1
        assert kept(config, "R1")["floor_mm"] == pytest.approx(2500, abs=2)

    def test_calibrate_takes_no_key_from_before_the_question(self, terminal: Any) -> None:
        calibrate = terminal("calibrate", "R1", "--seconds", 1)
        calibrate.await_words("Clear R1.*press Enter")
        calibrate.press("\n")
        calibrate.await_words("R1 empty")
        calibrate.press("\n\n")
        calibrate.await_words("Park a car in R1.*press Enter")
        with pytest.raises(AssertionError, match="'with a car' not in"):
            calibrate.await_words("with a car", timeout_s=1)
        assert calibrate.interrupt() == 130
        assert "nothing was kept" in calibrate.shown
