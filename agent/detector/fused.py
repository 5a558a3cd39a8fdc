"""A magnetometer that wakes a ranger: the ranger decides. Pure.

    magnetometer, 10 Hz: moving, or evidence against the published status --> awake for 30 s
    ranger:  asleep: a ping each 15 s to make sure       awake: each second, it settles the status

| ranger says        | magnetometer says | dwell                               |
|--------------------|-------------------|-------------------------------------|
| a vehicle          | a vehicle         | the ranger's                        |
| a vehicle          | none              | 30 s: someone stands under it       |
| the floor          | whatever          | the ranger's: nothing is in between |
| the same, 15 times | otherwise         | unknown: the ranger may be stuck    |
| nothing (fault)    | whatever          | as of a magnetometer alone; unknown |
|                    |                   | where it did not see what was there |

A magnetometer that says occupied for ten minutes while the ranger measures a free floor has lost
its baseline and learns it anew.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.detector import magnetic, ranging
from agent.detector.changes import Change
from agent.detector.magnetic import Magnetic, MagneticSettings
from agent.detector.ranging import Ranging, RangingSettings
from agent.detector.settling import Settling, lose, settle
from contract.words import Status
from drivers import Vector

SAME = 15
"""So many samples that are the same to the last bit, of a ranger whose samples differ."""
FRESH_S = 3.0
"""What a magnetometer said that measures nothing new for longer speaks for nothing."""


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
    stands_in: bool = False
    """Whether the magnetometer decides, for the ranger cannot."""
    contrary_since_s: float | None = None


def ranged(
    settings: FusedSettings,
    fused: Fused,
    state: Ranging,
    settling: Settling,
    distance_mm: float,
    field_s: float,
    is_same: bool,
    now_s: float,
) -> Change | None:
    """Take one good distance; the magnetometer measured something new at `field_s`.

    `is_same`: the ranger repeats itself, and may be stuck. Then it is not believed against the
    magnetometer, nor is that one: the status is unknown.
    """
    side, crossed_s = ranging.sense(settings.ranging, state, settling.status, distance_mm, now_s)
    if side is not None and side is not settling.status:
        fused.awake_until_s = max(fused.awake_until_s, now_s + settings.awake_s)
    dwell_s = settings.ranging.dwell_s(side)
    is_denied = fused.magnetic_says not in (None, side) and now_s - field_s < FRESH_S
    if is_denied and is_same:
        return lose(settling, now_s)
    if is_same and settling.status is Status.UNKNOWN and fused.magnetic_says is not side:
        return None
    if is_denied and side is Status.OCCUPIED:
        dwell_s = max(dwell_s, settings.contrary_dwell_s)
    steady_s = ranging.steady_since_s(state, side)
    return settle(settling, side, crossed_s, now_s, dwell_s, steady_s)


def magnetised(
    settings: FusedSettings,
    fused: Fused,
    state: Magnetic,
    status: Status,
    vector: Vector,
    temperature_c: float | None,
    now_s: float,
) -> None:
    """Take one new field vector while the ranger is well, which decides."""
    sensed = magnetic.sense(settings.magnetic, state, status, vector, temperature_c, now_s)
    if sensed is None:
        return
    fused.stands_in = False
    fused.magnetic_says = None if state.in_doubt else sensed.evidence
    if state.moving or sensed.evidence is not status:
        fused.awake_until_s = now_s + settings.awake_s
    _relearn(settings, fused, state, status, now_s)


def stand_in(
    settings: FusedSettings, fused: Fused, state: Magnetic, status: Status, ranged_s: float
) -> None:
    """The ranger, which measured last at `ranged_s`, fails: from now on the magnetometer decides.

    Where nothing moved since and it does not see what the ranger saw, it is not believed.
    """
    begins = not fused.stands_in and status is not Status.UNKNOWN
    if begins and fused.magnetic_says is not status:
        moved = state.moved
        is_later = moved is not None and moved.began_s > ranged_s
        if moved is None or not is_later or moved.step_mg < settings.magnetic.on_mg:
            magnetic.distrust(state)
    fused.stands_in, fused.magnetic_says = True, None


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
