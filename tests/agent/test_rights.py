"""The agent's test of its own rights: as a pure thing, and by a real mosquitto with an ACL."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.rights import PATIENCE_S, Rights
from agent.testing import FakeGateway, Rig
from contract.topics import Topics
from runtime.mqtt import MqttSettings
from simulator.processes import Child, free_port

LOT = Topics("lot-1")
OWN = "parking/v1/lot-1/agents/pi-1"
LATER = PATIENCE_S + 1
GOOD = f"""
user gateway
topic readwrite #
user pi-1
topic readwrite {OWN}/events
topic readwrite {OWN}/health
topic read {OWN}/ack
topic read {OWN}/command
topic read parking/v1/lot-1/gateway/health
"""


@pytest.fixture
def rights() -> Rights:
    made = Rights(LOT, "pi-1")
    made.begin()
    return made


def test_what_comes_back_is_proven_and_needs_no_more_subscription(rights: Rights) -> None:
    rights.sent(f"{OWN}/events", 0.0)
    assert rights.hears(f"{OWN}/events", retained=False)
    assert rights.denied(LATER) == []


def test_what_does_not_come_back_is_told_once_a_connection(rights: Rights) -> None:
    rights.sent(f"{OWN}/events", 0.0)
    assert rights.news(PATIENCE_S) == []
    (words,) = rights.news(LATER)
    assert f"cannot write {OWN}/events" in words
    assert rights.news(LATER + 1) == []
    rights.begin()
    assert rights.denied(LATER) == []
    rights.sent(f"{OWN}/events", LATER)
    assert len(rights.news(2 * LATER + 1)) == 1


def test_a_retained_message_of_another_time_proves_nothing(rights: Rights) -> None:
    rights.sent(f"{OWN}/health", 0.0)
    assert not rights.hears(f"{OWN}/health", retained=True)
    assert rights.denied(LATER) == [f"cannot write {OWN}/health"]


def test_what_was_never_sent_is_not_missed(rights: Rights) -> None:
    assert rights.denied(1e9) == []


def test_acks_without_the_gateways_word_say_that_it_is_denied(rights: Rights) -> None:
    rights.sent(f"{OWN}/health", 0.0)
    rights.hears(f"{OWN}/health", retained=False)
    rights.hears(f"{OWN}/ack", retained=True)
    assert rights.denied(LATER) == ["cannot read parking/v1/lot-1/gateway/health"]
    rights.hears("parking/v1/lot-1/gateway/health", retained=True)
    assert rights.denied(LATER) == []


def test_no_ack_and_no_word_may_be_a_lot_without_a_gateway(rights: Rights) -> None:
    rights.sent(f"{OWN}/health", 0.0)
    rights.hears(f"{OWN}/health", retained=False)
    assert rights.denied(LATER) == []
    assert "may this agent read" in rights.unread_ack()
    rights.hears(f"{OWN}/ack", retained=False)
    assert rights.unread_ack() == ""


def test_a_command_that_we_could_write_is_an_open_broker(rights: Rights) -> None:
    rights.hears(f"{OWN}/command", retained=False)
    (words,) = rights.news(0.0)
    assert "guards nothing" in words


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[Rig, FakeGateway]]]:
    """An agent and a gateway at a mosquitto with this ACL, each by its user name."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    ended: list[Callable[[], None]] = []

    def started(acl: str, protocol: str) -> tuple[Rig, FakeGateway]:
        port = free_port()
        mqtt = MqttSettings.model_validate(
            {"host": "127.0.0.1", "port": port, "protocol": protocol, "username": "pi-1"}
        )
        rig = Rig(tmp_path, mqtt)
        (tmp_path / "acl").write_text(acl.replace("lot-1", rig.lot_id))
        conf = f"listener {port} 127.0.0.1\nallow_anonymous true\nacl_file {tmp_path}/acl\n"
        (tmp_path / "conf").write_text(f"{conf}user root\n" if os.geteuid() == 0 else conf)
        child = Child("broker", [program, "-c", str(tmp_path / "conf")], tmp_path, port)
        child.start()
        ended.append(child.stop)
        ended.append(rig.stop)
        gateway = FakeGateway(mqtt.model_copy(update={"username": "gateway"}), rig.lot_id)
        ended.append(gateway.link.stop)
        return rig, gateway

    yield started
    for end in reversed(ended):
        end()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_with_all_rights_there_is_nothing_to_tell(
    start: Callable[..., tuple[Rig, FakeGateway]],
    protocol: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig, gateway = start(GOOD, protocol)
    gateway.come_up("one")
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    gateway.ack(rig.agent, 1)
    rig.acked(1)
    assert rig.publisher.rights
    rights = rig.publisher.rights
    rig.await_(lambda: set(rights.written) <= rights._proven)
    assert rights.denied(1e9) == []
    assert rights.forbidden not in rights._proven
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_silently_denied_publish_is_told_and_in_the_heartbeat(
    start: Callable[..., tuple[Rig, FakeGateway]],
    protocol: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acl = GOOD.replace(f"topic readwrite {OWN}/events\n", f"topic read {OWN}/events\n")
    rig, gateway = start(acl, protocol)
    rig.publisher.start()
    rights = rig.publisher.rights
    assert rights
    rig.await_(lambda: rights.written[0] in rights._sent_s)
    gateway.until(lambda: len(gateway.healths) >= 1)
    now_s = rig.publisher.monotonic
    rig.publisher.monotonic = lambda: now_s() + LATER
    gateway.until(lambda: "cannot write" in gateway.healths[-1].reason)
    assert gateway.healths[-1].health.value == "degraded"
    assert gateway.seqs == []
    rig.await_(lambda: f"cannot write {rights.written[0]}" in caplog.text)
    assert "lotkeeper gateway show pi-1" in caplog.text


def test_a_broker_that_guards_nothing_is_told(
    start: Callable[..., tuple[Rig, FakeGateway]], caplog: pytest.LogCaptureFixture
) -> None:
    rig, _ = start(GOOD.replace(f"topic read {OWN}/command", f"topic readwrite {OWN}/#"), "5")
    rig.publisher.start()
    rig.await_(lambda: "guards nothing" in caplog.text)
