"""The gateway's service on a real broker: acks after commits, displays, requests, presence."""

import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.health import AgentHealth
from contract.occupancy import Occupancy, SpotState
from contract.topics import Topics
from contract.words import Status
from gateway import metrics
from gateway.ask import NoAnswer, ask
from gateway.config import GatewaySettings
from gateway.requests import ORDERS, QUESTIONS
from gateway.service import Service
from gateway.store import GatewayStore
from gateway.testing import changed, lot_settings
from runtime.clock import SystemClock
from runtime.mqtt import Handlers, Link, MqttSettings

PATIENCE_S = 10.0


class Wire:
    """A client that publishes as anybody and hears everything of a lot."""

    def __init__(self, mqtt: MqttSettings, lot_id: str) -> None:
        self.topics = Topics(lot_id)
        self.heard: dict[str, list[dict[str, Any]]] = {}
        self.raw: dict[str, bytes] = {}
        self._news = threading.Condition()
        self._ready = threading.Event()
        handlers = Handlers(message=self._take, connected=self._subscribe)
        self.link = Link(mqtt, f"wire-{uuid.uuid4().hex[:8]}", handlers, clean=True)
        self.link.start()
        assert self._ready.wait(PATIENCE_S)

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(f"{self.topics.root}/#")
        self._ready.set()

    def _take(self, message: paho.MQTTMessage) -> None:
        with self._news:
            self.raw[message.topic] = bytes(message.payload)
            self._news.notify_all()
            try:
                body = json.loads(message.payload)
            except ValueError:
                return
            self.heard.setdefault(message.topic, []).append(body)
            self._news.notify_all()

    def say(self, agent: str, *records: dict[str, Any] | bytes) -> None:
        for record in records:
            payload = record if isinstance(record, bytes) else json.dumps(record).encode()
            self.link.publish(self.topics.agent(agent, "events"), payload)

    def beat(self, agent: str, session: str, status: str = "up", **fields: Any) -> None:
        health = AgentHealth.model_validate({"session_id": session, "status": status, **fields})
        payload = health.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.agent(agent, "health"), payload, retain=True)

    def await_(self, topic: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message on `topic` that is `wanted`, past or to come."""

        def found() -> dict[str, Any] | None:
            return next((each for each in self.heard.get(topic, []) if wanted(each)), None)

        with self._news:
            assert self._news.wait_for(lambda: found() is not None, PATIENCE_S), (
                topic,
                self.heard.get(topic),
            )
        result = found()
        assert result is not None
        return result

    def await_raw(self, topic: str, payload: bytes) -> None:
        """Until the newest message on `topic` is `payload`."""
        with self._news:
            assert self._news.wait_for(lambda: self.raw.get(topic) == payload, PATIENCE_S)

    def await_status(self, spot: str, status: str, reason: str = "") -> SpotState:
        wanted = {"status": status, "reason": reason}
        body = self.await_(self.topics.spot(spot), lambda m: wanted.items() <= m.items())
        return SpotState.model_validate(body)

    def await_ack(self, agent: str, seq: int) -> dict[str, Any]:
        return self.await_(self.topics.agent(agent, "ack"), lambda m: m["seq"] == seq)


class Lot:
    """A gateway of a lot of its own on the shared broker, and a wire to it."""

    def __init__(self, folder: Path, broker: tuple[str, int], **sections: Any) -> None:
        self.mqtt = MqttSettings.model_validate(
            {"host": broker[0], "port": broker[1], "protocol": "3.1.1", "reconnect_min_s": 0.1}
        )
        self.settings: GatewaySettings = lot_settings(
            folder, mqtt=self.mqtt.model_dump(), **sections
        ).model_copy(update={"lot_id": f"lot-{uuid.uuid4().hex[:8]}"})
        self.wire = Wire(self.mqtt, self.settings.lot_id)
        self.start()

    def start(self) -> None:
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.store.register_sinks(["disk"])
        self.service = Service(self.settings, self.store, SystemClock("always"))
        self.service.start()
        topic = self.wire.topics.gateway_health
        session = self.service.session_id
        self.wire.await_(topic, lambda m: m["session_id"] == session and m["status"] == "up")

    def stop(self) -> None:
        self.service.stop()
        self.store.close()

    def ask(self, name: str, **data: Any) -> Any:
        return ask(self.mqtt, self.settings.lot_id, name, data)


@pytest.fixture
def lot(tmp_path: Path, broker: tuple[str, int]) -> Iterator[Lot]:
    made = Lot(tmp_path, broker)
    yield made
    made.stop()
    made.wire.link.stop()


def now(seq: int, status: str = "occupied", **fields: Any) -> dict[str, Any]:
    return changed(seq, status, timestamp=datetime.now(UTC).isoformat(), **fields)


def test_a_change_reaches_the_display_the_zone_and_the_lot(lot: Lot) -> None:
    lot.wire.say("pi-1", now(1), now(2, "free", spot_id="A2"))
    lot.wire.await_ack("pi-1", 2)
    state = lot.wire.await_status("A1", "occupied")
    assert state.valid_until > datetime.now(UTC)
    body = lot.wire.await_(lot.wire.topics.zone("A"), lambda m: m["coverage"] == 1)
    zone = Occupancy.model_validate(body)
    assert (zone.total, zone.free, zone.unknown, zone.coverage) == (2, 1, 0, 1.0)
    body = lot.wire.await_(lot.wire.topics.occupancy, lambda m: m["unknown"] == 1)
    assert (body["occupied"], body["total"]) == (1, 8)  # B1 was never heard of; L counts five


def test_the_ack_is_retained_for_an_agent_that_comes_back(lot: Lot) -> None:
    lot.wire.say("pi-1", now(1))
    lot.wire.await_ack("pi-1", 1)
    late = Wire(lot.mqtt, lot.settings.lot_id)
    assert late.await_ack("pi-1", 1)["store_id"] == lot.store.store_id
    late.link.stop()


def test_a_gateway_that_comes_again_goes_on_where_it_was(lot: Lot) -> None:
    lot.wire.say("pi-1", now(1))
    lot.wire.await_ack("pi-1", 1)
    lot.stop()
    lot.wire.say("pi-1", now(2, "free"))
    lot.start()
    lot.wire.await_ack("pi-1", 2)
    lot.wire.await_status("A1", "free")
    assert lot.store.spool.last_seq == 2


def test_poison_delays_nobody_and_can_be_looked_at_replayed_and_dropped(lot: Lot) -> None:
    lot.wire.say("pi-1", b"{not json", b"\xff\x00", now(1, spot_id="Z9"), now(2, "free"))
    lot.wire.await_ack("pi-1", 2)
    letters = lot.ask("dead-letters-list").data["dead_letters"]
    assert [each["reason"] for each in letters] == [
        "unknown_spot", "malformed_json", "malformed_json",
    ]  # fmt: skip
    shown = lot.ask("dead-letters-show", id=letters[1]["id"]).data
    assert shown["reason"] == "malformed_json"
    assert lot.ask("dead-letters-drop", id=letters[1]["id"]).status == "ok"
    assert lot.ask("dead-letters-replay", id=letters[2]["id"]).status == "ok"
    lot.wire.say("pi-1", now(3))
    lot.wire.await_ack("pi-1", 3)
    left = lot.ask("dead-letters-list").data["dead_letters"]
    assert [each["reason"] for each in left] == ["malformed_json", "unknown_spot"]
    assert lot.ask("dead-letters-show", id=99).error.startswith("id = 99")


def test_an_agent_that_leaves_or_dies_makes_its_spots_unknown(lot: Lot) -> None:
    wire = lot.wire
    for beat_ms in (1, 2):
        wire.beat("pi-1", "s1", epoch="e1", boot_id="b", monotonic_ms=beat_ms)
    wire.say("pi-1", now(1))
    wire.await_status("A1", "occupied")
    wire.beat("pi-1", "s0", "down")  # the will of a session that is long over
    wire.say("pi-1", now(2, "free"))
    wire.await_status("A1", "free")
    wire.beat("pi-1", "s1", "down")
    wire.await_status("A1", "unknown", "agent_offline")
    body = wire.await_(wire.topics.zone("A"), lambda m: m["unknown"] == 2)
    assert body["free"] == 0


def test_silence_makes_unknown_and_a_word_brings_back(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    lot = Lot(tmp_path, broker, presence={"offline_after_s": 1.0})
    lot.wire.say("pi-1", now(1))
    lot.wire.await_status("A1", "occupied")
    lot.wire.await_status("A1", "unknown", "agent_offline")
    lot.wire.heard.clear()
    for beat_ms in (1, 2):
        lot.wire.beat("pi-1", "s1", monotonic_ms=beat_ms)
    lot.wire.await_status("A1", "occupied")
    lot.stop()
    lot.wire.link.stop()


def test_two_holders_of_one_identity_are_noticed(lot: Lot) -> None:
    for beat_ms, session in enumerate(("s1", "s1", "s2", "s1")):
        lot.wire.beat("pi-1", session, monotonic_ms=beat_ms)
    lot.wire.say("pi-1", now(1))
    lot.wire.await_ack("pi-1", 1)
    (agent,) = lot.ask("agents").data["agents"]
    assert agent["clone_suspected"]


def test_requests_are_done_once_and_answered_alike(lot: Lot) -> None:
    topics = lot.wire.topics
    request = json.dumps({"transaction": "t1", "data": {"spot_id": "B1", "note": "paint"}})
    for _ in range(2):
        lot.wire.link.publish(topics.request("spot-close"), request.encode())
    lot.wire.await_status("B1", "closed")
    lot.wire.await_(topics.response("spot-close"), lambda m: m["status"] == "ok")
    lot.ask("ping")
    answers = lot.wire.heard[topics.response("spot-close")]
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert lot.ask("spot-open", spot_id="B1").status == "ok"
    lot.wire.await_status("B1", "unknown", "never_seen")


def test_a_bad_request_names_field_and_mend(lot: Lot) -> None:
    assert lot.ask("spot-close", spot_id="Z9").error == "spot_id = 'Z9': not in the lot's layout"
    assert "count = -1" in lot.ask("count-correct", zone_id="L", count=-1).error
    assert "limit = 0" in lot.ask("dead-letters-list", limit=0).error
    unknown = lot.ask("make-coffee").error
    assert all(name in unknown for name in QUESTIONS | ORDERS)


def test_a_persons_count_is_an_entry_of_the_ledger(lot: Lot) -> None:
    assert lot.ask("count-correct", zone_id="L", count=3).data["delta"] == 3
    assert lot.ask("count-correct", zone_id="L", count=2).data["delta"] == -1
    body = lot.wire.await_(lot.wire.topics.zone("L"), lambda m: m.get("counted") == 2)
    assert (body["source"], body["free"]) == ("counted", 3)


def test_nobody_there_is_told_in_words(tmp_path: Path, broker: tuple[str, int]) -> None:
    mqtt = MqttSettings.model_validate({"host": broker[0], "port": broker[1], "protocol": "3.1.1"})
    with pytest.raises(NoAnswer, match="the gateway does not"):
        ask(mqtt, "no-such-lot", "ping", {}, timeout_s=0.5)
    with pytest.raises(NoAnswer, match=r"no broker at 127\.0\.0\.1:1"):
        ask(mqtt.model_copy(update={"port": 1}), "no-such-lot", "ping", {}, timeout_s=0.5)


def test_the_metrics_account_for_every_record(lot: Lot) -> None:
    lot.wire.say("pi-1", now(1), now(2, "free"), now(3, spot_id="Z9"))
    lot.wire.await_ack("pi-1", 3)
    registry = metrics.registry_of(lot.service.lot, lot.service.forwarders)
    server, thread = metrics.serve(registry, "127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as page:
        text = page.read().decode()
    server.shutdown()
    server.server_close()
    thread.join()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["lotkeeper_accepted_records_total", "pi-1"] == 3
    assert samples["lotkeeper_dead_letters_total", "unknown_spot"] == 1
    assert samples["lotkeeper_ingest_total", "appended"] == 2
    assert samples["lotkeeper_spots", "free"] == 1 + 5


def test_a_flood_is_cut_and_the_lot_goes_on(lot: Lot) -> None:
    topic = lot.wire.topics.agent("pi-1", "events")
    for _ in range(3000):
        lot.wire.link.publish(topic, b"{" * 200, qos=0)
    began_s = time.monotonic()
    lot.wire.say("pi-1", now(1))
    lot.wire.await_ack("pi-1", 1)
    assert time.monotonic() - began_s < PATIENCE_S
    assert lot.ask("status").data["dead_letters"]["malformed_json"] > 0


def test_over_mqtt_5_on_mosquitto(tmp_path: Path, mosquitto: tuple[str, int]) -> None:
    settings = {"host": mosquitto[0], "port": mosquitto[1], "reconnect_min_s": 0.1}
    made = Lot.__new__(Lot)
    made.mqtt = MqttSettings.model_validate(settings)
    made.settings = lot_settings(tmp_path, mqtt=settings)
    made.wire = Wire(made.mqtt, "lot-1")
    made.start()
    made.wire.say("pi-1", [now(1), now(2, "free")])  # type: ignore[arg-type]
    made.wire.await_ack("pi-1", 2)
    assert made.wire.await_status("A1", "free").status is Status.FREE
    made.stop()
    down = made.wire.await_(made.wire.topics.gateway_health, lambda m: m["status"] == "down")
    assert down["session_id"] == made.service.session_id
    made.wire.link.stop()


def test_an_alert_that_nobody_keeps_is_ended_on_the_broker(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    """Red where the gateway does not look for what an earlier one left."""
    lot = Lot(tmp_path, broker)
    try:
        lot.service.stop()
        lot.store.close()
        topic = lot.wire.topics.alert("overstay.A2")
        lot.wire.link.publish(topic, b'{"text": "of a store that is gone"}', retain=True)
        lot.wire.await_(topic, lambda m: True)
        lot.start()
        lot.wire.await_raw(topic, b"")
    finally:
        lot.stop()
        lot.wire.link.stop()


def test_an_alert_is_raised_acknowledged_and_ended_over_mqtt(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rule = {"raise_after_s": 0, "clear_after_s": 0}
    lot = Lot(tmp_path, broker, alerts={"offline": rule})
    try:
        topic = lot.wire.topics.alert("offline.pi-1")
        lot.wire.await_(topic, lambda m: m["state"] == "raised")
        response = lot.ask("alerts-acknowledge", alert_id="offline.pi-1", by="ann")
        assert response.data["acknowledged_by"] == "ann"
        lot.wire.await_(topic, lambda m: m["state"] == "acknowledged")
        lot.wire.beat("pi-1", "s1", monotonic_ms=1)
        lot.wire.await_raw(topic, b"")
        assert lot.ask("alerts-list", all=True).data["past"][0]["resolved_by"] == "itself"
    finally:
        lot.stop()
        lot.wire.link.stop()
