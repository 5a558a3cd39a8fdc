"""The agents of a lot in one process, in the lot's own time: real code from sensor to broker.

Each agent has its store, its publisher and its connection; only the sensors are invented. One
loop polls in the order of the lot's time. A bay is sampled at 1 Hz around each true change and
every ten minutes in between, so that a week of a thousand bays takes minutes: each sample that
is taken goes through driver, detector and store as on a Pi.
"""

import heapq
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path

from agent.config import (
    AgentSettings,
    PublishSettings,
    SensorSettings,
    SpoolSettings,
    SpotSettings,
)
from agent.core import Agent
from agent.detector import MagneticSettings, RangingSettings
from agent.publisher import Publisher
from agent.store import AgentStore
from agent.watch import Watch
from lotkeeper import __version__
from runtime.mqtt import MqttSettings
from simulator.clock import LotClock

BEFORE_S = 5.0
AFTER_S = 40.0
QUIET_S = 600.0
FLOOR_MM = 2500.0

Interval = tuple[float, float]


def sample_times(
    intervals: Sequence[Interval], end_s: float, quiet_s: float = QUIET_S
) -> Iterator[float]:
    """When a bay is sampled up to `end_s`: densely around each change, sparsely between."""
    return takewhile(lambda at_s: at_s <= end_s, _endless_times(intervals, quiet_s))


def _endless_times(intervals: Sequence[Interval], quiet_s: float) -> Iterator[float]:
    windows = [(0.0, AFTER_S)]
    windows += [(at - BEFORE_S, at + AFTER_S) for each in intervals for at in each]
    now_s = 0.0
    for begin_s, until_s in windows:
        while now_s + quiet_s < begin_s:
            now_s += quiet_s
            yield now_s
        now_s = max(now_s, begin_s)
        while now_s < until_s:
            yield now_s
            now_s += 1.0
    yield from count(now_s + quiet_s, quiet_s)


def spot_settings(spot_id: str, number: int, intervals: Sequence[Interval]) -> SpotSettings:
    """Every other bay has a ranging sensor, the others a magnetic one."""
    ranging = number % 2 == 0
    sensor = SensorSettings.model_validate(
        {
            "kind": "simulated",
            "sensor": "ranging" if ranging else "magnetic",
            "seed": number,
            "floor_mm": FLOOR_MM,
            "sessions": [list(each) for each in intervals],
        }
    )
    detector = RangingSettings(floor_mm=FLOOR_MM) if ranging else MagneticSettings()
    return SpotSettings(spot_id=spot_id, sensor=sensor, detector=detector)


class SimulatedAgent:
    """One agent with its publisher, that can be unplugged and plugged in again."""

    def __init__(self, settings: AgentSettings, clock: LotClock, *, publishes: bool) -> None:
        self.settings = settings
        self.clock = clock
        self.publishes = publishes
        self.plugged = False
        self.agent: Agent
        self.publisher: Publisher | None = None
        self.watches: dict[str, Watch] = {}

    def plug(self) -> None:
        """Start it, if it does not run: from nothing, or from what its store holds."""
        if self.plugged:
            return
        spool = self.settings.spool
        store = AgentStore(spool.path, spool.limit_bytes)
        self.agent = Agent(self.settings, self.clock, store, __version__)
        if self.publishes:
            self.publisher = Publisher(self.agent, time.monotonic)
            self.publisher.start()
        self.watches = {watch.name: watch for watch in self.agent.watches}
        self.plugged = True

    def unplug(self) -> None:
        """Stop it; what was committed stays in its store."""
        if self.plugged:
            self.plugged = False
            if self.publisher:
                self.publisher.stop()
            self.agent.close()

    @property
    def waiting(self) -> int:
        """Records that the gateway has not acknowledged."""
        return self.agent.store.depth().waiting if self.plugged else 0


class SimulatedLot:
    """The agents of a lot and the loop that plays them.

    Agents that do not publish only fill their stores.
    """

    def __init__(
        self,
        lot_id: str,
        bays: Mapping[str, Sequence[Interval]],
        clock: LotClock,
        mqtt: MqttSettings,
        folder: Path,
        bays_an_agent: int,
        quiet_s: float = QUIET_S,
        *,
        publishes: bool = True,
    ) -> None:
        self.clock = clock
        self.quiet_s = quiet_s
        self.bays = bays
        self.stopping = threading.Event()
        names = list(bays)
        groups = [names[n : n + bays_an_agent] for n in range(0, len(names), bays_an_agent)]
        numbers = {name: number for number, name in enumerate(names)}
        self.agents = [
            SimulatedAgent(
                AgentSettings(
                    agent_id=f"pi-{index:02d}",
                    lot_id=lot_id,
                    mqtt=mqtt,
                    spool=SpoolSettings(path=folder / f"agent-{index:02d}.db"),
                    publish=PublishSettings(drain_per_s=20_000, jitter_s=0.2, heartbeat_s=5),
                    spots=[spot_settings(name, numbers[name], bays[name]) for name in group],
                ),
                clock,
                publishes=publishes,
            )
            for index, group in enumerate(groups)
        ]

    @property
    def layout(self) -> dict[str, str]:
        """Each bay's agent."""
        return {
            spot.spot_id: each.settings.agent_id
            for each in self.agents
            for spot in each.settings.spots
        }

    def start(self) -> None:
        """Plug every agent in."""
        for each in self.agents:
            each.plug()

    def play(self, end_s: float) -> Iterator[float]:
        """Poll every bay in the order of the lot's time; yields that time after each poll."""
        order = heapq.merge(*(self._polls(name, end_s) for name in self.bays))
        owners = {spot.spot_id: each for each in self.agents for spot in each.settings.spots}
        for at_s, name in order:
            if self.stopping.is_set():
                return
            self.clock.advance(at_s, self.stopping)
            owner = owners[name]
            if owner.plugged:
                owner.agent.poll(owner.watches[name])
            yield at_s

    def _polls(self, name: str, end_s: float) -> Iterator[tuple[float, str]]:
        return ((at_s, name) for at_s in sample_times(self.bays[name], end_s, self.quiet_s))

    def stop(self) -> None:
        """Stop every agent in order."""
        self.stopping.set()
        for each in self.agents:
            each.unplug()
