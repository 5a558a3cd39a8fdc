"""Occupied or free from distances. Pure.

The floor is given, or learnt as the largest distance that stood for ten samples: a bay that is
occupied at the first start is then read as free until the vehicle leaves once, so an installer
should give it. Thresholds below the floor: reference figures of the sensing notes.
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.changes import Change
from agent.settling import Settling, settle
from contract.words import Status
from drivers import Quality, Reading

FLOOR_SAMPLES = 10
FLOOR_STEADY_MM = 50.0


class RangingSettings(BaseModel):
    """Distances in mm, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ranging"] = "ranging"
    floor_mm: float | None = Field(None, gt=0)
    occupied_below_floor_mm: float = Field(400.0, gt=0)
    free_below_floor_mm: float = Field(250.0, gt=0)
    dwell_on_s: float = Field(10.0, ge=0)
    dwell_off_s: float = Field(10.0, ge=0)
    median_of: int = Field(5, ge=1, le=15)
    median_span_s: float = Field(6.0, gt=0)
    """Samples older than this do not enter the median."""
    blind_mm: float = Field(50.0, ge=0)
    """The sensor's blind zone and 5 cm: nearer is a blocked sensor."""

    @model_validator(mode="after")
    def _has_hysteresis(self) -> "RangingSettings":
        if self.free_below_floor_mm >= self.occupied_below_floor_mm:
            raise ValueError("free_below_floor_mm must be less than occupied_below_floor_mm")
        return self


@dataclass(slots=True)
class Ranging:
    """The last distances, and the floor."""

    floor_mm: float | None
    samples: deque[tuple[float, float]] = field(default_factory=deque)
    steady: list[float] = field(default_factory=list)


def quality_of(settings: RangingSettings, reading: Reading) -> Quality:
    """A distance within the blind zone is no vehicle."""
    if (
        reading.quality is Quality.OK
        and isinstance(reading.value, int | float)
        and reading.value <= settings.blind_mm
    ):
        return Quality.BLOCKED
    return reading.quality


def step(
    settings: RangingSettings, state: Ranging, settling: Settling, distance_mm: float, now_s: float
) -> Change | None:
    """Take one good distance."""
    samples = state.samples
    samples.append((now_s, distance_mm))
    while len(samples) > settings.median_of or samples[0][0] < now_s - settings.median_span_s:
        samples.popleft()
    if state.floor_mm is None or settings.floor_mm is None:
        _learn_floor(state, distance_mm)
    if state.floor_mm is None:
        return None
    middle = median([each[1] for each in samples])
    near = state.floor_mm - settings.occupied_below_floor_mm
    far = state.floor_mm - settings.free_below_floor_mm
    if middle < near:
        crossed_s = next(at_s for at_s, each in samples if each < near)
        return settle(settling, Status.OCCUPIED, crossed_s, now_s, settings.dwell_on_s)
    if middle > far:
        crossed_s = next(at_s for at_s, each in samples if each > far)
        return settle(settling, Status.FREE, crossed_s, now_s, settings.dwell_off_s)
    return None


def _learn_floor(state: Ranging, distance_mm: float) -> None:
    """The floor is the farthest distance that stood: nothing lies behind it."""
    steady = state.steady
    if steady and abs(distance_mm - steady[0]) > FLOOR_STEADY_MM:
        steady.clear()
    steady.append(distance_mm)
    if len(steady) >= FLOOR_SAMPLES:
        stood_mm = median(steady)
        state.floor_mm = max(state.floor_mm or 0.0, stood_mm)
        steady.clear()
