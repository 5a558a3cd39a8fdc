"""Occupied or free from distances. Pure.

            0        blind zone + 5 cm          floor - 0.40 m   floor - 0.25 m         floor
            |-- blocked --|------- occupied ---------|-- between --|------- free ---------|

The floor is given, or learnt as the largest distance that stood for ten samples: a bay that is
occupied at the first start is then read as free until the vehicle leaves once, so an installer
should give it, or calibrate. While the spot is free it follows what is measured there, with half
an hour: the speed of sound makes 7 % of 40 C, and snow lies up to 20 cm high.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contract.words import Status
from drivers import Quality, Reading

BLOCKED_MARGIN_MM = 50.0
FLOOR_SAMPLES = 10
FLOOR_STEADY_MM = 50.0
FLOOR_TAU_S = 1800.0
STANDS_MM = 150.0
"""A vehicle that stands is measured within this; people and carts in a row are not."""
FOLLOWED_S = 10.0
"""The most that one sample counts for: after a gap the floor does not jump onto what is there."""


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

    def dwell_s(self, side: Status | None) -> float:
        """How long a side must last to be believed."""
        return self.dwell_on_s if side is Status.OCCUPIED else self.dwell_off_s

    def near_mm(self, floor_mm: float) -> float:
        """Nearer than this is a vehicle."""
        return floor_mm - self.occupied_below_floor_mm


@dataclass(slots=True)
class Ranging:
    """The last distances, the side of the thresholds where they are, and the floor.

    A kept floor counts for as long as the settings give the floor that it began with.
    """

    floor_mm: float | None = None
    given_floor_mm: float | None = None
    samples: deque[tuple[float, float]] = field(default_factory=deque)
    side: Status | None = None
    side_since_s: float = 0.0
    sampled_s: float = -math.inf
    stands_mm: float = math.inf
    stands_since_s: float = 0.0
    steady: list[float] = field(default_factory=list)


def quality_of(settings: RangingSettings, reading: Reading, recheck: bool = False) -> Quality:
    """A distance within the blind zone is no vehicle.

    `recheck`: far from the temperature at which the sensor was calibrated the margin is doubled.
    """
    limit_mm = settings.blocked_mm + (BLOCKED_MARGIN_MM if recheck else 0.0)
    if (
        reading.quality is Quality.OK
        and isinstance(reading.value, int | float)
        and reading.value <= limit_mm
    ):
        return Quality.BLOCKED
    return reading.quality


def sense(
    settings: RangingSettings, state: Ranging, status: Status, distance_mm: float, now_s: float
) -> tuple[Status | None, float]:
    """Take one good distance at a spot that is published as `status`.

    Answers the evidence, where the distance and the median tell the same, and since when its
    run lasts. The median alone would go on for two samples after a passer-by has left. Since
    when the median stands is in the state: an arrival's dwell counts from there.
    """
    samples = state.samples
    samples.append((now_s, distance_mm))
    while len(samples) > settings.median_of or samples[0][0] < now_s - settings.median_span_s:
        samples.popleft()
    _know_floor(settings, state, status, distance_mm, now_s)
    if state.floor_mm is None:
        return None, now_s
    near = settings.near_mm(state.floor_mm)
    far = state.floor_mm - settings.free_below_floor_mm
    side = _side(distance_mm, near, far)
    if side is not state.side:
        state.side, state.side_since_s = side, now_s
    middle_mm = median([each[1] for each in samples])
    if abs(middle_mm - state.stands_mm) > STANDS_MM:
        state.stands_mm, state.stands_since_s = middle_mm, now_s
    if side is None or side is not _side(middle_mm, near, far):
        return None, now_s
    occupied = side is Status.OCCUPIED
    first_s = next(at_s for at_s, each in samples if (each < near if occupied else each > far))
    return side, min(first_s, state.side_since_s)


def steady_since_s(state: Ranging, side: Status | None) -> float:
    """From when a dwell counts: what arrives must stand, what leaves need not."""
    return state.stands_since_s if side is Status.OCCUPIED else -math.inf


def interrupt(state: Ranging) -> None:
    """What comes now is no longer the run of distances that came before."""
    state.side = None
    state.samples.clear()


def _side(distance_mm: float, near_mm: float, far_mm: float) -> Status | None:
    if distance_mm < near_mm:
        return Status.OCCUPIED
    return Status.FREE if distance_mm > far_mm else None


def _know_floor(
    settings: RangingSettings, state: Ranging, status: Status, distance_mm: float, now_s: float
) -> None:
    elapsed_s, state.sampled_s = now_s - state.sampled_s, now_s
    if settings.floor_mm is None:
        _learn_floor(state, distance_mm)
    floor = state.floor_mm
    if floor is None or status is not Status.FREE:
        return
    away = distance_mm - floor
    if abs(away) < settings.free_below_floor_mm:
        weight = 1 - math.exp(-min(elapsed_s, FOLLOWED_S) / FLOOR_TAU_S)
        state.floor_mm = floor + weight * away


def _learn_floor(state: Ranging, distance_mm: float) -> None:
    """The floor is the farthest distance that stood: nothing lies behind it."""
    steady = state.steady
    if steady and abs(distance_mm - steady[0]) > FLOOR_STEADY_MM:
        steady.clear()
    steady.append(distance_mm)
    if len(steady) >= FLOOR_SAMPLES:
        stood = median(steady)
        if state.floor_mm is None or stood > state.floor_mm + FLOOR_STEADY_MM:
            state.floor_mm = stood
        steady.clear()
