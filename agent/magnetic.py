"""Occupied or free from the earth's field, which a vehicle bends. Pure.

The deviation is the norm of the field less its baseline. The baseline is learnt over the first
seconds, when the spot should be empty, and follows slowly while it is free: outdoors the vacant
field drifts with temperature, and a fixed baseline is worthless.
"""

import math
from dataclasses import dataclass, field
from statistics import median, pstdev
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.changes import Change
from agent.settling import Phase, Settling, settle
from contract.words import Status
from drivers import Vector


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
    """The baseline stands still while the field changes faster than this."""


@dataclass(slots=True)
class Magnetic:
    """The baseline and its noise; `last` and `last_s` are the sample before."""

    baseline: list[float] | None = None
    sigma_mg: float = 0.0
    learning: list[Vector] = field(default_factory=list)
    last: Vector | None = None
    last_s: float = 0.0
    beyond_s: float | None = None
    below_s: float | None = None


def learn(state: Magnetic, vector: Vector, samples: int) -> bool:
    """Take a sample into the first baseline; answers whether it stands."""
    if state.baseline is not None:
        return True
    state.learning.append(vector)
    if len(state.learning) >= samples:
        axes = list(zip(*state.learning, strict=True))
        state.baseline = [median(axis) for axis in axes]
        state.sigma_mg = max(pstdev(axis) for axis in axes)
        state.learning.clear()
    return False


def deviation_mg(state: Magnetic, vector: Vector) -> float:
    """How far the field is from its baseline."""
    assert state.baseline is not None
    return math.dist(vector, state.baseline)


def follow(state: Magnetic, vector: Vector, elapsed_s: float, tau_s: float) -> None:
    """Let the baseline drift towards `vector`."""
    assert state.baseline is not None
    weight = 1 - math.exp(-elapsed_s / tau_s)
    state.baseline = [b + weight * (v - b) for b, v in zip(state.baseline, vector, strict=True)]


def step(
    settings: MagneticSettings, state: Magnetic, settling: Settling, vector: Vector, now_s: float
) -> Change | None:
    """Take one new sample."""
    if not learn(state, vector, settings.learn_samples):
        state.last, state.last_s = vector, now_s
        return None
    away = deviation_mg(state, vector)
    on = max(settings.on_mg, settings.sigmas * state.sigma_mg)
    evidence = Status.OCCUPIED if away > on else Status.FREE if away < on / 2 else None
    state.beyond_s = (state.beyond_s or now_s) if evidence is Status.OCCUPIED else None
    state.below_s = (state.below_s or now_s) if evidence is Status.FREE else None
    crossed_s = state.beyond_s or state.below_s or now_s
    elapsed_s = now_s - state.last_s
    moved = math.dist(vector, state.last) if state.last else 0.0
    calm = elapsed_s > 0 and moved - 6 * state.sigma_mg < settings.still_mg_per_s * elapsed_s
    if settling.phase is Phase.FREE and calm:
        follow(state, vector, elapsed_s, settings.tau_s)
    state.last, state.last_s = vector, now_s
    return settle(settling, evidence, crossed_s, now_s, settings.dwell_s)
