"""Where a detector's thresholds lie, given what it has learnt. Pure."""

import math
from dataclasses import dataclass

from agent.detector import RangingSettings, Saved
from agent.tools.sensors import OneSensor
from drivers import Reading, Vector


@dataclass(frozen=True, slots=True)
class Limits:
    """Occupied is beyond `on`, free on this side of `off`; `rest` is what an empty bay shows.

    In mm from the sensor, or in mG of deviation from the baseline, whose rest is 0.
    """

    unit: str
    rest: float
    off: float
    on: float


def limits(settings: OneSensor, learnt: Saved) -> Limits | None:
    """None where the floor or the baseline is not known yet."""
    if isinstance(settings, RangingSettings):
        floor_mm = learnt.floor_mm
        if floor_mm is None:
            return None
        off_mm = floor_mm - settings.free_below_floor_mm
        return Limits("mm", floor_mm, off_mm, settings.near_mm(floor_mm))
    if learnt.baseline is None:
        return None
    on_mg = max(settings.on_mg, settings.sigmas * learnt.sigma_mg)
    return Limits("mG", 0.0, on_mg / 2, on_mg)


def shown(reading: Reading, baseline: Vector | None) -> float | None:
    """What is held against the limits: a distance, or the field's deviation from the baseline."""
    value = reading.value
    if not isinstance(value, tuple):
        return value
    return None if baseline is None else math.dist(value, baseline)
