"""A display of the lot, as one at a gate would be: it knows what the broker tells it, no more.

Retained topics give spots, zones and the lot; a message that has run out is not shown.
The gateway's metrics page gives what operators watch: the sinks' accounts and events a second.
"""

import http.client
import threading
import time
import urllib.request
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import paho.mqtt.client as paho
from prometheus_client.parser import text_string_to_metric_families

from contract.health import GatewayHealth
from contract.occupancy import Occupancy, SpotState, may_be_shown
from contract.topics import Topics
from runtime.mqtt import Handlers, Link, MqttSettings

SCRAPE_S = 1.0
KEPT = 8


@dataclass
class Seen:
    """What the display knows."""

    spots: dict[str, SpotState] = field(default_factory=dict)
    zones: dict[str, Occupancy] = field(default_factory=dict)
    lot: Occupancy | None = None
    arrived_s: dict[str, float] = field(default_factory=dict)
    """When (monotonic) the newest message of each spot and zone came."""
    gateway_up: bool = False
    broker_up: bool = False
    changes: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    accepted: float = 0.0
    per_s: float = 0.0
    sinks: dict[str, dict[str, float]] = field(default_factory=dict)

    def fresh(self, message: SpotState | Occupancy) -> bool:
        """Whether a message may be shown: the gateway lives and the message has not run out."""
        now_s = time.monotonic()
        age_s = now_s - self.arrived_s.get(_name(message), now_s)
        return self.gateway_up and may_be_shown(message, datetime.now(UTC), age_s)


def _name(message: SpotState | Occupancy) -> str:
    if isinstance(message, SpotState):
        return f"spot {message.spot_id}"
    return f"zone {message.zone_id or ''}"


class Display:
    """Subscribes and scrapes in the background."""

    def __init__(self, mqtt: MqttSettings, lot_id: str, metrics_port: int) -> None:
        self.seen = Seen()
        self._topics = Topics(lot_id)
        self._metrics = f"http://127.0.0.1:{metrics_port}/metrics"
        self._stopping = threading.Event()
        handlers = Handlers(
            message=self._take, connected=self._subscribe, disconnected=self._disconnected
        )
        settings = mqtt.model_copy(update={"session_expiry_s": 0})
        self._link = Link(settings, f"display-{uuid.uuid4().hex[:8]}", handlers, clean=True)
        self._thread = threading.Thread(target=self._scrape, name="display", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._link.start()
        self._thread.start()

    def stop(self) -> None:
        """Look away."""
        self._stopping.set()
        self._link.stop()
        if self._thread.ident is not None:
            self._thread.join(5)

    def _subscribe(self, session_present: bool) -> None:
        self.seen.broker_up = True
        root = self._topics.root
        for topic in ("spots/+/state", "zones/+/occupancy", "occupancy", "gateway/health"):
            self._link.subscribe(f"{root}/{topic}")

    def _disconnected(self) -> None:
        self.seen.broker_up = self.seen.gateway_up = False

    def _take(self, message: paho.MQTTMessage) -> None:
        seen = self.seen
        if message.topic == self._topics.gateway_health:
            seen.gateway_up = GatewayHealth.model_validate_json(message.payload).status == "up"
        elif message.topic.endswith("/state"):
            state = SpotState.model_validate_json(message.payload)
            before = seen.spots.get(state.spot_id)
            if before is None or before.status != state.status:
                was = f" (was {before.status.value})" if before else ""
                seen.changes.append(f"{state.spot_id} {state.status.value}{was}")
            seen.spots[state.spot_id] = state
            seen.arrived_s[_name(state)] = time.monotonic()
        else:
            occupancy = Occupancy.model_validate_json(message.payload)
            seen.arrived_s[_name(occupancy)] = time.monotonic()
            if occupancy.zone_id is None:
                seen.lot = occupancy
            else:
                seen.zones[occupancy.zone_id] = occupancy

    def _scrape(self) -> None:
        last, last_s = 0.0, time.monotonic()
        while not self._stopping.wait(SCRAPE_S):
            try:
                with urllib.request.urlopen(self._metrics, timeout=2) as answer:
                    text = answer.read().decode()
            except (http.client.HTTPException, OSError):
                self.seen.sinks, self.seen.per_s = {}, 0.0  # the gateway is down: nobody knows
                continue
            self._read(text)
            now_s = time.monotonic()
            self.seen.per_s = max(self.seen.accepted - last, 0.0) / (now_s - last_s)
            last, last_s = self.seen.accepted, now_s

    def _read(self, text: str) -> None:
        accepted = 0.0
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "lotkeeper_accepted_records_total":
                    accepted += sample.value
                elif sample.name == "lotkeeper_sink_records":
                    sink = self.seen.sinks.setdefault(sample.labels["sink"], {})
                    sink[sample.labels["where"]] = sample.value
                elif sample.name == "lotkeeper_sink_failing":
                    self.seen.sinks.setdefault(sample.labels["sink"], {})["failing"] = sample.value
        self.seen.accepted = accepted
