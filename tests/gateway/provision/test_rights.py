"""What a valid identity may do at a real mosquitto, and what it may not: not one foreign byte."""

import queue
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from contract.topics import Topics
from runtime.mqtt import Handlers, Link, TlsSettings

LOT = Topics("north")
PATIENCE_S = 10.0
FOREIGN = [
    LOT.agent("bay-2", "events"),
    LOT.agent("bay-2", "health"),
    LOT.agent("bay-2", "response"),
    LOT.agent("bay-2", "command"),
    LOT.agent("bay-2", "ack"),
    LOT.agent("bay-1", "command"),
    LOT.agent("bay-1", "ack"),
    LOT.spot("A1"),
    LOT.zone("A"),
    LOT.occupancy,
    LOT.alert("fire"),
    LOT.gateway_health,
    LOT.gateway_info,
    LOT.request("spot-close"),
    LOT.response("status"),
    "parking/v1/south/agents/bay-1/events",
    "homeassistant/device/bay-1/config",
    "$CONTROL/dynamic-security/v1",
]
"""What bay-1 must not write."""
WIDE = ["#", "+/+/+/+/+/+", "parking/#", "parking/v1/north/agents/+/events", "$SYS/#"]


class Client:
    """One identity's connection and what it heard."""

    def __init__(self, guarded: Any, tls: TlsSettings, protocol: str, **options: Any) -> None:
        self.heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.connects: queue.Queue[bool] = queue.Queue()
        self.disconnects: queue.Queue[None] = queue.Queue()
        handlers = Handlers(
            message=lambda message: self.heard.put((message.topic, bytes(message.payload))),
            connected=self.connects.put,
            disconnected=lambda: self.disconnects.put(None),
        )
        client_id = options.pop("client_id", "whatever")
        self.link = Link(guarded.mqtt(tls, protocol), client_id, handlers, **options)

    def __enter__(self) -> "Client":
        self.link.start()
        self.session_present = self.connects.get(timeout=PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def until(self, payload: bytes) -> list[tuple[str, bytes]]:
        """What is heard up to this payload, which comes after all else."""
        messages = [("", b"")]
        while messages[-1][1] != payload:
            messages.append(self.heard.get(timeout=PATIENCE_S))
        return messages[1:]


@pytest.fixture(scope="module")
def devices(guarded: Any) -> dict[str, TlsSettings]:
    """Made before anybody connects."""
    made = {name: guarded.device(name) for name in ("bay-1", "bay-2")}
    return {**made, "sign-1": guarded.device("sign-1", "add-display")}


@pytest.fixture
def bay_1(devices: dict[str, TlsSettings]) -> TlsSettings:
    return devices["bay-1"]


@pytest.fixture
def sign(devices: dict[str, TlsSettings]) -> TlsSettings:
    return devices["sign-1"]


@pytest.fixture(params=["5", "3.1.1"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gateway(guarded: Any, devices: dict[str, TlsSettings], protocol: str) -> Iterator[Client]:
    with Client(guarded, guarded.own("gateway"), protocol, clean=True) as client:
        yield client


def test_a_bay_writes_its_own_topics_and_no_other(
    guarded: Any, bay_1: TlsSettings, gateway: Client, protocol: str
) -> None:
    gateway.link.subscribe("#")
    with Client(guarded, bay_1, protocol, clean=True) as bay:
        for topic in FOREIGN:
            bay.link.publish(topic, b"forged")
            bay.link.publish(topic, b"forged", retain=True)
        for channel in ("events", "health", "response"):
            bay.link.publish(LOT.agent("bay-1", channel), channel.encode())
        heard = gateway.until(b"response")
    for channel in ("events", "health", "response"):
        assert (LOT.agent("bay-1", channel), channel.encode()) in heard
    assert b"forged" not in [payload for _, payload in heard]


@pytest.mark.parametrize("wide", [*WIDE, *FOREIGN[:5], *FOREIGN[7:10], FOREIGN[13]])
def test_a_bay_hears_its_own_acks_and_nobody_elses_word(
    guarded: Any, bay_1: TlsSettings, gateway: Client, protocol: str, wide: str
) -> None:
    for topic in FOREIGN[:-1]:
        gateway.link.publish(topic, b"kept", retain=True)
    with Client(guarded, bay_1, protocol, clean=True) as bay:
        for topic in (wide, LOT.agent("bay-1", "ack"), LOT.agent("bay-1", "events")):
            bay.link.subscribe(topic)
        bay.link.publish(LOT.agent("bay-1", "events"), b"subscribed")
        heard = bay.until(b"subscribed")
        for topic in FOREIGN[:-1]:
            gateway.link.publish(topic, b"live")
        gateway.link.publish(LOT.agent("bay-1", "ack"), b"the end")
        heard += bay.until(b"the end")
    topics = {topic for topic, _ in heard}
    assert LOT.agent("bay-1", "ack") in topics
    assert topics <= {
        LOT.agent("bay-1", "command"),
        LOT.agent("bay-1", "ack"),
        LOT.agent("bay-1", "events"),
        LOT.gateway_health,
    }


def test_a_bay_hears_what_is_desired_of_it_and_nobody_else_does(
    guarded: Any, devices: dict[str, TlsSettings], gateway: Client, protocol: str
) -> None:
    command, response = LOT.agent("bay-1", "command"), LOT.agent("bay-1", "response")
    gateway.link.subscribe(response)
    gateway.link.publish(command, b"desired", retain=True)
    for name in ("bay-2", "bay-1"):
        with Client(guarded, devices[name], protocol, clean=True) as bay:
            for topic in (command, LOT.agent(name, "events")):
                bay.link.subscribe(topic)
            bay.link.publish(LOT.agent(name, "events"), b"subscribed")
            heard = bay.until(b"subscribed")
            bay.link.publish(response, name.encode())
            if name == "bay-1":
                assert gateway.until(b"bay-1") == [(response, b"bay-1")]
        assert ((command, b"desired") in heard) == (name == "bay-1")
    gateway.link.publish(command, b"", retain=True)


def test_an_operator_asks_and_speaks_for_nobody(
    guarded: Any, gateway: Client, protocol: str
) -> None:
    gateway.link.subscribe("#")
    asked = LOT.request("spot-close")
    with Client(guarded, guarded.own("operator"), protocol, clean=True) as operator:
        for topic in (LOT.agent("bay-1", "events"), *FOREIGN):
            if topic != asked:
                operator.link.publish(topic, b"forged")
        operator.link.publish(asked, b"asked")
        heard = gateway.until(b"asked")
    assert (asked, b"asked") in heard
    assert b"forged" not in [payload for _, payload in heard]


def test_a_bays_will_on_anothers_topic_is_not_sent(
    guarded: Any, bay_1: TlsSettings, gateway: Client, protocol: str
) -> None:
    gateway.link.subscribe(LOT.spot("A2"))
    gateway.link.subscribe(LOT.agent("bay-1", "events"))
    will = (LOT.spot("A2"), b"forged")
    with Client(guarded, bay_1, protocol, clean=True, will=will) as bay:
        connection = bay.link._client.socket()
        assert connection is not None
        connection.shutdown(socket.SHUT_RDWR)  # no DISCONNECT: the will is due
        bay.connects.get(timeout=PATIENCE_S)
        bay.link.publish(LOT.agent("bay-1", "events"), b"mine")
        assert gateway.until(b"mine") == [(LOT.agent("bay-1", "events"), b"mine")]


@pytest.mark.parametrize("client_id", ["gateway", "north.gateway", "bay-2", ""])
def test_a_bay_cannot_take_the_gateways_session(
    guarded: Any, bay_1: TlsSettings, protocol: str, client_id: str
) -> None:
    identity, events = guarded.own("gateway"), LOT.agent("bay-1", "events")
    with Client(guarded, identity, protocol) as gateway:
        gateway.link.subscribe(events)
        gateway.link.publish(events, b"subscribed")
        gateway.until(b"subscribed")
        with Client(guarded, bay_1, protocol, clean=True, client_id=client_id) as bay:
            bay.link.publish(events, b"one")
            gateway.until(b"one")
        assert gateway.disconnects.empty()
    with Client(guarded, bay_1, protocol, clean=True, client_id=client_id) as bay:
        bay.link.subscribe(events)
        for payload in (b"two", b"three"):
            bay.link.publish(events, payload)
        bay.until(b"three")
    with Client(guarded, identity, protocol) as gateway:
        assert gateway.session_present
        assert gateway.until(b"three") == [(events, b"two"), (events, b"three")]


def test_a_sign_sees_the_lot_and_writes_nothing(
    guarded: Any, sign: TlsSettings, gateway: Client, protocol: str
) -> None:
    gateway.link.subscribe("#")
    gateway.link.publish(LOT.gateway_info, b"marker", retain=True)
    gateway.until(b"marker")
    with Client(guarded, sign, protocol, clean=True) as display:
        display.link.subscribe("parking/v1/north/#")
        display.until(b"marker")  # so the subscription stands
        for topic in (*FOREIGN, LOT.agent("sign-1", "events")):
            display.link.publish(topic, b"forged")
        published = [LOT.alert("fire"), LOT.agent("bay-1", "ack"), LOT.occupancy]
        for topic in published:
            gateway.link.publish(topic, b"live", retain=True)
        gateway.link.publish(LOT.zone("A"), b"the end")
        heard = display.until(b"the end")
        at_gateway = gateway.until(b"the end")
    topics = {topic for topic, _ in heard}
    assert LOT.occupancy in topics
    assert not topics & {LOT.alert("fire"), LOT.agent("bay-1", "ack")}
    assert b"forged" not in [payload for _, payload in at_gateway]
