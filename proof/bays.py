"""An agent's Pi: the real agent and publisher, polled and stepped, over sensors that are told."""

import json
from collections.abc import Callable
from typing import Any, cast

from agent.config import AgentSettings, SensorSettings
from agent.core import Agent, BusThread, buses
from agent.publisher import Publisher
from agent.store import AgentStore
from drivers import DriverError, Quality, Reading
from proof.hosts import Host, Surroundings
from proof.ledger import AgentLedger
from proof.link import SimulatedLink, link_maker
from proof.machine import Process
from proof.plan import AgentPlan
from proof.schedule import Thread

LOT = "lot-1"
FLOOR_MM, ROOF_MM = 2500.0, 900.0
IDLE_S = 10.0
"""A bay is read so often (times the scale) while nothing happens there ..."""
BUSY_S = 6.0
"""... and each second for so long behind a change."""


def agent_settings(around: Surroundings, plan: AgentPlan) -> AgentSettings:
    """The agent.toml of one agent."""
    detector = {"kind": "ranging", "floor_mm": FLOOR_MM, "median_of": 1}
    return AgentSettings.model_validate(
        {
            "agent_id": plan.agent_id,
            "lot_id": LOT,
            "mqtt": mqtt_settings(around),
            "spool": {
                "path": around.folder / f"{plan.agent_id}.db",
                "limit_bytes": plan.limit_bytes,
            },
            "publish": dict(plan.publish),
            "spots": [
                {
                    "spot_id": spot,
                    "sensor": {"kind": "simulated"},
                    "detector": {**detector, "dwell_on_s": 2, "dwell_off_s": 2},
                }
                for spot in plan.spots
            ],
        }
    )


def mqtt_settings(around: Surroundings) -> dict[str, Any]:
    """The [mqtt] of every client."""
    scale = around.plan.scale
    return {
        "protocol": around.plan.protocol,
        "keepalive_s": int(5 * scale),
        "reconnect_min_s": 0.5 * scale,
        "reconnect_max_s": 4.0 * scale,
    }


class ScriptedSensor:
    """A ranger over a bay whose cars are planned."""

    unit = "mm"
    timeout_s = 0.1
    bus = "told"

    def __init__(self, plan: AgentPlan, spot: str, now: Callable[[], float], clock: Any) -> None:
        self._plan, self._spot, self._now, self._clock = plan, spot, now, clock

    def open(self) -> None:
        """Refused while the sensor is broken."""
        if not self._plan.senses(self._spot, self._now()):
            raise DriverError("no answer")

    def read(self) -> Reading:
        """The distance to the floor or to a car's roof."""
        self.open()
        at_s = self._now()
        value = ROOF_MM if self._plan.occupied(self._spot, at_s) else FLOOR_MM
        value += at_s * 997 % 7
        return Reading(value, "mm", Quality.OK, value, self._clock.monotonic())

    def close(self) -> None:
        """Nothing to let go."""


class Bays(Host):
    """One agent's machine."""

    def __init__(self, around: Surroundings, plan: AgentPlan) -> None:
        super().__init__(around, plan.agent_id, f"{LOT}.{plan.agent_id}")
        self.plan = plan
        self.settings = agent_settings(around, plan)
        self.ledger = AgentLedger(plan.agent_id)
        self.store: AgentStore | None = None
        self.ups: list[tuple[float, float]] = []
        self._turns = sorted(
            [at_s for each in plan.changes.values() for at_s in each]
            + [end for each in plan.faults.values() for _, end in each]
        )

    def build(self, process: Process) -> None:
        """The store, the agent over it, its publisher."""
        around = self.around
        self._began_s = around.schedule.now_s
        self._spots = iter(self.plan.spots)
        store = AgentStore(self.settings.spool.path, self.settings.spool.limit_bytes)
        self.store = store
        agent = Agent(self.settings, self.clock, store, "proof", build=self._sensor)
        make_link = link_maker(around.broker, process)
        self.publisher = Publisher(agent, self.clock.monotonic, make_link)
        self.agent = agent
        self.ledger.harvest(store)
        self._buses = buses(agent)
        self._poll = Thread(around.schedule, self.step(self._step_sensors))
        self._send = Thread(around.schedule, self.step(self._step_publisher))
        link = cast(SimulatedLink, self.publisher.link)
        link.told, link.seen = self._wake_publisher, self._judge_publish
        link.start()
        self._poll.wake(self.haste_s())
        self._wake_publisher()

    def abandon(self) -> None:
        """Close the database as a kernel does: without a word."""
        if self.store is not None:
            self.ledger.harvest(self.store)
            self.store._db.close()
            self.store = None
            self.ups.append((self._began_s, self.around.schedule.now_s))

    def say_goodbye(self, down_s: float) -> None:
        """SIGTERM."""
        if self.up:
            self.step(self._end)()
            self.kill(down_s)

    def _end(self) -> None:
        assert self.store is not None
        if self.publisher.link.connected:
            self.publisher._publish_retained_down()
        self.publisher.link.stop()
        self.agent.keep_states()
        self.store.keep_position()

    def up_during(self, begin_s: float, end_s: float) -> bool:
        """Whether one process ran all this time."""
        now = [(self._began_s, float("inf"))] if self.store is not None else []
        return any(a <= begin_s and end_s < b for a, b in [*self.ups, *now])

    def _sensor(self, sensor: SensorSettings, monotonic: Callable[[], float]) -> ScriptedSensor:
        spot = next(self._spots)  # a watch is built for each in their order, with one sensor
        return ScriptedSensor(self.plan, spot, lambda: self.around.schedule.now_s, self.clock)

    def _step_sensors(self) -> None:
        for bus in self._buses:
            self._poll_bus(bus)
        now_s = self.around.schedule.now_s
        idle_s = IDLE_S * self.around.plan.scale
        next_s = next((turn for turn in self._turns if turn > now_s), now_s + idle_s)
        last_s = next((turn for turn in reversed(self._turns) if turn <= now_s), 0.0)
        busy = now_s - max(last_s, self._began_s) < BUSY_S
        pause_s = 1.0 if busy else min(next_s - now_s, idle_s)
        self._poll.wake(pause_s + self.haste_s())

    def _poll_bus(self, bus: BusThread) -> None:
        bus.poll_due()
        assert self.store is not None
        if count := self.ledger.harvest(self.store):
            self.around.tell(self.name, f"commits {count}, up to {self.store.spool.last_seq}")
            self._wake_publisher()

    def _step_publisher(self) -> None:
        publisher = self.publisher
        publisher.step()
        wait_s = publisher.wait_s()
        self._send.wake(wait_s * self.around.plan.scale + self.haste_s())

    def _judge_publish(self, topic: str, payload: bytes) -> None:
        """Nothing is published that a crash could take back."""
        if not topic.endswith("/events"):
            return
        said = json.loads(payload)
        for each in said if isinstance(said, list) else [said]:
            place = (each["agent_id"], each["epoch"], each["seq"])
            if each["type"] != "gap" and place not in self.ledger.told:
                self.around.find(f"{self.name}: {place} published before its commit")

    def _wake_publisher(self) -> None:
        self._send.wake(self.haste_s())
