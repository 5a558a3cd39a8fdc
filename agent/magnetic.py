"""Occupied or free from the earth's field, which a vehicle bends. Pure.

Once a second the mean of the second's samples is compared with the baseline, by the norm of
their difference: a vehicle above max(8 sigma, 25 mG), none below half of it. A vehicle that is
known, `offset` strong, has left when less than a third of it is left: the rest is a neighbour
or drift. The dwell counts only while the field stands still: what passes or manoeuvres moves it.

                          still, beyond `on`, dwell
      FREE -------------------------------------------------> OCCUPIED
       ^ level follows                                          | level follows
       +--------------------------------------------------------+
                  still, within max(on / 2, offset / 3), dwell

A neighbour's arrival bends the field here too. An adjacent sensor that saw a larger step at the
same time says so (`hear`): a step of less than half of it is the neighbour's and is taken into
the level, a larger one has to stand for 30 s.

What was not watched for a while may have drifted by as much as the worst chip does (`slack`): a
deviation that drift could explain says nothing (`lost`: the status is unknown), until the next
movement tells which side of it is nearer to the baseline.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.baseline import (
    ZERO,
    Baseline,
    along,
    difference,
    follow,
    learn,
    mean_vector,
    threshold_mg,
    warm,
)
from contract.words import Status
from drivers import Vector

DECIDE_S = 0.95
"""Once a second, also where a sensor polled at 1 Hz comes a little early."""
STILL_SIGMAS = 3.0
"""Two samples of a still field differ by 2.3 sigma on the average, over three axes."""
CONFIDENCE = 0.7
"""The most that a magnetometer alone is believed."""
LEFT_SHARE = 0.35
"""Less than this of a vehicle's offset is no vehicle: neighbours leave 10 to 35 % of theirs."""
NEIGHBOUR_SHARE = 0.5
"""A step of less than this share of an adjacent sensor's is the neighbour's."""
VETO_S = 10.0
"""Steps of adjacent sensors are simultaneous within this."""
SHIFTED_S = 30.0
"""A vehicle that moved within its bay is taken as it stands now after so long."""
GAP_S = 30.0
DRIFT_MG_PER_S = 0.07
"""Drift while nobody looked: 26 mG a degree at 10 degrees an hour."""
COMPENSATED = 0.25
"""The share of it that is left where a slope is known."""
SLACK_MG = 300.0
"""The most that is allowed for drift."""
LOST_S = 86_400.0
"""Occupied for longer than this by a magnetometer alone is doubtful."""


class MagneticSettings(BaseModel):
    """Fields in mG, times in s."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["magnetic"] = "magnetic"
    on_mg: float = Field(25.0, gt=0)
    sigmas: float = Field(8.0, gt=0)
    learn_samples: int = Field(30, ge=5)
    dwell_s: float = Field(5.0, ge=0)
    veto_dwell_s: float = Field(30.0, ge=0)
    """The dwell where an adjacent sensor saw a larger step at the same time."""
    tau_s: float = Field(120.0, gt=0)
    """How fast the level follows a field that stands still."""
    still_mg_per_s: float = Field(5.0, gt=0)
    """While the field moves faster than this, the level stands and no dwell counts."""


@dataclass(slots=True)
class Magnetic(Baseline):
    """The baseline, the second that is being gathered and the one before, and the last step."""

    second: list[Vector] = field(default_factory=list)
    second_s: float = 0.0
    decided_s: float = -math.inf
    mean: Vector | None = None
    steady_since_s: float = -math.inf
    moving: bool = False
    rest: Vector | None = None
    """Where the field stood before it moved last."""
    step_mg: float = 0.0
    """How far the last movement took the field, and when it ended."""
    stepped_s: float = -math.inf
    veto_mg: float = 0.0
    veto_s: float = -math.inf
    slack_mg: float = 0.0
    lost: bool = False
    occupied_since_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Sensed:
    """One second's evidence, when it began, since when the field stands, and the dwell it needs."""

    evidence: Status | None
    crossed_s: float
    steady_since_s: float
    dwell_s: float


def sense(
    settings: MagneticSettings,
    state: Magnetic,
    status: Status,
    vector: Vector,
    temperature_c: float | None,
    now_s: float,
) -> Sensed | None:
    """Take one new sample, in mG, at a spot that is published as `status`; decides once a second.

    None between decisions and while the baseline is learnt.
    """
    if not learn(state, vector, settings.learn_samples, settings.on_mg / 2):
        return None
    if now_s - state.second_s > 2 * DECIDE_S:
        state.second.clear()  # a gap: what came before it is another second
    if not state.second:
        state.second_s = now_s
    state.second.append(vector)
    if now_s - state.decided_s < DECIDE_S:
        return None
    return _decide(settings, state, status, temperature_c, now_s)


def settled(state: Magnetic, status: Status, now_s: float) -> None:
    """The spot's status was settled: the field as it stands now is that status's level."""
    state.slack_mg, state.rest = 0.0, None
    state.occupied_since_s = now_s if status is Status.OCCUPIED else math.inf
    if state.mean is None or state.baseline is None:
        return
    if status is Status.OCCUPIED:
        state.offset = difference(state.mean, state.baseline)
    elif status is Status.FREE:
        state.baseline, state.offset = state.mean, ZERO


def hear(state: Magnetic, step_mg: float, now_s: float) -> None:
    """An adjacent sensor saw a step of `step_mg` at `now_s`; the larger of two is remembered."""
    if step_mg > state.veto_mg or now_s - state.veto_s > VETO_S:
        state.veto_mg, state.veto_s = step_mg, now_s


def resumed(state: Magnetic) -> None:
    """Time of unknown length has passed: ten minutes of drift are allowed for."""
    _slacken(state, 600.0)


def doubtful(state: Magnetic, now_s: float) -> bool:
    """Whether the baseline may be lost: it is, or nothing has moved since a vehicle's day."""
    return state.lost or (not state.moving and now_s - state.occupied_since_s > LOST_S)


def _decide(
    settings: MagneticSettings,
    state: Magnetic,
    status: Status,
    temperature_c: float | None,
    now_s: float,
) -> Sensed:
    before, elapsed_s = state.mean, now_s - state.decided_s
    if before is not None and elapsed_s > GAP_S:
        _slacken(state, elapsed_s)
        state.moving = False
        before = None
    state.mean, state.decided_s = mean_vector(state.second), now_s
    state.second.clear()
    warm(state, temperature_c)
    allowed_mg = settings.still_mg_per_s * elapsed_s + STILL_SIGMAS * state.sigma_mg
    if before is None or math.dist(state.mean, before) > allowed_mg:
        _move(state, before, now_s)
    else:
        _rest(settings, state, status, elapsed_s, now_s)
    dwell_s = settings.veto_dwell_s if _vetoed(state, now_s) else settings.dwell_s
    evidence = _evidence(settings, state, status)
    if evidence is status:
        state.slack_mg = 0.0
    state.lost = _is_lost(settings, state, evidence, now_s)
    return Sensed(evidence, state.second_s, state.steady_since_s, dwell_s)


def _move(state: Magnetic, before: Vector | None, now_s: float) -> None:
    if not state.moving and before is not None:
        state.rest = before
        state.moving = True
    state.steady_since_s = now_s


def _rest(
    settings: MagneticSettings, state: Magnetic, status: Status, elapsed_s: float, now_s: float
) -> None:
    """The field stands. After a movement: how far it went; then the level follows."""
    assert state.mean is not None
    assert state.baseline is not None
    if state.moving:
        state.moving = False
        state.step_mg, state.stepped_s = math.dist(state.mean, state.rest or state.mean), now_s
    away = difference(state.mean, state.level)
    away_mg = math.hypot(*away)
    if status is Status.UNKNOWN:
        return
    if _vetoed(state, now_s) and away_mg < NEIGHBOUR_SHARE * state.veto_mg:
        state.baseline = along(state.baseline, away)
    elif away_mg < _follows_mg(settings, state, status):
        state.baseline = along(state.baseline, follow(ZERO, away, elapsed_s, settings.tau_s))
        if status is Status.FREE and state.temperature_c is not None:
            state.slope.note(state.baseline, state.temperature_c, elapsed_s)
    elif status is Status.OCCUPIED and now_s - state.steady_since_s > SHIFTED_S:
        state.offset = along(state.offset, away)


def _follows_mg(settings: MagneticSettings, state: Magnetic, status: Status) -> float:
    """What is nearer than this to the level is drift, or a neighbour, and is followed."""
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    if status is Status.FREE:
        return on
    return max(on / 2, NEIGHBOUR_SHARE * math.hypot(*state.offset))


def _vetoed(state: Magnetic, now_s: float) -> bool:
    """Whether an adjacent sensor saw a larger step with this one's."""
    return (
        state.veto_mg > state.step_mg
        and abs(state.veto_s - state.stepped_s) <= VETO_S
        and now_s - state.veto_s <= VETO_S + SHIFTED_S
    )


def _evidence(settings: MagneticSettings, state: Magnetic, status: Status) -> Status | None:
    assert state.mean is not None
    assert state.baseline is not None
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    offset_mg = math.hypot(*state.offset)
    away_mg = math.dist(state.mean, state.baseline)
    if away_mg < max(on / 2, LEFT_SHARE * offset_mg if status is Status.OCCUPIED else 0.0):
        return Status.FREE
    if offset_mg > on and math.dist(state.mean, state.level) < on / 2:
        return Status.OCCUPIED
    if away_mg <= on:
        return None
    return Status.OCCUPIED if away_mg > on + state.slack_mg else _after_move(state, on)


def _slacken(state: Magnetic, seconds: float) -> None:
    known = state.temperature_c is not None and any(state.slope.mg_per_c)
    drift_mg = DRIFT_MG_PER_S * seconds * (COMPENSATED if known else 1.0)
    state.slack_mg = min(state.slack_mg + drift_mg, SLACK_MG)


def _is_lost(
    settings: MagneticSettings, state: Magnetic, evidence: Status | None, now_s: float
) -> bool:
    """Whether the field stands where drift or a vehicle may have taken it."""
    if evidence is not None or not state.slack_mg or state.mean is None or state.baseline is None:
        return False
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    stands = not state.moving and now_s - state.steady_since_s >= settings.dwell_s
    return stands and math.dist(state.mean, state.baseline) > on


def _after_move(state: Magnetic, on_mg: float) -> Status | None:
    """What a movement tells where drift hides the baseline: the side that lies nearer is free."""
    if state.moving or state.rest is None or state.mean is None or state.baseline is None:
        return None
    if math.dist(state.mean, state.rest) < on_mg:
        return None
    here, there = (math.dist(each, state.baseline) for each in (state.mean, state.rest))
    return Status.FREE if here < there else Status.OCCUPIED
