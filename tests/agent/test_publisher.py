"""The publisher on real brokers, with a gateway that acknowledges when it is told to."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from agent.publisher import Publisher
from agent.testing import SetClock, ToldAgent, agent_settings
from contract.health import AgentHealth, GatewayHealth
from contract.requests import Ack
from contract.topics import Topics
from runtime.mqtt import Handlers, Link, MqttSettings

PATIENCE_S = 10.0
FAST = {"jitter_s": 0, "drain_per_s": 100_000, "backlog_records": 10, "heartbeat_s": 0.5}


class FakeGateway:
    """Hears what an agent publishes; acknowledges on request."""

    def __init__(self, mqtt: MqttSettings, lot_id: str, store_id: str = "store-1") -> None:
        self.topics = Topics(lot_id)
        self.store_id = store_id
        self.messages: list[Any] = []
        self.healths: list[AgentHealth] = []
        self._news = threading.Condition()
        self._ready = threading.Event()
        handlers = Handlers(message=self._take, connected=self._subscribe)
        self.link = Link(mqtt, f"gw-{uuid.uuid4().hex[:8]}", handlers, clean=True)
        self.link.start()
        assert self._ready.wait(PATIENCE_S)

    def _subscribe(self, session_present: bool) -> None:
        for channel in ("events", "health"):
            self.link.subscribe(self.topics.all_agents(channel))  # type: ignore[arg-type]
        self._ready.set()

    def _take(self, message: paho.MQTTMessage) -> None:
        with self._news:
            if message.topic.endswith("/health"):
                self.healths.append(AgentHealth.model_validate_json(message.payload))
            else:
                self.messages.append(json.loads(message.payload))
            self._news.notify_all()

    @property
    def records(self) -> list[dict[str, Any]]:
        """All records, in the order they came."""
        lists = [each if isinstance(each, list) else [each] for each in self.messages]
        return [record for each in lists for record in each]

    @property
    def seqs(self) -> list[int]:
        return [r["seq"] for r in self.records if r["type"] != "snapshot"]

    def until(self, true: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(true, PATIENCE_S), (self.records, self.healths)

    def ack(self, agent: ToldAgent, seq: int, resend_from: int | None = None) -> None:
        ack = Ack(store_id=self.store_id, epoch=agent.store.epoch, seq=seq, resend_from=resend_from)
        payload = ack.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.agent("pi-1", "ack"), payload, retain=True)

    def come_up(self, session: str) -> None:
        health = GatewayHealth(session_id=session, status="up")
        payload = health.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.gateway_health, payload, retain=True)


class Rig:
    """An agent with its publisher, and a gateway that hears it."""

    def __init__(self, folder: Path, mqtt: MqttSettings, **publish: Any) -> None:
        self.mqtt = mqtt
        self.lot_id = f"lot-{uuid.uuid4().hex[:8]}"
        settings = agent_settings(
            folder, spots=2, mqtt=mqtt.model_dump(), publish={**FAST, **publish}
        ).model_copy(update={"lot_id": self.lot_id})
        self.agent = ToldAgent(settings, SetClock())
        self.publisher = Publisher(self.agent.agent, time.monotonic)
        self._gateways: list[FakeGateway] = []

    def gateway(self, store_id: str = "store-1") -> FakeGateway:
        self._gateways.append(FakeGateway(self.mqtt, self.lot_id, store_id))
        return self._gateways[-1]

    def stop(self) -> None:
        self.publisher.stop()
        assert self.publisher.failure is None
        self.agent.agent.close()
        for gateway in self._gateways:
            gateway.link.stop()

    def acked(self, seq: int) -> None:
        """Wait until the agent knows of an acknowledgement."""
        self.await_(lambda: self.agent.store.acked_seq == seq)

    def await_(self, true: Callable[[], bool]) -> None:
        """Wait for a state of the publisher's thread, which offers no event."""
        deadline_s = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while not true():
            assert time.monotonic() < deadline_s, self.agent.store.acked_seq
            pause.wait(0.01)


def settings_of(broker: tuple[str, int], protocol: str = "3.1.1") -> MqttSettings:
    fast = {"reconnect_min_s": 0.1, "reconnect_max_s": 0.3}
    return MqttSettings.model_validate(
        {"host": broker[0], "port": broker[1], "protocol": protocol, **fast}
    )


@pytest.fixture(params=["iotcore", "mosquitto"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    if request.param == "iotcore":
        mqtt = settings_of(request.getfixturevalue("broker"))
    else:
        mqtt = settings_of(request.getfixturevalue("mosquitto"), "5")
    made = Rig(tmp_path, mqtt)
    yield made
    made.stop()


def test_what_was_seen_before_the_broker_was_reached_is_sent_in_order(rig: Rig) -> None:
    rig.agent.free()
    rig.agent.occupy()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4])
    assert [r["prev_seq"] for r in gateway.records] == [0, 1, 2, 3]
    assert {(r["agent_id"], r["epoch"]) for r in gateway.records} == {
        ("pi-1", rig.agent.store.epoch)
    }


def test_one_change_is_one_flat_object(rig: Rig) -> None:
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    assert isinstance(gateway.messages[0], dict)


def test_only_the_gateways_ack_frees_a_record(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.until(lambda: any(h.last_seq == 3 for h in gateway.healths))
    rig.await_(lambda: rig.publisher.pubacks >= 1)
    assert rig.agent.store.acked_seq == 0
    gateway.ack(rig.agent, 3)
    rig.acked(3)
    assert rig.agent.store.depth().waiting == 0


def test_an_ack_of_another_epoch_is_not_ours(rig: Rig) -> None:
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    stale = Ack(store_id="store-1", epoch="long-gone", seq=99)
    topic = gateway.topics.agent("pi-1", "ack")
    gateway.link.publish(topic, stale.model_dump_json().encode())
    gateway.link.publish(topic, b"not an ack")
    gateway.ack(rig.agent, 1)
    rig.acked(1)


def test_a_hole_is_filled_when_it_is_asked_for(rig: Rig) -> None:
    rig.agent.free()
    rig.agent.occupy()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4])
    gateway.ack(rig.agent, 2, resend_from=2)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4, 3, 4])
    assert gateway.records[4]["prev_seq"] == 2


def test_a_gateway_that_comes_again_gets_what_it_has_not_acknowledged(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    gateway.come_up("one")
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.ack(rig.agent, 1)
    rig.acked(1)
    beats = len(gateway.healths)
    gateway.come_up("two")
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 2, 3])
    gateway.until(lambda: len(gateway.healths) > beats)


def test_another_gateways_store_gets_everything_from_the_beginning(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.ack(rig.agent, 3)
    rig.acked(3)
    gateway.store_id = "store-2"
    gateway.ack(rig.agent, 0)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 1, 2, 3])
    assert gateway.records[3]["prev_seq"] == 0


def test_a_running_gateway_that_is_silent_is_told_again(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), ack_timeout_s=0.3)
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    gateway.come_up("one")
    gateway.until(lambda: gateway.seqs[:2] == [1, 1])
    rig.stop()


def test_the_present_goes_before_the_past_and_again_at_each_change(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), drain_per_s=100, batch=5)
    for _ in range(20):
        rig.agent.occupy()
        rig.agent.free()
    rig.agent.occupy(1)
    last = rig.agent.store.spool.last_seq
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: len(gateway.seqs) >= 5)
    rig.agent.free(1)
    gateway.until(lambda: gateway.seqs == list(range(1, last + 2)))
    kinds = [r["type"] == "snapshot" for r in gateway.records]
    assert kinds[:2] == [True, True]
    assert {r["spot_id"]: r["status"] for r in gateway.records[:2]} == {
        "A1": "free", "A2": "occupied",
    }  # fmt: skip
    again = [n for n, r in enumerate(gateway.records) if r["type"] == "snapshot"][2:]
    event = next(n for n, r in enumerate(gateway.records) if r["seq"] == last + 1 and not kinds[n])
    assert gateway.records[again[0]]["status"] == "free"
    assert again[0] < event
    assert all(r["historical"] for n, r in enumerate(gateway.records) if not kinds[n])
    rig.agent.occupy()
    gateway.until(lambda: gateway.seqs[-1] == last + 2)
    assert gateway.records[-1]["historical"] is False
    rig.stop()


def test_the_window_bounds_what_is_under_way(tmp_path: Path, broker: tuple[str, int]) -> None:
    rig = Rig(tmp_path, settings_of(broker), window_records=6, batch=4)
    for _ in range(10):
        rig.agent.occupy()
        rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: len(gateway.seqs) == 6)
    gateway.until(lambda: len(gateway.healths) >= 2)  # time passes and no more comes
    assert gateway.seqs == [1, 2, 3, 4, 5, 6]
    gateway.ack(rig.agent, 4)
    gateway.until(lambda: gateway.seqs == list(range(1, 11)))
    rig.stop()


def test_the_heartbeat_tells_of_sensors_spool_and_machine(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: any(h.status == "up" for h in gateway.healths))
    health = next(h for h in gateway.healths if h.status == "up")
    assert health.spots["A1"].value == 2500.0
    assert health.spots["A1"].status.value == "free"
    assert health.spool is not None
    assert health.spool.waiting == 3
    assert health.telemetry.versions["lotkeeper"]
    rig.publisher.stop()
    gateway.until(lambda: gateway.healths[-1].status == "down")
    assert gateway.healths[-1].session_id == health.session_id
