"""A display's process against a real broker, and its clock in our hand where time must pass."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from paho.mqtt.client import topic_matches_sub

from display.app import Lines, Watch
from display.board import Board, LineSettings, Shows
from display.config import DisplaySettings
from gateway.provision.broker import rights
from gateway.provision.register import Role
from runtime.config import load

REPO = Path(__file__).parents[2]
PATIENCE_S = 20.0


@contextmanager
def command(*arguments: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "lotkeeper", "display", *map(str, arguments)],
        cwd=REPO,
        text=True,
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class HandClock:
    """A clock that goes when it is told to."""

    boot_id = "b"

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return datetime.now(UTC)  # the messages of the test are stamped by it

    def synced(self) -> bool:
        return True

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(0.02)


class Watched:
    """A display in this process; what it shows, picture by picture."""

    def __init__(self, settings: DisplaySettings) -> None:
        self.clock = HandClock()
        self.watch = Watch(settings, self.clock)
        self.pictures: Queue[Lines] = Queue()
        self._thread = threading.Thread(target=self.watch.run, args=(self.pictures.put,))
        self._thread.start()

    def until(self, good: Callable[[Lines], bool]) -> Lines:
        while not good(lines := self.pictures.get(timeout=PATIENCE_S)):
            pass
        return lines

    def stop(self) -> None:
        self.watch.stop()
        self._thread.join(PATIENCE_S)


def test_a_gateway_that_falls_silent_is_a_blank_display(lot: Any) -> None:
    shown = Watched(load(lot.config(), DisplaySettings))
    try:
        lot.count(7)
        lot.count(3, "A")
        lines = shown.until(lambda lines: all(line.free is not None for line in lines))
        assert [line.free for line in lines] == [7, 3]
        shown.clock.now_s += 59
        lot.count(4, "A")  # the zone alone is told again
        shown.until(lambda lines: lines[1].free == 4)
        shown.clock.now_s += 1
        lines = shown.until(lambda lines: lines[0].shows is Shows.BLANK)
        assert (lines[0].reason, lines[1].free) == ("run out", 4)
        shown.clock.now_s += 60
        lines = shown.until(lambda lines: lines[1].shows is Shows.BLANK)
        assert lines[1].reason == "run out"
        lot.count(9)  # it goes on listening
        shown.until(lambda lines: lines[0].free == 9)
    finally:
        shown.stop()


def test_json_tells_each_change_and_a_bad_message_is_logged_once(lot: Any) -> None:
    with command(
        "run", "--json", "-c", lot.config(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        said = map(json.loads, process.stdout)
        assert [line["reason"] for line in next(said)["lines"]] == ["no broker"] * 2
        assert [line["reason"] for line in next(said)["lines"]] == ["nothing heard"] * 2
        lot.count(7)
        picture = next(said)
        assert picture["display_id"] == "sign-1"
        assert picture["lines"][0] == {
            "zone_id": None,
            "label": "All",
            "shows": "open",
            "free": 7,
            "arrow": "none",
            "reason": "",
        }
        lot.say(lot.topics.occupancy, b"{}", retain=False)
        lot.say(lot.topics.occupancy, b"{}", retain=False)
        lot.count(6)
        assert next(said)["lines"][0]["free"] == 6
        lot.say(lot.topics.gateway_health, b'{"session_id": "s", "status": "down"}')
        assert next(said)["lines"][0]["reason"] == "gateway down"
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=PATIENCE_S)
        assert (rest, process.returncode) == ("", 0)
        assert log.count("ignored a message") == 1
        assert f"{lot.topics.occupancy}: lot_id: Field required" in log


def test_a_count_runs_out_by_itself(lot: Any) -> None:
    with command("run", "--json", "-c", lot.config(), stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = map(json.loads, process.stdout)
        while next(said)["lines"][0]["free"] is None:
            lot.count(7, valid_s=3)
        assert next(said)["lines"][0]["reason"] == "run out"


def once(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    with command("run", "--once", "--json", *arguments, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, json.loads(out)["lines"]


def test_once_tells_what_is_retained_where_the_clock_is_true(lot: Any) -> None:
    lot.count(7)
    lot.count(0, "A")
    status, lines = once("-c", lot.config("always"))
    assert status == 0
    assert [line["shows"] for line in lines] == ["open", "full"]


def test_without_a_true_clock_what_is_retained_is_not_told(either_lot: Any) -> None:
    either_lot.count(7)
    either_lot.count(0, "A")
    status, lines = once("--wait", "1.5", "-c", either_lot.config("never"))
    assert status == 1
    assert [(line["shows"], line["reason"]) for line in lines] == [("blank", "age unknown")] * 2


def test_a_live_message_is_no_retained_one(either_lot: Any) -> None:
    """The broker must not mark it so, or a display without a clock would stay blank."""
    config = either_lot.config("never")
    with command("run", "--json", "-c", config, stdout=subprocess.PIPE) as process:
        assert process.stdout
        said = map(json.loads, process.stdout)
        while next(said)["lines"][0]["free"] is None:  # it may not have subscribed yet
            either_lot.count(5)


def test_on_a_terminal_it_is_large_and_leaves_nothing_behind(lot: Any) -> None:
    lot.count(7)
    lot.count(0, "A")
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "linux", "COLUMNS": "80", "LINES": "24"}
    with command("run", "-c", lot.config(), stdin=slave, stdout=slave, env=environment) as process:
        os.close(slave)
        red = "\x1b[1;31m"  # FULL stands in it
        seen = _read(master, lambda text: "█" * 12 in text.partition(red)[2])
        assert "Riverside" in seen
        process.send_signal(signal.SIGTERM)
        last = _read(master, lambda text: False)
        assert process.wait(PATIENCE_S) == 0
    picture = last.rpartition("\x1b[H")[2]
    left = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", picture)
    assert left.count("\n") >= 23
    assert not left.strip()


def _read(master: int, enough: Callable[[str], bool]) -> str:
    """What comes until it is `enough`, or the terminal is closed."""
    text = b""
    while not enough(text.decode(errors="replace")):
        assert select.select([master], [], [], PATIENCE_S)[0], text
        try:
            text += os.read(master, 65536)
        except OSError:  # EIO: the other end is closed
            break
    return text.decode(errors="replace")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["run"], 2, "is no terminal: --json, or --once"),
        (["run", "--once", "-c", "nowhere.toml"], 2, "nowhere.toml: no such file"),
        (["validate", "-c", "nowhere.toml"], 2, "nowhere.toml: no such file"),
    ],
)
def test_what_cannot_be_done_is_told(
    lot: Any, arguments: list[str], status: int, said: str
) -> None:
    more = [] if "-c" in arguments else ["-c", lot.config()]
    with command(*arguments, *more, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status
    assert said in err


def test_a_bad_file_is_told_by_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "display.toml"
    path.write_text('display_id = "s"\nlot_id = "n"\n[[lines]]\narrow = "back"\nfull = 1\n')
    with command("validate", "-c", path, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "lines.0.arrow = 'back': Input should be 'none', 'left'" in err
    assert "lines.0.full is no option" in err


def test_the_rights_of_a_display_are_enough() -> None:
    granted = [line.split()[-1] for line in rights("north", "sign-1", Role.DISPLAY)]
    board = Board("north", [LineSettings(), LineSettings(zone_id="A")])
    for topic in board.topics:
        assert any(topic_matches_sub(allowed, topic) for allowed in granted), topic
