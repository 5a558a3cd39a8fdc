"""The detector: (state, reading, now) -> (state, what changed). Pure; all state is in the state.

Status and health are kept apart: a fault makes the status `unknown`, it never makes it free.
`step` changes the state that it is given, which costs less than a copy at each sample, and
answers it; nothing is remembered anywhere else.
"""

from dataclasses import dataclass, field
from typing import Any

from agent import faults, magnetic, passage, ranging
from agent.changes import Change, HealthChange, Passage, Said
from agent.faults import Watchfulness
from agent.magnetic import Magnetic, MagneticSettings
from agent.passage import Lane, PassageSettings
from agent.ranging import Ranging, RangingSettings
from agent.settling import Settling, drop_pending, lose
from contract.words import HealthState, Status
from drivers import Quality, Reading

__all__ = [
    "Change",
    "Detector",
    "DetectorSettings",
    "HealthChange",
    "MagneticSettings",
    "Passage",
    "PassageSettings",
    "RangingSettings",
    "State",
]

POLLED_FASTER_S = 2.0
"""No new data for less than this is no fault: chips are polled faster than they measure."""

DetectorSettings = RangingSettings | MagneticSettings | PassageSettings


@dataclass(slots=True)
class State:
    """Everything that a detector remembers of its sensor."""

    watch: Watchfulness
    settling: Settling = field(default_factory=Settling)
    ranging: Ranging = field(default_factory=lambda: Ranging(None))
    magnetic: Magnetic = field(default_factory=Magnetic)
    lane: Lane = field(default_factory=Lane)
    health: HealthState = HealthState.OK
    reason: str = ""

    @property
    def status(self) -> Status:
        """What is published."""
        return self.settling.status

    def to_json(self) -> dict[str, Any]:
        """What outlives the process: what is settled and what was learnt, no timers."""
        return {
            "status": self.settling.status.value,
            "settled": self.settling.settled.value,
            "health": self.health.value,
            "reason": self.reason,
            "floor_mm": self.ranging.floor_mm,
            "baseline": self.magnetic.baseline,
            "sigma_mg": self.magnetic.sigma_mg,
        }


class Detector:
    """One sensor's detector; holds settings alone."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.settings = settings

    def initial(self, now_s: float) -> State:
        """The state before the first reading."""
        state = State(Watchfulness(good_s=now_s))
        if isinstance(self.settings, RangingSettings):
            state.ranging.floor_mm = self.settings.floor_mm
        return state

    def resume(self, saved: dict[str, Any], now_s: float) -> State:
        """The state that `State.to_json` kept, on this boot's clock.

        What was published stands until the sensor says otherwise, so the same status again is
        no event.
        """
        state = self.initial(now_s)
        state.settling.status = Status(saved["status"])
        state.settling.settled = Status(saved["settled"])
        drop_pending(state.settling)
        state.health, state.reason = HealthState(saved["health"]), saved["reason"]
        if state.ranging.floor_mm is None:
            state.ranging.floor_mm = saved["floor_mm"]
        state.magnetic.baseline = saved["baseline"]
        state.magnetic.sigma_mg = saved["sigma_mg"]
        return state

    def step(self, state: State, reading: Reading | None, now_s: float) -> tuple[State, list[Said]]:
        """Take a reading, or None for one that did not come."""
        quality = self._quality(reading, now_s - state.watch.good_s)
        if quality is None:
            return state, []
        faults.note(state.watch, quality, now_s)
        said: list[Said] = []
        self._take_health(state, said, now_s)
        if state.health is not HealthState.FAULT and quality is Quality.OK:
            assert reading is not None
            found = self._detect(state, reading, now_s)
            if found:
                said.append(found)
        return state, said

    def _quality(self, reading: Reading | None, silent_s: float) -> Quality | None:
        """What the reading is worth; None where it is no news at all."""
        if reading is None:
            return Quality.NO_DATA
        if isinstance(self.settings, RangingSettings):
            return ranging.quality_of(self.settings, reading)
        if reading.quality is Quality.NO_DATA and silent_s < POLLED_FASTER_S:
            return None  # polled faster than the chip measures
        return reading.quality

    def _take_health(self, state: State, said: list[Said], now_s: float) -> None:
        health, reason = faults.judge(state.watch, now_s)
        if (health, reason) == (state.health, state.reason):
            return
        state.health, state.reason = health, reason
        if health is HealthState.FAULT and not isinstance(self.settings, PassageSettings):
            change = lose(state.settling, now_s)
            if change:
                said.append(change)
                return  # the change carries the health
        said.append(HealthChange(health, reason, now_s))

    def _detect(self, state: State, reading: Reading, now_s: float) -> Said | None:
        settings, value = self.settings, reading.value
        if isinstance(settings, RangingSettings):
            assert isinstance(value, int | float)
            return ranging.step(settings, state.ranging, state.settling, value, now_s)
        assert isinstance(value, tuple)
        faults.note_raw(state.watch, reading)
        if isinstance(settings, MagneticSettings):
            return magnetic.step(settings, state.magnetic, state.settling, value, now_s)
        return passage.step(settings, state.lane, value, now_s)
