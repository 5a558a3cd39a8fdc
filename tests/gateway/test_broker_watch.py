"""A real mosquitto that is stopped as a hung one is, and what is no hang."""

import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.broker_watch import HANGS, OWED_S, BrokerWatch
from runtime.mqtt import Handlers, Link, MqttSettings

PATIENCE_S = 20.0


class Lot:
    """A broker of its own, and the gateway's link to it."""

    def __init__(self, port: int) -> None:
        self.process = subprocess.Popen(
            ["/usr/sbin/mosquitto", "-p", str(port)], stderr=subprocess.DEVNULL
        )
        settings = MqttSettings(port=port, reconnect_min_s=0.1, reconnect_max_s=0.2)
        self.link = Link(settings, f"gateway-{uuid.uuid4().hex[:8]}", Handlers())
        self.watch = BrokerWatch(settings, self.link)
        self.link.start()
        until(lambda: self.link.connected)

    def hang(self) -> None:
        """As if it waited for ever."""
        self.process.send_signal(signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T")

    def close(self) -> None:
        self.link.stop()
        self.process.kill()
        self.process.wait(PATIENCE_S)


@pytest.fixture
def lot(
    mosquitto: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lot]:
    """As under systemd. Depends on `mosquitto` for its skip."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    made = Lot(port)
    yield made
    made.close()


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.02)


def test_a_broker_that_answers_nobody_is_told_once_it_owes_for_long(
    lot: Lot, tmp_path: Path
) -> None:
    assert not lot.watch.look(100.0)
    lot.hang()
    lot.link.publish("north/heartbeat", b"up")
    assert not lot.watch.look(100.0 + OWED_S / 2)
    assert not (tmp_path / HANGS).exists()
    assert lot.watch.look(100.0 + OWED_S)
    assert (tmp_path / HANGS).exists()


def test_one_that_answers_others_does_not_hang(lot: Lot, tmp_path: Path) -> None:
    """What is owed then is our own thread's fault, or a session's."""
    lot.link.stop()
    lot.link.publish("north/heartbeat", b"nobody takes it to the broker")
    assert not lot.watch.look(100.0)
    assert not lot.watch.look(100.0 + OWED_S)
    assert not (tmp_path / HANGS).exists()


def test_one_that_is_not_there_does_not_hang(lot: Lot, tmp_path: Path) -> None:
    lot.process.kill()
    lot.process.wait(PATIENCE_S)
    until(lambda: not lot.link.connected)
    assert not lot.watch.look(100.0)
    assert not lot.watch.look(100.0 + OWED_S)
    assert not (tmp_path / HANGS).exists()


def test_a_quiet_one_owes_nothing(lot: Lot, tmp_path: Path) -> None:
    lot.hang()
    assert not any(lot.watch.look(100.0 + each * OWED_S) for each in range(3))


def test_each_answer_gives_it_time_anew(lot: Lot) -> None:
    for look in range(3):
        lot.link.publish("north/heartbeat", b"up")
        until(lambda: not lot.link.under_way)
        assert not lot.watch.look(100.0 + look * OWED_S)
    lot.hang()
    lot.link.publish("north/heartbeat", b"up")
    assert not lot.watch.look(100.0 + 2.5 * OWED_S)


def test_another_machines_broker_is_not_judged(lot: Lot, tmp_path: Path) -> None:
    watch = BrokerWatch(MqttSettings(host="192.0.2.1"), lot.link)
    lot.hang()
    lot.link.publish("north/heartbeat", b"up")
    assert not watch.look(100.0)
    assert not watch.look(100.0 + OWED_S)
    assert not (tmp_path / HANGS).exists()
