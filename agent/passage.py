"""Vehicles that go over a lane's magnetometer, one at a time. Pure.

            deviation > on, twice              deviation < off for `gap_s`
    QUIET -------------------------> OVER ----------------------------------> QUIET: one Passage
      |  the baseline follows          |  the baseline stands
      +--------------------------------+  longer than `longest_s`: learn the baseline anew

On is max(8 sigma, 12 mG), off half of it. An empty road never strays above 7.1 mG (7.7 counts
of an HMC5883L) with sigma 1.3 to 1.6 mG, and a vehicle's swing may pass through zero between
its axles, which `gap_s` bridges.
"""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.changes import Passage
from agent.magnetic import Magnetic, deviation_mg, follow, learn
from drivers import Vector


class PassageSettings(BaseModel):
    """Fields in mG, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["passage"] = "passage"
    on_mg: float = Field(12.0, gt=0)
    sigmas: float = Field(8.0, gt=0)
    learn_samples: int = Field(45, ge=5)
    tau_s: float = Field(20.0, gt=0)
    gap_s: float = Field(1.0, gt=0)
    shortest_s: float = Field(0.2, ge=0)
    longest_s: float = Field(120.0, gt=0)


@dataclass(slots=True)
class Lane:
    """The field at the lane, and the vehicle over it if there is one."""

    field_: Magnetic = field(default_factory=Magnetic)
    began_s: float | None = None
    seen_s: float = 0.0
    peak_mg: float = 0.0
    beyond: int = 0


def step(settings: PassageSettings, lane: Lane, vector: Vector, now_s: float) -> Passage | None:
    """Take one new sample."""
    magnetic = lane.field_
    if not learn(magnetic, vector, settings.learn_samples):
        magnetic.last_s = now_s
        return None
    elapsed_s, magnetic.last_s = now_s - magnetic.last_s, now_s
    away = deviation_mg(magnetic, vector)
    on = max(settings.on_mg, settings.sigmas * magnetic.sigma_mg)
    if away > on:
        _over(lane, away, now_s)
    elif lane.began_s is None:
        lane.beyond = 0
        follow(magnetic, vector, elapsed_s, settings.tau_s)
    elif away > on / 2:
        lane.seen_s = now_s
    return _ended(settings, lane, on, now_s)


def _over(lane: Lane, away_mg: float, now_s: float) -> None:
    if lane.began_s is None:
        lane.began_s, lane.peak_mg, lane.beyond = now_s, 0.0, 0
    lane.beyond += 1
    lane.seen_s = now_s
    lane.peak_mg = max(lane.peak_mg, away_mg)


def _ended(settings: PassageSettings, lane: Lane, on_mg: float, now_s: float) -> Passage | None:
    if lane.began_s is None:
        return None
    duration_s = lane.seen_s - lane.began_s
    if duration_s > settings.longest_s:
        lane.field_.baseline = None
        lane.began_s = None
        return None
    if now_s - lane.seen_s < settings.gap_s:
        return None
    began_s, lane.began_s = lane.began_s, None
    if lane.beyond < 2 or duration_s < settings.shortest_s:
        return None
    confidence = min(lane.peak_mg / (2 * on_mg), 1.0)
    return Passage(began_s, duration_s, lane.peak_mg, round(confidence, 3))
