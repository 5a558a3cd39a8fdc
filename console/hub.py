"""What changes, as it changes: the lots' retained topics, passed on to whoever listens.

    broker -> paho's thread -> [what is kept of the lot is dropped] -> event loop -> each listener

The gateway says everything again before it runs out; only what differs is passed on.
"""

import asyncio
import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import paho.mqtt.client as paho

from console.lots import Lot
from contract.topics import Topics
from runtime.mqtt import Handlers, Link

log = logging.getLogger(__name__)

WAITING_AT_MOST = 1000
"""A listener that lets more than this wait is sent away: it reads the present and comes again."""
FILTERS = ("spots/+/state", "zones/+/occupancy", "occupancy", "alerts/+", "gateway/health")
ALWAYS_NEW = ("as_of", "valid_until", "valid_for_s")


class Change(NamedTuple):
    """What changed: of which lot, what kind of thing, which one, and what it is now."""

    lot_id: str
    kind: str
    name: str
    now: dict[str, Any] | None
    """None of an alert that is over."""


class Listener:
    """One who listens, on the event loop."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Change] = asyncio.Queue(WAITING_AT_MOST)
        self.too_slow = False

    def tell(self, change: Change) -> None:
        """Put it to what waits."""
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.too_slow = True


class Hub:
    """A link to each lot's broker, and those who listen in this process."""

    def __init__(self, lots: Mapping[str, Lot]) -> None:
        self._listeners: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watches = [_Watch(lot, self) for lot in lots.values()]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect; what is heard goes to `loop`."""
        self._loop = loop
        for watch in self._watches:
            watch.link.start()

    def stop(self) -> None:
        """Disconnect."""
        for watch in self._watches:
            watch.link.stop()

    def publish(self, change: Change) -> None:
        """Tell everybody; called on paho's threads."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, change)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener.tell(change)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """One who hears all changes from now on."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)


class _Watch:
    """One lot's topics. `_last` holds what each said, to tell a change from a repetition."""

    def __init__(self, lot: Lot, hub: Hub) -> None:
        self._lot = lot
        self._hub = hub
        self._topics = Topics(lot.lot_id)
        self._last: dict[str, Any] = {}
        client_id = f"{lot.lot_id}.console.{uuid.uuid4().hex[:8]}"
        handlers = Handlers(message=self._hear, connected=self._connected)
        settings = lot.mqtt.model_copy(update={"session_expiry_s": 0})
        self.link = Link(settings, client_id, handlers, clean=True)

    def _connected(self, session_present: bool) -> None:
        self._lot.live.drop()
        for each in FILTERS:
            self.link.subscribe(f"{self._topics.root}/{each}")

    def _hear(self, message: paho.MQTTMessage) -> None:
        kind, name = _what(message.topic.removeprefix(f"{self._topics.root}/"))
        now = json.loads(message.payload) if message.payload else None
        if now is not None and kind == "gateway":
            now = {"status": now.get("status")}  # its heartbeat differs each time
        told = now and {key: value for key, value in now.items() if key not in ALWAYS_NEW}
        if message.topic in self._last and self._last[message.topic] == told:
            return
        self._last[message.topic] = told
        if told is None:
            del self._last[message.topic]  # an alert that is over: they may be many
        self._lot.live.drop()
        self._hub.publish(Change(self._lot.lot_id, kind, name, now))


def _what(topic: str) -> tuple[str, str]:
    """The kind and the name of what a topic below the lot's root tells.

    >>> _what("spots/A1/state"), _what("zones/A/occupancy"), _what("occupancy")
    (('spot', 'A1'), ('zone', 'A'), ('lot', ''))
    >>> _what("alerts/overstay.A1"), _what("gateway/health")
    (('alert', 'overstay.A1'), ('gateway', ''))
    """
    head, _, rest = topic.partition("/")
    if head in ("spots", "zones", "alerts"):
        return head.removesuffix("s"), rest.partition("/")[0]
    return ("lot" if head == "occupancy" else "gateway"), ""
