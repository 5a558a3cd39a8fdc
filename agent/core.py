"""The agent without its threads: watches, their store, and the moment on the clock.

It senses and buffers from the first poll, broker or not, clock or not.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from agent import records
from agent.config import AgentSettings, LaneSettings, SpotSettings
from agent.records import Moment
from agent.store import AgentStore
from agent.watch import Watch
from contract.words import ClockState
from drivers import SensorDriver, registry
from runtime.clock import Clock
from spool import Entry

log = logging.getLogger(__name__)

HUNG_S = 5.0

BuildDriver = Callable[[SpotSettings | LaneSettings, Callable[[], float]], SensorDriver]


def driver_of(
    settings: SpotSettings | LaneSettings, monotonic: Callable[[], float]
) -> SensorDriver:
    """The driver that a spot's or lane's configuration names."""
    return registry.build(settings.sensor.kind, settings.sensor.options, monotonic)


class Agent:
    """Polls its watches when told to, and commits what they say before anybody hears of it.

    `on_record` is called after each commit with the spot's name, from the polling thread.
    """

    def __init__(
        self,
        settings: AgentSettings,
        clock: Clock,
        store: AgentStore,
        version: str,
        build: BuildDriver = driver_of,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.store = store
        self.session_id = uuid.uuid4().hex[:16]
        self.on_record: Callable[[str], None] = lambda name: None
        self.polls = 0
        self._was_synced = False
        now_s = clock.monotonic()
        sections: list[SpotSettings | LaneSettings] = [*settings.spots, *settings.lanes]
        self.watches = [
            Watch(each, build(each, clock.monotonic), settings.agent_id) for each in sections
        ]
        for watch in self.watches:
            kept = store.watched(watch.name)
            watch.begin(kept.detector if kept else None, now_s)
        self._birth(version)

    def _birth(self, version: str) -> None:
        spots = [spot.spot_id for spot in self.settings.spots]
        body = records.birth(self.session_id, version, spots, self.moment())
        self.store.append_birth(records.encoded(body))

    def moment(self) -> Moment:
        """Now; the first synced one of a boot is kept for what was seen before it."""
        clock = self.clock
        synced = clock.synced()
        now = Moment(
            clock.monotonic(),
            clock.wall(),
            ClockState.SYNCED if synced else ClockState.UNSYNCED,
            clock.boot_id,
        )
        if synced and not self._was_synced:
            self.store.keep_clock_pair(now.boot_id, int(now.monotonic_s * 1000), now.wall)
            self._was_synced = True
        return now

    def poll(self, watch: Watch) -> None:
        """Read one sensor and commit what came of it."""
        self.polls += 1
        self._commit(watch, watch.poll(self.clock.monotonic(), self.moment))

    def miss(self, watch: Watch) -> None:
        """Note that a sensor did not answer: its bus hangs."""
        self._commit(watch, watch.take(None, self.clock.monotonic(), self.moment))

    def _commit(self, watch: Watch, entries: Sequence[Entry]) -> None:
        if entries:
            self.store.append(watch.name, entries, watch.saved())
            self.on_record(watch.name)

    def snapshot(self, spot_id: str) -> dict[str, Any] | None:
        """The body and seq of a spot's last record, as a snapshot for the wire."""
        kept = self.store.watched(spot_id)
        if kept is None or kept.record is None:
            return None
        body = records.restamped(kept.record, self.store.clock_pair)
        fields = {name: value for name, value in body.items() if name != "previous"}
        return {**fields, "type": "snapshot", "seq": kept.seq}

    def keep_states(self) -> None:
        """Keep what the detectors learnt, for the next start."""
        for watch in self.watches:
            self.store.keep_detector(watch.name, watch.saved())

    def close(self) -> None:
        """Let the sensors go; keep the states."""
        for watch in self.watches:
            watch.close()
        self.keep_states()
        self.store.close()


class BusThread(threading.Thread):
    """Polls the watches of one bus in turn, so that a hung bus is a fault of its spots alone."""

    def __init__(self, agent: Agent, bus: str, watches: Iterable[Watch]) -> None:
        super().__init__(name=f"bus-{bus}", daemon=True)
        self.agent = agent
        self.bus = bus
        self.watches = list(watches)
        self.stopping = threading.Event()
        self.polling_since_s: float | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Poll until stopped; a failure that is no sensor's ends the thread and is kept."""
        try:
            while not self.stopping.is_set():
                self.poll_due()
                next_s = min(watch.due_s for watch in self.watches)
                clock = self.agent.clock
                clock.wait(self.stopping, next_s - clock.monotonic())
        except BaseException as error:
            log.exception("bus %s failed", self.bus)
            self.failure = error

    def poll_due(self) -> None:
        """Poll each watch whose time has come."""
        for watch in self.watches:
            now_s = self.agent.clock.monotonic()
            if watch.due_s > now_s:
                continue
            watch.due_s = max(watch.due_s + watch.settings.sample_s, now_s)
            self.polling_since_s = now_s
            self.agent.poll(watch)
            self.polling_since_s = None

    def hung(self) -> bool:
        """Whether a driver has not come back for far longer than it may take."""
        since = self.polling_since_s
        if since is None:
            return False
        allowed_s = max(watch.driver.timeout_s for watch in self.watches) + HUNG_S
        return self.agent.clock.monotonic() - since > allowed_s

    def miss_all(self) -> None:
        """Note a missed reading of every sensor of this bus."""
        for watch in self.watches:
            self.agent.miss(watch)


def buses(agent: Agent) -> list[BusThread]:
    """A thread for each bus that the agent's drivers share."""
    names = dict.fromkeys(watch.driver.bus for watch in agent.watches)
    return [
        BusThread(agent, bus, [w for w in agent.watches if w.driver.bus == bus]) for bus in names
    ]


def decoded(payload: bytes) -> dict[str, Any]:
    """A stored body."""
    body: dict[str, Any] = json.loads(payload)
    return body
