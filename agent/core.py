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
from agent.air import Air
from agent.config import AgentSettings, LaneSettings, SensorSettings, SpotSettings
from agent.detector import unknown
from agent.records import Moment
from agent.sensor import Sensor
from agent.store import AgentStore
from agent.watch import Watch
from contract.health import ConfigReport
from contract.words import ClockState
from drivers import SensorDriver, registry
from runtime.clock import Clock
from spool import Entry

log = logging.getLogger(__name__)

HUNG_S = 5.0

BuildDriver = Callable[[SensorSettings, Callable[[], float]], SensorDriver]
Polled = tuple[Watch, Sensor]


def driver_of(sensor: SensorSettings, monotonic: Callable[[], float]) -> SensorDriver:
    """The driver that a sensor's configuration names."""
    return registry.build(sensor.kind, sensor.options, monotonic)


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
        self.config = ConfigReport()
        self._was_synced = False
        now_s = clock.monotonic()
        self._air = Air(settings.air_temperature, clock.monotonic)
        sections: list[SpotSettings | LaneSettings] = [*settings.spots, *settings.lanes]
        self.watches = [self._watch(each, build) for each in sections]
        self._beside = _adjacent(settings.spots, self.watches)
        for watch in self.watches:
            kept = store.watched(watch.name)
            watch.begin(kept.detector if kept else None, now_s)
        for name, beside in self._beside.items():
            for each in beside:
                each.attend(now_s, name)
        self.birth_seq = self._birth(version)
        self._give_up_others()

    def _watch(self, section: SpotSettings | LaneSettings, build: BuildDriver) -> Watch:
        driver = build(section.sensor, self.clock.monotonic)
        waker = section.waker if isinstance(section, SpotSettings) else None
        waking = build(waker, self.clock.monotonic) if waker is not None else None
        return Watch(section, driver, self.settings.agent_id, waking)

    def _birth(self, version: str) -> int:
        spots = [spot.spot_id for spot in self.settings.spots]
        body = records.birth(self.session_id, version, spots, self.moment())
        return self.store.append_birth(records.encoded(body))

    def _give_up_others(self) -> None:
        """Nobody looks at what is no longer configured: its last word must not stand."""
        watched = {watch.name for watch in self.watches}
        for name in set(self.store.names()) - watched:
            kept = self.store.watched(name)
            if kept is None or kept.record is None or kept.record["status"] == "unknown":
                continue
            log.warning("%s is no longer configured", name)
            body = records.given_up(name, kept.record, self.moment())
            entry = Entry(name, records.encoded(body))
            self.store.append(name, [entry], unknown(kept.detector))

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

    def poll(self, watch: Watch, sensor: Sensor | None = None) -> None:
        """Read one sensor (the first), commit what came of it, and let the neighbours hear it."""
        self.polls += 1
        now_s, air_c = self.clock.monotonic(), self._air.temperature_c()
        self._commit(watch, watch.poll(now_s, self.moment, sensor, air_c))
        beside = self._beside.get(watch.name, [])
        movement = watch.moved() if beside else None
        for each in beside:
            each.attend(watch.measured_s(), watch.name)
            if movement:
                each.hear(movement, watch.name)

    def miss(self, watch: Watch, sensor: Sensor) -> None:
        """Note that a sensor did not answer: its bus hangs."""
        now_s = self.clock.monotonic()
        self._commit(watch, watch.take(sensor.missing(now_s), now_s, self.moment))

    def _commit(self, watch: Watch, entries: Sequence[Entry]) -> None:
        if entries:
            self.store.append(watch.name, entries, watch.saved())
            self.on_record(watch.name)

    def silent(self, since_s: float) -> list[str]:
        """Spots and lanes of which a sensor gave no good reading since monotonic `since_s`."""
        return [
            watch.name
            for watch in self.watches
            if any(each.good_s is None or each.good_s < since_s for each in watch.sensors)
        ]

    def relearn(self, watch: Watch, learnt: dict[str, Any]) -> None:
        """Have a detector go on from another empty bay, and keep that."""
        watch.relearn(learnt, self.clock.monotonic())
        self.store.keep_detector(watch.name, watch.saved())

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


def _adjacent(spots: Iterable[SpotSettings], watches: Iterable[Watch]) -> dict[str, list[Watch]]:
    """The watches beside each spot that has some; one of two neighbours names the other."""
    by_name = {watch.name: watch for watch in watches}
    pairs = {frozenset((spot.spot_id, name)) for spot in spots for name in spot.neighbours}
    beside: dict[str, list[Watch]] = {}
    for one, other in map(sorted, pairs):
        beside.setdefault(one, []).append(by_name[other])
        beside.setdefault(other, []).append(by_name[one])
    return beside


class BusThread(threading.Thread):
    """Polls the sensors of one bus in turn, so that a hung bus is a fault of its spots alone."""

    def __init__(self, agent: Agent, bus: str, polled: Iterable[Polled]) -> None:
        super().__init__(name=f"bus-{bus}", daemon=True)
        self.agent = agent
        self.bus = bus
        self.polled = list(polled)
        self.stopping = threading.Event()
        self.polling_since_s: float | None = None
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Poll until stopped; a failure that is no sensor's ends the thread and is kept."""
        try:
            while not self.stopping.is_set():
                self.poll_due()
                next_s = min(sensor.due_s for _, sensor in self.polled)
                clock = self.agent.clock
                clock.wait(self.stopping, next_s - clock.monotonic())
        except BaseException as error:
            log.exception("bus %s failed", self.bus)
            self.failure = error

    def poll_due(self) -> None:
        """Poll each sensor whose time has come and that does not sleep."""
        for watch, sensor in self.polled:
            now_s = self.agent.clock.monotonic()
            if sensor.due_s > now_s:
                continue
            sensor.due_s = max(sensor.due_s + sensor.pace_s, now_s)
            if watch.wants(sensor, now_s):
                self.polling_since_s = now_s
                self.agent.poll(watch, sensor)
                self.polling_since_s = None

    def hung(self) -> bool:
        """Whether a driver has not come back for far longer than it may take."""
        since = self.polling_since_s
        if since is None:
            return False
        allowed_s = max(sensor.driver.timeout_s for _, sensor in self.polled) + HUNG_S
        return self.agent.clock.monotonic() - since > allowed_s

    def miss_all(self) -> None:
        """Note a missed reading of every sensor of this bus."""
        for watch, sensor in self.polled:
            self.agent.miss(watch, sensor)


def buses(agent: Agent) -> list[BusThread]:
    """A thread for each bus that the agent's drivers share."""
    polled = [(watch, sensor) for watch in agent.watches for sensor in watch.sensors]
    names = dict.fromkeys(sensor.driver.bus for _, sensor in polled)
    return [
        BusThread(agent, bus, [each for each in polled if each[1].driver.bus == bus])
        for bus in names
    ]


def decoded(payload: bytes) -> dict[str, Any]:
    """A stored body."""
    body: dict[str, Any] = json.loads(payload)
    return body
