"""What tests of the agent share: a clock to set, a sensor that says what it is told, and a gateway
that acknowledges when it is told to."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from agent.config import AgentSettings
from agent.core import Agent
from agent.publisher import Publisher
from agent.store import AgentStore
from contract.health import AgentHealth, GatewayHealth
from contract.requests import Ack
from contract.topics import Topics
from drivers import DriverError, Quality, Reading
from runtime.mqtt import Handlers, Link, MqttSettings

PATIENCE_S = 10.0
FAST = {"jitter_s": 0, "drain_per_s": 100_000, "backlog_records": 10, "heartbeat_s": 0.5}
SYNCED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands until it is moved. Unsynced, it believes that it is 1970."""

    def __init__(self, *, synced: bool = True, boot_id: str = "boot-1") -> None:
        self.now_s = 1000.0
        self.is_synced = synced
        self.boot_id = boot_id

    def monotonic(self) -> float:
        """Seconds."""
        return self.now_s

    def wall(self) -> datetime:
        """SYNCED_AT at 1000 s, or as many seconds after 1970."""
        begin = SYNCED_AT if self.is_synced else datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)
        return begin + timedelta(seconds=self.now_s - 1000.0)

    def synced(self) -> bool:
        """As it was set."""
        return self.is_synced

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move instead of waiting."""
        self.now_s += max(seconds, 0.0)
        return event.is_set()


class ToldSensor:
    """A ranging sensor on `bus`; `says` is a distance in mm, None for no echo, or an error."""

    unit = "mm"
    timeout_s = 0.1

    def __init__(self, monotonic: Callable[[], float], bus: str = "told") -> None:
        self.bus = bus
        self.says: float | DriverError | None = 2500.0
        self.opens = 0
        self._monotonic = monotonic

    def open(self) -> None:
        """Counted."""
        self.opens += 1
        if isinstance(self.says, DriverError):
            raise self.says

    def read(self) -> Reading:
        """What was told."""
        if isinstance(self.says, DriverError):
            raise self.says
        quality = Quality.OK if self.says is not None else Quality.NO_ECHO
        return Reading(self.says, "mm", quality, self.says, self._monotonic())

    def close(self) -> None:
        """Nothing to let go."""


def agent_settings(
    folder: Path, spots: int | list[dict[str, Any]] = 1, **sections: Any
) -> AgentSettings:
    """An agent pi-1 of lot-1 with spots A1, A2, ... that confirm after 2 s, or with these."""
    return AgentSettings.model_validate(
        {
            "agent_id": "pi-1",
            "lot_id": "lot-1",
            "spool": {"path": folder / "agent.db"},
            "spots": spots
            if isinstance(spots, list)
            else [
                {
                    "spot_id": f"A{n + 1}",
                    "sensor": {"kind": "simulated"},
                    "detector": {
                        "kind": "ranging",
                        "floor_mm": 2500,
                        "dwell_on_s": 2,
                        "dwell_off_s": 2,
                    },
                }
                for n in range(spots)
            ],
            **sections,
        }
    )


class ToldAgent:
    """An agent whose sensors say what they are told, polled by hand on a set clock."""

    def __init__(self, settings: AgentSettings, clock: SetClock) -> None:
        self.settings = settings
        self.clock = clock
        self.sensors: list[ToldSensor] = []
        self.store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
        self.agent = Agent(settings, clock, self.store, "test", build=self._build)

    def _build(self, settings: Any, monotonic: Callable[[], float]) -> ToldSensor:
        self.sensors.append(ToldSensor(monotonic))
        return self.sensors[-1]

    def run(self, seconds: float) -> None:
        """Poll every sensor each second."""
        for _ in range(int(seconds)):
            self.clock.now_s += 1
            for watch in self.agent.watches:
                self.agent.poll(watch)

    def occupy(self, spot: int = 0) -> None:
        """A car comes and is confirmed."""
        self.sensors[spot].says = 900.0
        self.run(6)

    def free(self, spot: int = 0) -> None:
        """It leaves and that is confirmed."""
        self.sensors[spot].says = 2500.0
        self.run(6)


class FakeGateway:
    """Hears what an agent publishes; acknowledges on request."""

    def __init__(self, mqtt: MqttSettings, lot_id: str, store_id: str = "store-1") -> None:
        self.topics = Topics(lot_id)
        self.store_id = store_id
        self.messages: list[Any] = []
        self.healths: list[AgentHealth] = []
        self._news = threading.Condition()
        self._ready = threading.Event()
        self._probe = f"probe/{uuid.uuid4().hex}"
        handlers = Handlers(
            message=self._take, connected=self._subscribe, published=self._note_puback
        )
        self.link = Link(mqtt, f"gw-{uuid.uuid4().hex[:8]}", handlers, clean=True)
        self.link.start()
        assert self._ready.wait(PATIENCE_S)

    def _subscribe(self, session_present: bool) -> None:
        for channel in ("events", "health"):
            self.link.subscribe(self.topics.all_agents(channel))
        # The broker takes one after the other: what comes back was behind the subscriptions.
        self.link.subscribe(self._probe)
        self.link.publish(self._probe, b"heard?")

    def _note_puback(self, mid: int, refused: bool) -> None:
        with self._news:
            self._news.notify_all()

    def _take(self, message: paho.MQTTMessage) -> None:
        if message.topic == self._probe:
            self._ready.set()
            return
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
        """The records' numbers, snapshots left out."""
        return [r["seq"] for r in self.records if r["type"] != "snapshot"]

    def until(self, true: Callable[[], bool]) -> None:
        """Wait for it, looked at again after each message."""
        with self._news:
            assert self._news.wait_for(true, PATIENCE_S), (self.records, self.healths)

    def ack(self, agent: ToldAgent, seq: int, resend_from: int | None = None) -> None:
        """Acknowledge all up to `seq`."""
        ack = Ack(store_id=self.store_id, epoch=agent.store.epoch, seq=seq, resend_from=resend_from)
        payload = ack.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.agent("pi-1", "ack"), payload, retain=True)

    def come_up(self, session: str) -> None:
        """Say that the gateway runs; the broker has it when this returns."""
        health = GatewayHealth(session_id=session, status="up")
        payload = health.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.gateway_health, payload, retain=True)
        self.until(lambda: not self.link.under_way)


class Rig:
    """An agent with its publisher, and a gateway that hears it."""

    def __init__(
        self, folder: Path, mqtt: MqttSettings, clock: SetClock | None = None, **publish: Any
    ) -> None:
        self.mqtt = mqtt
        self.lot_id = f"lot-{uuid.uuid4().hex[:8]}"
        settings = agent_settings(
            folder, spots=2, mqtt=mqtt.model_dump(), publish={**FAST, **publish}
        ).model_copy(update={"lot_id": self.lot_id})
        self.agent = ToldAgent(settings, clock or SetClock())
        self.publisher = Publisher(self.agent.agent, time.monotonic)
        self._gateways: list[FakeGateway] = []

    def gateway(self, store_id: str = "store-1") -> FakeGateway:
        """One that hears the agent from now on."""
        self._gateways.append(FakeGateway(self.mqtt, self.lot_id, store_id))
        return self._gateways[-1]

    def stop(self) -> None:
        """Stop all that runs; a failure of the publisher is the test's."""
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
    """A broker's settings, with quick reconnects."""
    fast = {"reconnect_min_s": 0.1, "reconnect_max_s": 0.3}
    return MqttSettings.model_validate(
        {"host": broker[0], "port": broker[1], "protocol": protocol, **fast}
    )
