"""The detector: (state, reading, now) -> (state, what it says). Pure: all state is in the state.

    reading -> faults: health of its sensor  --fault--> settling: unknown
            -> ranging | magnetic | fused: evidence --> settling: Change     (a spot)
            -> passage: Passage                                              (a lane)

Status and health are kept apart: a fault makes a spot's status `unknown`, never free.
`step` changes the state that it is given, which costs less than a copy at each sample, and
answers it; nothing is remembered anywhere else.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent.detector import faults, fused, magnetic, passage, ranging
from agent.detector.beside import hear
from agent.detector.changes import Change, HealthChange, Said
from agent.detector.doubt import told_late, told_only_late
from agent.detector.faults import Health, Watchfulness
from agent.detector.fused import FusedSettings
from agent.detector.magnetic import Magnetic, MagneticSettings
from agent.detector.moving import Movement
from agent.detector.passage import Lane, PassageSettings
from agent.detector.ranging import Ranging, RangingSettings
from agent.detector.settling import Settling, doubt, lose, settle
from agent.detector.state import Saved, State
from agent.detector.unheard import attend
from contract.words import HealthState, Status
from drivers import Quality, Reading, Vector

POLLED_FASTER_S = 2.0
"""No new data for less than this is no fault: chips are polled faster than they measure."""

DetectorSettings = RangingSettings | MagneticSettings | FusedSettings | PassageSettings


class Detector:
    """One spot's or lane's detector; holds settings alone."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.settings = settings

    def initial(self, now_s: float) -> State:
        """The state before the first reading, `now_s` in monotonic seconds."""
        ranger = self._ranger()
        state = State(faults.begin(now_s, is_ranger=ranger is not None), Lane(now_s))
        if isinstance(self.settings, FusedSettings):
            state.waker = faults.begin(now_s)
        if ranger is not None:
            state.ranging.floor_mm = state.ranging.given_floor_mm = ranger.floor_mm
        return state

    def resume(self, saved: dict[str, Any], now_s: float) -> State:
        """The state that `State.to_json` kept, on this boot's clock.

        What was published stands until the sensor says otherwise, so the same status again is
        no event. Raises ValueError (pydantic's) naming the field where `saved` is damaged.
        """
        state = self.initial(now_s)
        state.take(Saved.model_validate(saved))
        return state

    def step(self, state: State, reading: Reading | None, now_s: float) -> tuple[State, list[Said]]:
        """Take a reading, or None for one that did not come, at monotonic `now_s`.

        A fused spot's reading is told by its unit, None is the ranger's; one of the
        magnetometer's that did not come is a reading without data. Raises TypeError where a
        good reading is not of this detector's kind.
        """
        woken = state.waker is not None and reading is not None and reading.unit == "mG"
        watch = state.waker if woken and state.waker is not None else state.watch
        quality = self._quality(watch, reading, now_s)
        if quality is None:
            return state, []
        faults.note(watch, quality, now_s)
        if reading is None or quality is not Quality.OK:
            if not woken and doubt(state.settling):
                ranging.interrupt(state.ranging)
            return state, self._judged(state, watch, now_s)
        faults.note_raw(watch, reading.raw, now_s)
        learns = state.status is Status.FREE and state.health is HealthState.OK
        faults.note_temperature(watch, reading.temperature_c, learns, now_s)
        said = self._judged(state, watch, now_s)
        if watch.health[0] is not HealthState.FAULT:
            said += self._detect(state, reading, now_s)
        return state, said

    def hear(self, state: State, movement: Movement, who: str) -> None:
        """The field of an adjacent spot's magnetometer moved."""
        hear(state.magnetic, movement, who)

    def attend(self, state: State, who: str, measured_s: float) -> None:
        """An adjacent spot's magnetometer measured something new at `measured_s`."""
        attend(state.magnetic, who, measured_s)

    def measured_s(self, state: State) -> float:
        """When the magnetometer measured something new, for adjacent spots to `attend` to.

        Never, where it has no level from which it could tell a movement.
        """
        if state.waker is None:
            return state.watch.fresh_s
        field_ = state.magnetic
        is_lost = field_.is_uncertain and field_.apart is None
        return -math.inf if is_lost else state.waker.fresh_s

    def sample_s(self, state: State, unit: str, sample_s: float, now_s: float) -> float:
        """How long to wait for the next reading in `unit`, where `sample_s` is the full rate.

        The ranger of a fused spot sleeps while its magnetometer is well and nothing happens.
        """
        settings, waker = self.settings, state.waker
        if not isinstance(settings, FusedSettings) or waker is None or unit == "mG":
            return sample_s
        alert = (
            now_s < state.fused.awake_until_s
            or state.status is Status.UNKNOWN
            or state.settling.toward is not None
            or HealthState.OK is not waker.health[0]
            or state.watch.health[0] is HealthState.FAULT
            or state.watch.last is not Quality.OK
            or state.magnetic.baseline is None
        )
        return sample_s if alert else max(settings.asleep_sample_s, sample_s)

    def _ranger(self) -> RangingSettings | None:
        settings = self.settings
        if isinstance(settings, FusedSettings):
            return settings.ranging
        return settings if isinstance(settings, RangingSettings) else None

    def _quality(
        self, watch: Watchfulness, reading: Reading | None, now_s: float
    ) -> Quality | None:
        """What the reading is worth; None where it is no news at all."""
        if reading is None or not _is_finite(reading.value):
            return Quality.NO_DATA
        ranger = self._ranger()
        if watch.is_ranger and ranger is not None:
            return ranging.quality_of(ranger, reading, watch.strange)
        if reading.quality is Quality.NO_DATA and now_s - watch.good_s < POLLED_FASTER_S:
            return None
        return reading.quality

    def _judged(self, state: State, watch: Watchfulness, now_s: float) -> list[Said]:
        """Judge the sensor; a new fault of the spot takes the status with it."""
        if isinstance(self.settings, MagneticSettings):
            watch.lost = magnetic.doubtful(state.magnetic, now_s)
        faults.judge(watch, now_s)
        health = _together(state)
        if health == (state.health, state.reason):
            return []
        state.health, state.reason = health
        said: list[Said] = [HealthChange(*health, now_s)]
        if state.health is HealthState.FAULT:
            ranging.interrupt(state.ranging)
            change = lose(state.settling, now_s)
            if change is not None:
                said.append(change)
        return said

    def _detect(self, state: State, reading: Reading, now_s: float) -> list[Said]:
        value = reading.value
        if isinstance(value, tuple):
            found = self._field_found(state, value, reading.temperature_c, now_s)
        elif isinstance(value, int | float):
            found = self._distance_found(state, value, now_s)
        else:
            found = None
        if found is None:
            raise TypeError(_mismatch(self.settings.kind, reading))
        return [each for each in found if each is not None]

    def _field_found(
        self, state: State, vector: Vector, temperature_c: float | None, now_s: float
    ) -> Sequence[Said | None] | None:
        """None where this detector takes no field."""
        settings, settling, field_ = self.settings, state.settling, state.magnetic
        if isinstance(settings, MagneticSettings):
            return _magnetic(settings, field_, settling, vector, temperature_c, now_s)
        if isinstance(settings, PassageSettings):
            return [passage.step(settings, state.lane, field_, vector, now_s)]
        if isinstance(settings, FusedSettings):
            if state.watch.health[0] is HealthState.FAULT:
                fused.stand_in(settings, state.fused, field_, settling.status, state.watch.fresh_s)
                mine = settings.magnetic
                return _magnetic(mine, field_, settling, vector, temperature_c, now_s)
            fused.magnetised(
                settings, state.fused, field_, settling.status, vector, temperature_c, now_s
            )
            return []
        return None

    def _distance_found(
        self, state: State, distance_mm: float, now_s: float
    ) -> Sequence[Said | None] | None:
        """None where this detector takes no distance."""
        settings, settling = self.settings, state.settling
        if isinstance(settings, RangingSettings):
            return [_ranging(settings, state.ranging, settling, distance_mm, now_s)]
        if isinstance(settings, FusedSettings):
            field_s = -math.inf if state.waker is None else state.waker.fresh_s
            is_same = faults.is_stuck(state.watch, fused.SAME, 1)
            change = fused.ranged(
                settings,
                state.fused,
                state.ranging,
                settling,
                distance_mm,
                field_s,
                is_same,
                now_s,
            )
            if change is not None and change.status is not Status.UNKNOWN:
                is_fresh = now_s - field_s < fused.FRESH_S
                magnetic.told(state.magnetic, change.status, is_fresh, now_s)
            return [change]
        return None


def _ranging(
    settings: RangingSettings, state: Ranging, settling: Settling, distance_mm: float, now_s: float
) -> Change | None:
    side, crossed_s = ranging.sense(settings, state, settling.status, distance_mm, now_s)
    steady_s = ranging.steady_since_s(state, side)
    return settle(settling, side, crossed_s, now_s, settings.dwell_s(side), steady_s)


def _magnetic(
    settings: MagneticSettings,
    state: Magnetic,
    settling: Settling,
    vector: Vector,
    temperature_c: float | None,
    now_s: float,
) -> list[Change | None]:
    status = magnetic.believed(state, settling.status, settling.settled)
    sensed = magnetic.sense(settings, state, status, vector, temperature_c, now_s)
    if sensed is None:
        return []
    if magnetic.cannot_tell(state, sensed.evidence, status):
        return [lose(settling, now_s)]
    change = settle(
        settling, sensed.evidence, sensed.crossed_s, now_s, sensed.dwell_s, sensed.steady_since_s
    )
    if change is None:
        late = told_only_late(state, settling.status, magnetic.CONFIDENCE)
        if late and sensed.evidence is settling.status:
            magnetic.settled(state, settling.status, now_s)
            return late
        return []
    confidence = round(magnetic.CONFIDENCE * change.confidence, 3)
    found = told_late(state, replace(change, confidence=confidence))
    magnetic.settled(state, change.status, now_s)
    return found


def _together(state: State) -> Health:
    """A spot's health: of two sensors one that is well is enough to tell the status."""
    first, waker = state.watch.health, state.waker
    if waker is None:
        return first
    both = first, waker.health
    blind = waker.health[0] is HealthState.FAULT or state.magnetic.baseline is None
    if first[0] is HealthState.FAULT and blind:
        return first
    reasons = [reason for health, reason in both if health is not HealthState.OK]
    return (HealthState.DEGRADED, reasons[0]) if reasons else faults.OK


def _is_finite(value: float | Vector | None) -> bool:
    """Whether a value, if there is one, is made of numbers."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return all(map(math.isfinite, value))
    return math.isfinite(value)


_TAKES = {
    "ranging": "a distance in mm",
    "fused": "a distance in mm or a field vector in mG",
}


def _mismatch(kind: str, reading: Reading) -> str:
    wanted = _TAKES.get(kind, "a field vector in mG")
    return (
        f"a {kind} detector takes {wanted}, not {reading.value!r} {reading.unit}: "
        "set detector.kind to the sensor's kind"
    )
