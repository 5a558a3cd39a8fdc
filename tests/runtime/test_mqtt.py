"""The link to a broker: what paho does wrong when it is left alone."""

import queue
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from pydantic import ValidationError

from runtime.config import ConfigError
from runtime.mqtt import Handlers, Link, MqttSettings, TlsSettings

PATIENCE_S = 10.0


class Ear:
    """A link, and queues of all that it tells."""

    def __init__(self, broker: tuple[str, int], protocol: str = "3.1.1", **options: Any) -> None:
        self.messages: queue.Queue[paho.MQTTMessage] = queue.Queue()
        self.connects: queue.Queue[bool] = queue.Queue()
        self.disconnects: queue.Queue[None] = queue.Queue()
        self.pubacks: queue.Queue[tuple[int, bool]] = queue.Queue()
        settings = MqttSettings.model_validate(
            {
                "host": broker[0],
                "port": broker[1],
                "protocol": protocol,
                "reconnect_min_s": 0.05,
                "reconnect_max_s": 0.2,
            }
        )
        self.client_id = options.pop("client_id", f"ear-{uuid.uuid4().hex[:8]}")
        handlers = Handlers(
            message=self.messages.put,
            connected=self.connects.put,
            disconnected=lambda: self.disconnects.put(None),
            published=lambda mid, refused: self.pubacks.put((mid, refused)),
        )
        handlers = handlers.model_copy(update=options.pop("handlers", {}))
        self.link = Link(settings, self.client_id, handlers, **options)

    def __enter__(self) -> "Ear":
        self.link.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def connected(self) -> bool:
        """Wait for a connection; answers whether the broker still had our session."""
        return self.connects.get(timeout=PATIENCE_S)

    def heard(self) -> bytes:
        return bytes(self.messages.get(timeout=PATIENCE_S).payload)

    def puback(self) -> tuple[int, bool]:
        return self.pubacks.get(timeout=PATIENCE_S)


@pytest.fixture(params=["iotcore", "mosquitto"])
def either(request: pytest.FixtureRequest) -> tuple[tuple[str, int], str]:
    """Each broker with the protocol that it speaks in this project."""
    if request.param == "iotcore":
        return request.getfixturevalue("broker"), "3.1.1"
    return request.getfixturevalue("mosquitto"), "5"


@pytest.fixture
def topic() -> str:
    return f"test/{uuid.uuid4().hex}"


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.01)


def test_a_message_goes_round_and_its_puback_names_it(
    either: tuple[tuple[str, int], str], topic: str
) -> None:
    with Ear(*either) as ear:
        assert ear.connected() is False  # a new session
        ear.link.subscribe(topic)
        mid = ear.link.publish(topic, b"hello")
        assert ear.puback() == (mid, False)
        assert ear.heard() == b"hello"
        assert ear.link.under_way == 0


def test_a_failing_handler_costs_a_message_and_not_the_thread(
    either: tuple[tuple[str, int], str], topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard: queue.Queue[bytes] = queue.Queue()

    def failing(message: paho.MQTTMessage) -> None:
        if message.payload == b"bad":
            raise RuntimeError("cannot read this")
        heard.put(bytes(message.payload))

    with Ear(*either, handlers={"message": failing}) as ear:
        ear.connected()
        ear.link.subscribe(topic)
        ear.link.publish(topic, b"bad")
        ear.link.publish(topic, b"good")
        assert heard.get(timeout=PATIENCE_S) == b"good"
        assert ear.link.alive
        assert ear.link.connected
    assert "cannot read this" in caplog.text


def test_every_other_handler_may_fail_too(broker: tuple[str, int], topic: str) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("no")

    handlers = {"connected": failing, "published": failing, "disconnected": failing}
    with Ear(broker, handlers=handlers) as ear:
        until(lambda: ear.link.connected)
        ear.link.subscribe(topic)
        ear.link.publish(topic, b"still here")
        assert ear.heard() == b"still here"
        assert ear.link.alive


def test_a_session_that_is_kept_brings_what_came_meanwhile(
    either: tuple[tuple[str, int], str], topic: str
) -> None:
    with Ear(*either) as ear:
        ear.connected()
        ear.link.subscribe(topic)
        ear.link.publish(topic, b"1")
        assert ear.heard() == b"1"
    with Ear(*either) as other:
        other.connected()
        other.link.publish(topic, b"2")
        other.puback()
    with Ear(*either, client_id=ear.client_id) as again:
        assert again.connected() is True
        assert again.heard() == b"2"


def test_with_manual_ack_what_was_not_acknowledged_comes_again(
    mosquitto: tuple[str, int], topic: str
) -> None:
    with Ear(mosquitto, "5", manual_ack=True) as ear:
        ear.connected()
        ear.link.subscribe(topic)
        ear.link.publish(topic, b"kept")
        ear.link.publish(topic, b"left")
        first = ear.messages.get(timeout=PATIENCE_S)
        ear.link.ack(first.mid, first.qos)
        assert ear.heard() == b"left"
    with Ear(mosquitto, "5", client_id=ear.client_id, manual_ack=True) as again:
        again.connected()
        assert again.heard() == b"left"


def test_a_clean_link_leaves_nothing_behind(
    either: tuple[tuple[str, int], str], topic: str
) -> None:
    with Ear(*either, clean=True) as ear:
        ear.connected()
        ear.link.subscribe(topic)
    with Ear(*either, client_id=ear.client_id) as again:
        assert again.connected() is False


class Restartable:
    """A mosquitto of our own on a port that stays."""

    def __init__(self, port: int) -> None:
        self.address = ("127.0.0.1", port)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["/usr/sbin/mosquitto", "-p", str(self.address[1])]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE_S)


@pytest.fixture
def restartable(mosquitto: tuple[str, int]) -> Iterator[Restartable]:
    """Not yet started. Depends on `mosquitto` for its skip."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    broker = Restartable(port)
    yield broker
    broker.kill()


def test_a_broker_that_is_down_at_boot_is_awaited(restartable: Restartable, topic: str) -> None:
    with Ear(restartable.address, "5") as ear:
        assert ear.link.alive
        mid = ear.link.publish(topic, b"early")
        assert ear.link.under_way == 1
        restartable.start()
        ear.connected()
        assert ear.puback() == (mid, False)
        assert ear.link.under_way == 0


def test_it_comes_back_after_the_broker_died(restartable: Restartable, topic: str) -> None:
    restartable.start()
    with Ear(restartable.address, "5") as ear:
        ear.connected()
        restartable.kill()
        ear.disconnects.get(timeout=PATIENCE_S)
        assert not ear.link.connected
        restartable.start()
        assert ear.connected() is False  # the broker forgot us: who listens subscribes again
        assert ear.link.connected
        ear.link.subscribe(topic)
        ear.link.publish(topic, b"back")
        assert ear.heard() == b"back"
        assert ear.link.reconnects == 2


def test_it_stops_at_once_although_no_broker_is_there() -> None:
    ear = Ear(("127.0.0.1", 1))
    ear.link.start()
    began_s = time.monotonic()
    ear.link.stop()
    assert time.monotonic() - began_s < 5
    assert not ear.link.alive


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("x")
    secret.chmod(0o644)
    settings = MqttSettings(username="pi-1", password_file=secret)
    with pytest.raises(ConfigError, match="chmod 600"):
        Link(settings, "x", Handlers())


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_certificates_that_cannot_be_used_are_named(tmp_path: Path, text: str | None) -> None:
    ca = tmp_path / "ca.pem"
    if text:
        ca.write_text(text)
    with pytest.raises(ConfigError, match=r"mqtt\.tls.*ca\.pem"):
        Link(MqttSettings(tls=TlsSettings(ca_file=ca)), "x", Handlers())


@pytest.mark.parametrize("wrong", [{"port": 0}, {"protocol": "4"}, {"keepalive_s": 1}, {"prot": 5}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MqttSettings.model_validate(wrong)


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "identity.key"
    key.write_text("secret")
    key.chmod(0o644)
    tls = TlsSettings(ca_file=tmp_path / "ca", cert_file=tmp_path / "crt", key_file=key)
    with pytest.raises(ConfigError, match=r"identity\.key: others may use it \(mode 644\)"):
        Link(MqttSettings(tls=tls), "any", Handlers())
