"""A magnetometer that wakes a ranger: the ranger decides. Pure.

    magnetometer, 10 Hz: moving, or evidence against the published status --> awake for 30 s
    ranger:  asleep: a ping each 15 s to make sure       awake: each second, it settles the status

| ranger says        | magnetometer says | dwell                               |
|--------------------|-------------------|-------------------------------------|
| a vehicle          | a vehicle         | the ranger's                        |
| a vehicle          | none              | 30 s: someone stands under it       |
| the floor          | whatever          | the ranger's: nothing is in between |
| nothing (fault)    | a change          | the magnetometer's, confidence 0.7  |

A magnetometer that says occupied for ten minutes while the ranger measures a free floor has lost
its baseline and learns it anew.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.detector import magnetic, ranging
from agent.detector.changes import Change
from agent.detector.magnetic import Magnetic, MagneticSettings
from agent.detector.ranging import Ranging, RangingSettings
from agent.detector.settling import Settling, lose, settle
from contract.words import Status
from drivers import Vector


class FusedSettings(BaseModel):
    """A ranger's and a magnetometer's settings, and how they work together. Times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["fused"] = "fused"
    ranging: RangingSettings = RangingSettings()
    magnetic: MagneticSettings = MagneticSettings()
    awake_s: float = Field(30.0, gt=0)
    """How long the ranger measures at its full rate after the magnetometer woke it."""
    asleep_sample_s: float = Field(15.0, gt=0)
    """How often it makes sure while nothing happens."""
    contrary_dwell_s: float = Field(30.0, ge=0)
    """The dwell of what the ranger says and the magnetometer denies."""
    relearn_s: float = Field(600.0, gt=0)
    """Occupied by the magnetometer alone for so long: its baseline is lost."""


@dataclass(slots=True)
class Fused:
    """Until when the ranger is awake, and what the magnetometer said last."""

    awake_until_s: float = -math.inf
    magnetic_says: Status | None = None
    contrary_since_s: float | None = None


def ranged(
    settings: FusedSettings,
    fused: Fused,
    state: Ranging,
    settling: Settling,
    distance_mm: float,
    now_s: float,
) -> Change | None:
    """Take one good distance."""
    side, crossed_s = ranging.sense(settings.ranging, state, settling.status, distance_mm, now_s)
    if side is not None and side is not settling.status:
        fused.awake_until_s = max(fused.awake_until_s, now_s + settings.awake_s)
    dwell_s = settings.ranging.dwell_s(side)
    if side is Status.OCCUPIED and fused.magnetic_says is Status.FREE:
        dwell_s = max(dwell_s, settings.contrary_dwell_s)
    steady_s = ranging.steady_since_s(state, side)
    return settle(settling, side, crossed_s, now_s, dwell_s, steady_s)


def magnetised(
    settings: FusedSettings,
    fused: Fused,
    state: Magnetic,
    settling: Settling,
    vector: Vector,
    temperature_c: float | None,
    decides: bool,
    now_s: float,
) -> Change | None:
    """Take one new field vector; it settles the status where `decides`: the ranger cannot."""
    status = settling.status
    if decides:
        status = magnetic.believed(state, status, settling.settled)
    sensed = magnetic.sense(settings.magnetic, state, status, vector, temperature_c, now_s)
    if sensed is None:
        return None
    fused.magnetic_says = None if state.in_doubt else sensed.evidence
    if state.moving or sensed.evidence is not settling.status:
        fused.awake_until_s = now_s + settings.awake_s
    if not decides:
        _relearn(settings, fused, state, settling.status, now_s)
        return None
    if magnetic.cannot_tell(state, sensed.evidence, status):
        return lose(settling, now_s)
    change = settle(
        settling, sensed.evidence, sensed.crossed_s, now_s, sensed.dwell_s, sensed.steady_since_s
    )
    return change and replace(change, confidence=round(magnetic.CONFIDENCE * change.confidence, 3))


def _relearn(
    settings: FusedSettings, fused: Fused, state: Magnetic, status: Status, now_s: float
) -> None:
    """The ranger is well and says free: what the magnetometer takes for a vehicle is none."""
    contrary = status is Status.FREE and fused.magnetic_says is Status.OCCUPIED
    if not contrary:
        fused.contrary_since_s = None
    elif fused.contrary_since_s is None:
        fused.contrary_since_s = now_s
    elif now_s - fused.contrary_since_s > settings.relearn_s:
        state.baseline, state.offset = None, (0.0, 0.0, 0.0)
        fused.magnetic_says = fused.contrary_since_s = None
