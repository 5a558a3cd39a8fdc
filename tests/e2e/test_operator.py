"""The operator's tools on a lot that runs: cut, poison, look, replay, drop, damage, salvage."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulator.site import Site
from spool.database import PAGE_BYTES

BAYS = {
    spot: [(100.0 * k + lag, 100.0 * k + lag + 45) for k in range(1, 40)]
    for spot, lag in (("A1", 7), ("A2", 14))
}
PATIENCE_S = 20.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(
        "operated", BAYS, datetime(2026, 3, 1, tzinfo=UTC), folder=tmp_path, speed=0,
        broker="iotcore", bays_an_agent=1, zones=["A"],
    )  # fmt: skip
    try:
        made.start()
        yield made
    finally:
        made.stop()


class Operator:
    """A person at a shell of the gateway's machine."""

    def __init__(self, lotkeeper: Any, site: Site) -> None:
        self._lotkeeper = lotkeeper
        self.site = site
        self._until_s = 0.0

    def run(self, *words: object, status: int = 0) -> str:
        """What a command said, on both channels."""
        config = self.site.folder / "gateway.toml"
        done = self._lotkeeper.run("gateway", *words, "-c", config)
        assert done.returncode == status, done.stdout + done.stderr
        said: str = done.stdout + done.stderr
        return said

    def json(self, *words: object, status: int = 0) -> Any:
        said = self.run(*words, "--json", status=status)
        return json.loads(said.splitlines()[0])  # behind it is standard error

    def play(self, to_s: float) -> None:
        """Let the lot live until `to_s` of its time."""
        for at_s in self.site.lot.play(to_s):
            assert at_s <= to_s

    def at_door(self) -> list[str]:
        """What the front door received of agents, and of the words of the first store."""
        first = next(each["told_by"] for each in self.site.sink_records() if "told_by" in each)
        return [
            each["event_id"]
            for each in self.site.door_records()
            if each.get("told_by", first) == first and each["event_type"] != "GATEWAY_HEALTH"
        ]

    def on_disk(self) -> list[str]:
        records = self.site.sink_records()
        return [
            each["event_id"]
            for each in records
            if each["event_type"] != "SNAPSHOT" and "told_by" not in each
        ]

    def start_gateway(self) -> None:
        self.site.gateway.start()
        self.site.gateway.await_port(self.site.metrics_port)


def until(true: Callable[[], bool]) -> None:
    """Wait for a state of another process."""
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s, "it did not come about"
        pause.wait(0.05)


@pytest.fixture
def operator(lotkeeper: Any, site: Site) -> Operator:
    return Operator(lotkeeper, site)


def books_of(operator: Operator) -> dict[str, Any]:
    found: dict[str, Any] = operator.json("reconcile")
    assert found["faults"] == []
    return found


def test_a_day_of_trouble_ends_with_books_that_add_up(operator: Operator) -> None:
    site, door = operator.site, operator.site.door
    door.cut()
    operator.play(400)
    until(lambda: sum(each.waiting for each in site.lot.agents) == 0)
    waiting = operator.json("buffer", "status")
    assert waiting["running"]
    assert waiting["sinks"]["cloud"]["records"] > 10
    assert "it adds up" in operator.run("reconcile")
    assert operator.json("buffer", "verify")["good"]

    door.refused_spots = frozenset({"A2"})
    door.restore()
    assert site.settled(PATIENCE_S)
    letters = operator.json("dead-letters", "list", "--sink", "cloud")
    assert len(letters) > 4
    first = letters[-1]["id"]
    shown = operator.run("dead-letters", "show", first)
    assert '"spot_id": "A2"' in shown
    assert "will not have A2" in shown
    assert books_of(operator)["sinks"]["cloud"]["dead_lettered"] == len(letters)

    (again,) = operator.json("dead-letters", "replay", first, status=1)
    assert (again["what"], again["by"]) == ("refused", "the running gateway")
    assert again["letter"] > letters[0]["id"]

    door.refused_spots = frozenset()
    chosen = [each["id"] for each in letters[:3]]
    outcomes = operator.json("dead-letters", "replay", *chosen)
    assert [each["id"] for each in outcomes] == sorted(chosen)
    assert {each["what"] for each in outcomes} == {"taken"}
    drop = "dead-letters", "drop", again["letter"]
    assert "nobody to ask: say --yes" in operator.run(*drop, status=2)
    assert "dropped, by the running gateway" in operator.run(*drop, "--yes")
    cloud = books_of(operator)["sinks"]["cloud"]
    assert cloud["dropped"] == {"operator": 1}
    assert cloud["dead_lettered"] == len(letters) - 4

    site.gateway.stop()
    left = [each["id"] for each in operator.json("dead-letters", "list", "--sink", "cloud")]
    said = operator.run("dead-letters", "replay", *left)
    assert "when the gateway starts (by the file of the stopped gateway)" in said
    operator.start_gateway()
    assert site.settled(PATIENCE_S)
    assert operator.json("dead-letters", "list") == []
    assert operator.json("buffer", "status")["sinks"]["cloud"]["records"] == 0
    disk = operator.on_disk()
    assert len(disk) == len(set(disk))  # what cloud was offered again, disk was not
    dropped = set(disk) - set(operator.at_door())
    assert len(dropped) == 1
    sinks = books_of(operator)["sinks"]
    there = {name: book["delivered"] + book["waiting"] for name, book in sinks.items()}
    assert there["cloud"] == there["disk"] - 1


def test_a_damaged_store_is_found_set_aside_and_salvaged(operator: Operator) -> None:
    site = operator.site
    site.door.cut()
    operator.play(300)
    until(lambda: sum(each.waiting for each in site.lot.agents) == 0)
    until(lambda: operator.site.status()["sinks"]["disk"]["waiting"] == 0)
    site.gateway.stop()
    before = operator.at_door()
    for each in site.lot.agents:
        each.unplug()  # and never comes back: what it had sent is in the gateway's file alone
    database = site.folder / "gateway.db"
    data = bytearray(database.read_bytes())
    data[len(data) - PAGE_BYTES :] = b"\xff" * PAGE_BYTES
    database.write_bytes(data)
    assert "faults" in operator.run("buffer", "verify", status=1)

    operator.start_gateway()
    said = operator.run("buffer", "salvage", status=1)
    assert "runs: stop it, salvage, start it" in said
    site.gateway.stop()
    (found,) = operator.json("buffer", "salvage")
    assert found["taken"] > 5
    assert operator.json("buffer", "salvage")[0]["taken"] == 0
    operator.start_gateway()
    site.door.restore()
    until(lambda: operator.site.status()["sinks"]["cloud"]["waiting"] == 0)
    salvaged = operator.at_door()[len(before) :]
    assert len(salvaged) == len(set(salvaged)) == found["taken"]
    disk = operator.on_disk()
    assert len(disk) == len(set(disk))
    books_of(operator)


def test_what_cannot_be_done_is_said_with_the_mend(operator: Operator) -> None:
    assert "no such dead letter; lotkeeper" in operator.run("dead-letters", "show", 7, status=1)
    assert "no such dead letter" in operator.run("dead-letters", "replay", 7, status=1)
    assert "no such file" in operator.run("buffer", "salvage", "nothing.db", status=2)
    operator.site.gateway.stop()
    for path in operator.site.folder.glob("gateway.db*"):
        path.unlink()
    assert "no database at" in operator.run("reconcile", status=2)
    assert "no database at" in operator.run("buffer", "verify", status=2)
