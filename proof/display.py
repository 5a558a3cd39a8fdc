"""A display at the gate, and the watcher that compares it with the street.

The display follows the contract: it shows a spot while its message has not run out (told anew
here, and not by `may_be_shown`), `gateway/health` says `up` and the broker is there; else it is
blank. Its own clock is right.
"""

import json
from datetime import datetime, timedelta
from typing import Any

import paho.mqtt.client as paho

from contract.topics import Topics
from proof.bays import LOT, Bays, mqtt_settings
from proof.hosts import Surroundings
from proof.link import SimulatedLink
from proof.machine import BEGIN, Process
from proof.plan import DISPLAY
from runtime.mqtt import Handlers, MqttSettings

LOOK_S = 2.0
RECOVERY_S = 80.0
"""A sensor's fault is told after 60 s, and its end after three good readings."""
WRONG_S = 42.0
"""How long (times the scale) a display may show what is no longer so: 20 s until an agent's silence
is noticed, 20 s of validity on a display that is cut off, and the watcher's own pause."""


class Display:
    """What is shown."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._topics = Topics(LOT)
        self.broker_up = self.gateway_up = False
        self.spots: dict[str, dict[str, Any]] = {}
        self.lot: dict[str, Any] | None = None
        handlers = Handlers(
            message=self._take, connected=self._connected, disconnected=self._disconnected
        )
        settings = MqttSettings.model_validate(mqtt_settings(around))
        process = Process(DISPLAY, lambda: None)
        self.link = SimulatedLink(
            around.broker, process, settings, f"{LOT}.{DISPLAY}", handlers, clean=True
        )

    def shows(self, spot: str) -> str:
        """The status of a spot, "" where it is blank."""
        return str(self.spots[spot]["status"]) if self.is_fresh(self.spots.get(spot)) else ""

    def is_fresh(self, message: dict[str, Any] | None) -> bool:
        """Whether a message may be shown."""
        if message is None or not (self.broker_up and self.gateway_up):
            return False
        now_s = self._around.schedule.now_s
        if now_s - message["arrived_s"] >= message["valid_for_s"]:
            return False
        now = BEGIN + timedelta(seconds=now_s)
        trusted = message["clock"] == "synced"
        return now < datetime.fromisoformat(message["valid_until"]) or not trusted

    def _connected(self, session_present: bool) -> None:
        self.broker_up = True
        root = self._topics.root
        for topic in ("spots/+/state", "occupancy", "gateway/health"):
            self.link.subscribe(f"{root}/{topic}")

    def _disconnected(self) -> None:
        self.broker_up = self.gateway_up = False

    def _take(self, message: paho.MQTTMessage) -> None:
        body = {**json.loads(message.payload), "arrived_s": self._around.schedule.now_s}
        if message.topic == self._topics.gateway_health:
            self.gateway_up = body["status"] == "up"
        elif message.topic == self._topics.occupancy:
            self.lot = body
        else:
            self.spots[body["spot_id"]] = body


class Watcher:
    """Looks from the display to the street and back, for as long as the world lasts."""

    def __init__(self, around: Surroundings, display: Display, agents: list[Bays]) -> None:
        self._around = around
        self._display = display
        self._plans = [(each.plan, spot) for each in agents for spot in each.plan.spots]
        self._wrong: dict[str, tuple[str, float]] = {}
        self.longest_s = 0.0
        scale = around.plan.scale
        self._limit_s = WRONG_S * scale
        self._pause_s = LOOK_S * scale

    def look(self) -> None:
        """Once, and again in a while."""
        now_s = self._around.schedule.now_s
        for plan, spot in self._plans:
            shown = self._display.shows(spot)
            truth = "occupied" if plan.occupied(spot, now_s) else "free"
            blind = any(a <= now_s < b + RECOVERY_S for a, b in plan.faults[spot])
            if shown in ("", "unknown", truth) or blind:
                self._wrong.pop(spot, None)
            else:
                self._note_wrong(spot, shown, now_s)
        self._around.schedule.after(self._pause_s, self.look)

    def _note_wrong(self, spot: str, shown: str, now_s: float) -> None:
        """What was shown before, and was as wrong, is another word: each has its own time."""
        before, since_s = self._wrong.get(spot, (shown, now_s))
        if before != shown:
            since_s = now_s
        self._wrong[spot] = shown, since_s
        wrong_s = now_s - since_s
        self.longest_s = max(self.longest_s, wrong_s)
        if wrong_s > self._limit_s:
            self._around.find(f"display: {spot} shown as {shown} for {wrong_s:.0f} s, wrongly")
            self._wrong[spot] = shown, float("inf")
