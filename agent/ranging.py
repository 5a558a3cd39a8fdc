"""Occupied or free from distances. Pure.

            0        blind zone + 5 cm          floor - 0.40 m   floor - 0.25 m         floor
            |-- blocked --|------- occupied ---------|-- between --|------- free ---------|

The floor is given, or learnt as the largest distance that stood for ten samples: a bay that is
occupied at the first start is then read as free until the vehicle leaves once, so an installer
should give it. A learnt floor only ever rises.
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.changes import Change
from agent.settling import Settling, settle
from contract.words import Status
from drivers import Quality, Reading

BLOCKED_MARGIN_MM = 50.0
FLOOR_SAMPLES = 10
FLOOR_STEADY_MM = 50.0


class RangingSettings(BaseModel):
    """Distances in mm, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ranging"] = "ranging"
    floor_mm: float | None = Field(None, gt=0)
    """From the sensor to the empty bay's floor."""
    occupied_below_floor_mm: float = Field(400.0, gt=0)
    free_below_floor_mm: float = Field(250.0, gt=0)
    dwell_on_s: float = Field(10.0, ge=0)
    dwell_off_s: float = Field(10.0, ge=0)
    median_of: int = Field(5, ge=1, le=15)
    median_span_s: float = Field(6.0, gt=0)
    """Samples older than this do not enter the median."""
    blind_mm: float = Field(30.0, ge=0)
    """The sensor's blind zone: what seems nearer than 5 cm beyond it blocks the sensor."""

    @model_validator(mode="after")
    def _has_hysteresis(self) -> Self:
        if self.free_below_floor_mm >= self.occupied_below_floor_mm:
            raise ValueError("free_below_floor_mm must be less than occupied_below_floor_mm")
        return self

    @model_validator(mode="after")
    def _can_be_occupied(self) -> Self:
        if self.floor_mm is not None and self.near_mm(self.floor_mm) <= self.blocked_mm:
            raise ValueError(
                f"floor_mm {self.floor_mm:g} leaves no distance for a vehicle: it must be more "
                f"than occupied_below_floor_mm + blind_mm + {BLOCKED_MARGIN_MM:g}; "
                "lower occupied_below_floor_mm or mount the sensor higher"
            )
        return self

    @property
    def blocked_mm(self) -> float:
        """At this distance and nearer, something covers the sensor."""
        return self.blind_mm + BLOCKED_MARGIN_MM

    def near_mm(self, floor_mm: float) -> float:
        """Nearer than this is a vehicle."""
        return floor_mm - self.occupied_below_floor_mm


@dataclass(slots=True)
class Ranging:
    """The last distances, the side of the thresholds where they are, and the floor."""

    floor_mm: float | None = None
    samples: deque[tuple[float, float]] = field(default_factory=deque)
    side: Status | None = None
    side_since_s: float = 0.0
    steady: list[float] = field(default_factory=list)


def quality_of(settings: RangingSettings, reading: Reading) -> Quality:
    """A distance within the blind zone is no vehicle."""
    if (
        reading.quality is Quality.OK
        and isinstance(reading.value, int | float)
        and reading.value <= settings.blocked_mm
    ):
        return Quality.BLOCKED
    return reading.quality


def step(
    settings: RangingSettings, state: Ranging, settling: Settling, distance_mm: float, now_s: float
) -> Change | None:
    """Take one good distance: evidence where it and the median tell the same.

    The median alone would go on for two samples after a passer-by has left.
    """
    samples = state.samples
    samples.append((now_s, distance_mm))
    while len(samples) > settings.median_of or samples[0][0] < now_s - settings.median_span_s:
        samples.popleft()
    if settings.floor_mm is None:
        _learn_floor(state, distance_mm)
    if state.floor_mm is None:
        return None
    near = settings.near_mm(state.floor_mm)
    far = state.floor_mm - settings.free_below_floor_mm
    side = _side(distance_mm, near, far)
    if side is not state.side:
        state.side, state.side_since_s = side, now_s
    if side is None or side is not _side(median([each[1] for each in samples]), near, far):
        return settle(settling, None, now_s, now_s, 0.0)
    occupied = side is Status.OCCUPIED
    first_s = next(at_s for at_s, each in samples if (each < near if occupied else each > far))
    dwell_s = settings.dwell_on_s if occupied else settings.dwell_off_s
    return settle(settling, side, min(first_s, state.side_since_s), now_s, dwell_s)


def interrupt(state: Ranging) -> None:
    """What comes now is no longer the run of distances that came before."""
    state.side = None
    state.samples.clear()


def _side(distance_mm: float, near_mm: float, far_mm: float) -> Status | None:
    if distance_mm < near_mm:
        return Status.OCCUPIED
    return Status.FREE if distance_mm > far_mm else None


def _learn_floor(state: Ranging, distance_mm: float) -> None:
    """The floor is the farthest distance that stood: nothing lies behind it."""
    steady = state.steady
    if steady and abs(distance_mm - steady[0]) > FLOOR_STEADY_MM:
        steady.clear()
    steady.append(distance_mm)
    if len(steady) >= FLOOR_SAMPLES:
        state.floor_mm = max(state.floor_mm or 0.0, median(steady))
        steady.clear()
