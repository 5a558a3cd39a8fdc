"""The detector: (state, reading, now) -> (state, what it says). Pure: all state is in the state.

    reading -> faults: health  --fault-->  settling: unknown
            -> ranging | magnetic: evidence -> settling: Change      (a spot)
            -> passage: Passage                                      (a lane)

Status and health are kept apart: a fault makes a spot's status `unknown`, never free.
`step` changes the state that it is given, which costs less than a copy at each sample, and
answers it; nothing is remembered anywhere else.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from agent import faults, magnetic, passage, ranging
from agent.changes import Change, HealthChange, Passage, Said
from agent.faults import Watchfulness
from agent.magnetic import Magnetic, MagneticSettings
from agent.passage import Lane, PassageSettings
from agent.ranging import Ranging, RangingSettings
from agent.settling import Settling, doubt, lose
from contract.words import HealthState, Status
from drivers import Quality, Reading, Vector

__all__ = [
    "Change",
    "Detector",
    "DetectorSettings",
    "HealthChange",
    "MagneticSettings",
    "Passage",
    "PassageSettings",
    "RangingSettings",
    "Said",
    "Saved",
    "State",
]

POLLED_FASTER_S = 2.0
"""No new data for less than this is no fault: chips are polled faster than they measure."""

DetectorSettings = RangingSettings | MagneticSettings | PassageSettings


class Saved(BaseModel):
    """What outlives the process: what is settled and what was learnt, no times and no timers.

    Monotonic time begins anew at a boot, so nothing here depends on it. Unknown fields are
    ignored and missing ones have defaults: a newer or older agent's state can be read.
    """

    status: Status = Status.UNKNOWN
    settled: Status = Status.UNKNOWN
    health: HealthState = HealthState.OK
    reason: str = ""
    floor_mm: float | None = None
    baseline: Vector | None = None
    sigma_mg: float = 0.0


@dataclass(slots=True)
class State:
    """Everything that a detector remembers of its sensor."""

    watch: Watchfulness
    lane: Lane
    settling: Settling = field(default_factory=Settling)
    ranging: Ranging = field(default_factory=Ranging)
    magnetic: Magnetic = field(default_factory=Magnetic)
    health: HealthState = HealthState.OK
    reason: str = ""

    @property
    def status(self) -> Status:
        """What is published."""
        return self.settling.status

    def to_json(self) -> dict[str, Any]:
        """What `Detector.resume` takes back."""
        saved = Saved(
            status=self.settling.status,
            settled=self.settling.settled,
            health=self.health,
            reason=self.reason,
            floor_mm=self.ranging.floor_mm,
            baseline=self.magnetic.baseline,
            sigma_mg=self.magnetic.sigma_mg,
        )
        return saved.model_dump(mode="json")


class Detector:
    """One sensor's detector; holds settings alone."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.settings = settings

    def initial(self, now_s: float) -> State:
        """The state before the first reading, `now_s` in monotonic seconds."""
        state = State(faults.begin(now_s), Lane(now_s))
        if isinstance(self.settings, RangingSettings):
            state.ranging.floor_mm = self.settings.floor_mm
        return state

    def resume(self, saved: dict[str, Any], now_s: float) -> State:
        """The state that `State.to_json` kept, on this boot's clock.

        What was published stands until the sensor says otherwise, so the same status again is
        no event. Raises ValueError (pydantic's) naming the field where `saved` is damaged.
        """
        kept = Saved.model_validate(saved)
        state = self.initial(now_s)
        state.settling.status, state.settling.settled = kept.status, kept.settled
        state.health, state.reason = kept.health, kept.reason
        if state.ranging.floor_mm is None:
            state.ranging.floor_mm = kept.floor_mm
        state.magnetic.baseline, state.magnetic.sigma_mg = kept.baseline, kept.sigma_mg
        return state

    def step(self, state: State, reading: Reading | None, now_s: float) -> tuple[State, list[Said]]:
        """Take a reading, or None for one that did not come, at monotonic `now_s`.

        Raises TypeError where a good reading is not of this detector's kind.
        """
        quality = self._quality(reading, now_s - state.watch.good_s)
        if quality is None:
            return state, []
        watch = state.watch
        faults.note(watch, quality, now_s)
        if reading is None or quality is not Quality.OK:
            if doubt(state.settling):
                ranging.interrupt(state.ranging)
            return state, self._judged(state, now_s)
        if not isinstance(self.settings, RangingSettings):
            faults.note_raw(watch, reading.raw)
        said = self._judged(state, now_s)
        if state.health is not HealthState.FAULT:
            found = self._detect(state, reading, now_s)
            if found is not None:
                said.append(found)
        return state, said

    def _quality(self, reading: Reading | None, silent_s: float) -> Quality | None:
        """What the reading is worth; None where it is no news at all."""
        if reading is None or not _is_finite(reading.value):
            return Quality.NO_DATA
        if isinstance(self.settings, RangingSettings):
            return ranging.quality_of(self.settings, reading)
        if reading.quality is Quality.NO_DATA and silent_s < POLLED_FASTER_S:
            return None
        return reading.quality

    def _judged(self, state: State, now_s: float) -> list[Said]:
        """Judge the sensor; a new fault takes the status with it."""
        before = state.health, state.reason
        health = faults.judge(state.watch, before, now_s)
        if health == before:
            return []
        state.health, state.reason = health
        said: list[Said] = [HealthChange(*health, now_s)]
        if state.health is HealthState.FAULT:
            ranging.interrupt(state.ranging)
            change = lose(state.settling, now_s)
            if change is not None:
                said.append(change)
        return said

    def _detect(self, state: State, reading: Reading, now_s: float) -> Change | Passage | None:
        settings, value = self.settings, reading.value
        if isinstance(settings, RangingSettings):
            if not isinstance(value, int | float):
                raise TypeError(_mismatch("ranging", "a distance in mm", reading))
            return ranging.step(settings, state.ranging, state.settling, value, now_s)
        if not isinstance(value, tuple):
            raise TypeError(_mismatch(settings.kind, "a field vector in mG", reading))
        if isinstance(settings, MagneticSettings):
            return magnetic.step(settings, state.magnetic, state.settling, value, now_s)
        return passage.step(settings, state.lane, state.magnetic, value, now_s)


def _is_finite(value: float | Vector | None) -> bool:
    """Whether a value, if there is one, is made of numbers."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return all(map(math.isfinite, value))
    return math.isfinite(value)


def _mismatch(kind: str, wanted: str, reading: Reading) -> str:
    return (
        f"a {kind} detector takes {wanted}, not {reading.value!r} {reading.unit}: "
        "set detector.kind to the sensor's kind"
    )
