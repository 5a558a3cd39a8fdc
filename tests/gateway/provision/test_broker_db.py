"""The broker's store, damaged in many ways: what mosquitto cannot start with is out of the way."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.provision import broker_db
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.processes import Child, NotReady, free_port

CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
"""


@dataclass
class Store:
    """A mosquitto's folder."""

    program: str
    folder: Path
    good: bytes = b""

    @property
    def database(self) -> Path:
        return self.folder / "mosquitto.db"

    def put(self, content: bytes) -> None:
        for path in self.folder.glob("mosquitto.db*"):
            path.unlink()
        self.database.write_bytes(content)
        if os.geteuid() == 0:
            shutil.chown(self.database, "mosquitto")

    def broker(self) -> Child:
        port = free_port()
        conf = self.folder / "conf"
        conf.write_text(CONF.format(port=port, folder=self.folder))
        return Child("broker", [self.program, "-c", str(conf)], self.folder, port)

    def starts(self) -> bool:
        child = self.broker()
        try:
            child.start()
        except NotReady:
            return False
        child.kill()
        return True

    def check(self) -> Result:
        return CliRunner().invoke(app, ["check-broker-db", "--db", str(self.database)])


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """With retained messages, a session's subscription, and messages that wait for it."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    folder = Path(tempfile.mkdtemp(prefix="broker-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "mosquitto")
    made = Store(program, folder)
    child = made.broker()
    child.start()
    live(child.port or 0)
    child.stop()
    made.good = made.database.read_bytes()
    yield made
    shutil.rmtree(folder)


def live(port: int) -> None:
    import queue

    connects: queue.Queue[bool] = queue.Queue()
    pubacks: queue.Queue[tuple[int, bool]] = queue.Queue()
    settings = MqttSettings(port=port, protocol="3.1.1")
    subscriber = Link(settings, "sub", Handlers(connected=connects.put))
    subscriber.start()
    connects.get(timeout=10)
    subscriber.subscribe("t/#")
    publisher = Link(
        settings,
        "pub",
        Handlers(connected=connects.put, published=lambda *each: pubacks.put(each)),
        clean=True,
    )
    subscriber.stop()
    publisher.start()
    connects.get(timeout=10)
    for number in range(30):
        publisher.publish(f"t/{number % 7}", b"x" * 50, retain=number % 2 == 0)
        pubacks.get(timeout=10)
    publisher.stop()


def test_a_good_store_stays_as_it_is(store: Store) -> None:
    store.put(store.good)
    result = store.check()
    assert (result.exit_code, "can start with it" in result.output) == (0, True)
    assert store.database.read_bytes() == store.good
    assert [path.name for path in store.folder.glob("*.db*")] == ["mosquitto.db"]
    assert not list(store.folder.glob(".trial*"))


def test_no_store_is_fine(store: Store, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check-broker-db", "--db", str(tmp_path / "mosquitto.db")])
    assert (result.exit_code, "there is none" in result.output) == (0, True)


@pytest.mark.parametrize("seed", range(24))
def test_whatever_happened_to_it_the_broker_starts(store: Store, seed: int) -> None:
    """Cut off, flipped, zeroed: what a power cut leaves."""
    chance = random.Random(seed)
    content = bytearray(store.good)
    at = chance.randrange(len(content))
    match seed % 3:
        case 0:
            del content[at:]
        case 1:
            content[at] ^= 1 << chance.randrange(8)
        case 2:
            content[at : at + 512] = bytes(len(content[at : at + 512]))
    store.put(content)
    startable = store.starts()
    store.put(content)
    assert store.check().exit_code == 0
    aside = store.folder / "mosquitto.db.unreadable"
    assert store.database.exists() is startable
    assert (store.database if startable else aside).read_bytes() == content
    assert store.starts()


def test_a_mosquitto_that_never_comes_up_says_nothing_of_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(store.good)
    monkeypatch.setattr(broker_db, "CONF", broker_db.CONF + "no_such_option true\n")
    result = store.check()
    assert (result.exit_code, "could not be asked" in result.output) == (1, True)
    assert store.database.read_bytes() == store.good


def test_without_mosquitto_it_cannot_be_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(store.good)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert store.check().exit_code == 1
    assert store.database.exists()
