"""The board, kept by a link to the broker. Its threads meet here and nowhere else."""

import logging
import threading
import uuid

import paho.mqtt.client as paho

from display.board import Arrival, Board, ShownLine
from display.config import DisplaySettings
from runtime.clock import Clock
from runtime.mqtt import Handlers, Link

log = logging.getLogger(__name__)


class Listener:
    """Listens until stopped. `changed` is set when there is something new to show.

    Raises ConfigError where a password or certificate cannot be used.
    """

    def __init__(self, settings: DisplaySettings, clock: Clock) -> None:
        self.changed = threading.Event()
        self._clock = clock
        self._board = Board(settings.lot_id, settings.lines)
        self._lock = threading.Lock()
        self._bad: set[str] = set()
        handlers = Handlers(
            message=self._take, connected=self._connected, disconnected=self._disconnected
        )
        # Behind a broker that names clients by certificate, the name of ours is not this one.
        client_id = f"{settings.lot_id}.display.{settings.display_id}.{uuid.uuid4().hex[:8]}"
        self.link = Link(settings.mqtt, client_id, handlers, clean=True)

    def shown(self) -> tuple[ShownLine, ...]:
        """Every line as it is now."""
        with self._lock:
            return self._board.shown(self._clock.monotonic())

    def _connected(self, session_present: bool) -> None:
        with self._lock:
            self._board.connected()
        for topic in self._board.topics:
            self.link.subscribe(topic)
        self.changed.set()

    def _disconnected(self) -> None:
        with self._lock:
            self._board.disconnected()
        self.changed.set()

    def _take(self, message: paho.MQTTMessage) -> None:
        arrival = Arrival(
            self._clock.monotonic(), self._clock.wall(), self._clock.synced(), message.retain
        )
        with self._lock:
            fault = self._board.take(message.topic, bytes(message.payload), arrival)
        self._note(message.topic, fault)
        self.changed.set()

    def _note(self, topic: str, fault: str) -> None:
        """A bad message is logged once until a good one comes: a flood must not fill the log."""
        if not fault:
            self._bad.discard(topic)
        elif topic not in self._bad:
            self._bad.add(topic)
            log.warning("ignored a message on %s: %s", topic, fault)
