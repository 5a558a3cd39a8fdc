"""What changes, as it changes: the lots' retained topics, passed on to whoever listens.

    broker -> paho's thread -> [what is kept of the lot is dropped] -> event loop -> each listener

The gateway says everything again before it runs out; only what differs is passed on, and a
lot's counts to those who show until when they hold.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from console.line import Watcher
from console.lots import Lot

WAITING_AT_MOST = 1000
"""A listener that lets more than this wait is sent away: it reads the present and comes again."""
FILTERS = ("spots/+/state", "zones/+/occupancy", "occupancy", "alerts/+", "gateway/health")
ALWAYS_NEW = ("as_of", "valid_until", "valid_for_s")


@dataclass(frozen=True, eq=False)
class Change:
    """What changed: of which lot, what kind of thing, which one, and what it is now."""

    lot_id: str
    kind: str
    name: str
    now: dict[str, Any] | None
    """None of an alert that is over."""
    again: bool = False
    """Nothing differs but until when it holds: a lot's counts, for who asks for them."""


class Listener:
    """One who listens, on the event loop."""

    def __init__(self, again: bool = False) -> None:
        self._again = again
        self.waiting: asyncio.Queue[Change] = asyncio.Queue(WAITING_AT_MOST)
        self.too_slow = False

    def tell(self, change: Change) -> None:
        """Put it to what waits."""
        if change.again and not self._again:
            return
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.too_slow = True


class Hub:
    """What each lot's line hears, and those who listen in this process."""

    def __init__(self, lots: Mapping[str, Lot]) -> None:
        self._listeners: set[Listener] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watches = [_Watch(lot, self) for lot in lots.values()]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect; what is heard goes to `loop`."""
        self._loop = loop
        for watch in self._watches:
            watch.begin()

    def stop(self) -> None:
        """Disconnect."""
        for watch in self._watches:
            watch.end()

    def publish(self, change: Change) -> None:
        """Tell everybody; called on paho's threads."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, change)

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener.tell(change)

    @contextmanager
    def listening(self, again: bool = False) -> Iterator[Listener]:
        """One who hears all changes from now on; with `again`, a lot's counts each time."""
        listener = Listener(again)
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
        self._last: dict[str, Any] = {}

    def begin(self) -> None:
        """Hear."""
        self._lot.live.line.watch(Watcher(FILTERS, self._hear, self._lot.live.drop))

    def end(self) -> None:
        """Disconnect."""
        self._lot.live.line.close()

    def _hear(self, topic: str, now: Any) -> None:
        kind, name = _what(topic)
        if now is not None and kind == "gateway":
            now = {"status": now.get("status")}  # its heartbeat differs each time
        told = now and {key: value for key, value in now.items() if key not in ALWAYS_NEW}
        if topic in self._last and self._last[topic] == told:
            if kind == "lot":
                self._hub.publish(Change(self._lot.lot_id, kind, name, now, again=True))
            return
        self._last[topic] = told
        if told is None:
            del self._last[topic]  # an alert that is over: they may be many
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
