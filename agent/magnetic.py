"""Occupied or free from the earth's field, which a vehicle bends. Pure.

Once a second the mean of the second's samples is compared with the baseline, by the norm of
their difference: occupied above max(8 sigma, 25 mG), free below half of it. The dwell counts
only while the field stands still: a vehicle that passes moves it, one that is parked does not.

The baseline is learnt over the first samples, when the spot must be empty, and follows slowly
while it is free: outdoors the vacant field drifts with temperature by -16 to 28 counts a degree,
and a fixed baseline is worthless.
"""

import math
from dataclasses import dataclass, field, replace
from statistics import fmean, median
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.changes import Change
from agent.settling import Phase, Settling, settle
from contract.words import Status
from drivers import Vector

DECIDE_S = 0.95
"""Once a second, also where a sensor polled at 1 Hz comes a little early."""
SIGMA_OF_MAD = 1.4826
"""The standard deviation of normal noise whose median absolute deviation is 1."""
STILL_SIGMAS = 3.0
"""Two samples of a still field differ by 2.3 sigma on the average, over three axes."""
CONFIDENCE = 0.7
"""The most that a magnetometer alone is believed."""


class MagneticSettings(BaseModel):
    """Fields in mG, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["magnetic"] = "magnetic"
    on_mg: float = Field(25.0, gt=0)
    sigmas: float = Field(8.0, gt=0)
    learn_samples: int = Field(30, ge=5)
    dwell_s: float = Field(5.0, ge=0)
    tau_s: float = Field(1800.0, gt=0)
    still_mg_per_s: float = Field(5.0, gt=0)
    """While the field moves faster than this, the baseline stands and no dwell counts."""


@dataclass(slots=True)
class Magnetic:
    """The baseline and its noise (mG), the second that is being gathered and the one before."""

    baseline: Vector | None = None
    sigma_mg: float = 0.0
    learning: list[Vector] = field(default_factory=list)
    second: list[Vector] = field(default_factory=list)
    second_s: float = 0.0
    decided_s: float = -math.inf
    mean: Vector | None = None
    steady_since_s: float = -math.inf


def learn(state: Magnetic, vector: Vector, samples: int, moved_mg: float) -> bool:
    """Take a sample into the first baseline; answers whether it stands.

    Medians, so that some samples of a vehicle do no harm; begun again where the field's second
    half lies `moved_mg` from its first: something was moving.
    """
    if state.baseline is not None:
        return True
    learning = state.learning
    learning.append(vector)
    if len(learning) >= samples:
        half = samples // 2
        if math.dist(median_vector(learning[:half]), median_vector(learning[half:])) < moved_mg:
            state.baseline = median_vector(learning)
            state.sigma_mg = _sigma(learning, state.baseline)
        learning.clear()
    return False


def threshold_mg(state: Magnetic, on_mg: float, sigmas: float) -> float:
    """A deviation above this is a vehicle."""
    return max(on_mg, sigmas * state.sigma_mg)


def follow(baseline: Vector, vector: Vector, elapsed_s: float, tau_s: float) -> Vector:
    """The baseline drifted towards `vector`: an exponentially weighted mean."""
    weight = 1 - math.exp(-elapsed_s / tau_s)
    x, y, z = (b + weight * (v - b) for b, v in zip(baseline, vector, strict=True))
    return x, y, z


def step(
    settings: MagneticSettings, state: Magnetic, settling: Settling, vector: Vector, now_s: float
) -> Change | None:
    """Take one new sample; decides once a second. The crossing is the second's first sample's."""
    if not learn(state, vector, settings.learn_samples, settings.on_mg / 2):
        return None
    if now_s - state.second_s > 2 * DECIDE_S:
        state.second.clear()  # a gap: what came before it is another second
    if not state.second:
        state.second_s = now_s
    state.second.append(vector)
    if now_s - state.decided_s < DECIDE_S:
        return None
    return _decide(settings, state, settling, now_s)


def _decide(
    settings: MagneticSettings, state: Magnetic, settling: Settling, now_s: float
) -> Change | None:
    assert state.baseline is not None  # `learn` has answered that it stands
    before, elapsed_s = state.mean, now_s - state.decided_s
    state.mean, state.decided_s = _mean(state.second), now_s
    state.second.clear()
    evidence = _evidence(settings, state, math.dist(state.mean, state.baseline))
    allowed_mg = settings.still_mg_per_s * elapsed_s + STILL_SIGMAS * state.sigma_mg
    if before is None or math.dist(state.mean, before) > allowed_mg:
        state.steady_since_s = now_s
    elif settling.phase is Phase.FREE and evidence is not Status.OCCUPIED:
        state.baseline = follow(state.baseline, state.mean, elapsed_s, settings.tau_s)
    change = settle(
        settling, evidence, state.second_s, now_s, settings.dwell_s, state.steady_since_s
    )
    return change and replace(change, confidence=round(CONFIDENCE * change.confidence, 3))


def _evidence(settings: MagneticSettings, state: Magnetic, away_mg: float) -> Status | None:
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    if away_mg > on:
        return Status.OCCUPIED
    return Status.FREE if away_mg < on / 2 else None


def _mean(vectors: list[Vector]) -> Vector:
    x, y, z = (fmean(axis) for axis in zip(*vectors, strict=True))
    return x, y, z


def median_vector(vectors: list[Vector]) -> Vector:
    """The median of each axis."""
    x, y, z = (median(axis) for axis in zip(*vectors, strict=True))
    return x, y, z


def _sigma(vectors: list[Vector], middle: Vector) -> float:
    """The noise of the noisiest axis, by the median of the deviations."""
    mads = (median([abs(vector[axis] - middle[axis]) for vector in vectors]) for axis in range(3))
    return SIGMA_OF_MAD * max(mads)
