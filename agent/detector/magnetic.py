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

A neighbour's arrival bends the field here too: `beside` tells whose movement it was. Where that is
a near thing (`in_doubt`) a magnetometer alone says unknown, until the own vehicle's next movement
or the neighbour's departure fits one of the two. Where both moved, a vehicle that is gone may leave
as much as the neighbour's step can account for.

What was not watched for a while may have drifted by as much as the worst chip does (`slack`): a
deviation that drift could explain says nothing (`lost`: the status is unknown), until the field
comes back to where it stood before: see `unwatched`.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.detector.baseline import (
    ZERO,
    along,
    difference,
    follow,
    learn,
    middle,
    threshold_mg,
    warm,
)
from agent.detector.beside import (
    attribute,
    beside_mg,
    is_vetoed,
    move,
    stirs,
)
from agent.detector.doubt import LEFT_SHARE, SHIFTED_SHARE
from agent.detector.moving import Movement, Moving
from agent.detector.proof import RESOLVED_S, is_other, resolve
from agent.detector.unheard import UNHEARD_S, doubt_crept, doubt_unheard
from agent.detector.unwatched import after_move, forget
from contract.words import Status
from drivers import Vector

DECIDE_S = 0.95
"""Once a second, also where a sensor polled at 1 Hz comes a little early."""
STILL_SIGMAS = 3.0
"""Two samples of a still field differ by 2.3 sigma on the average, over three axes."""
CONFIDENCE = 0.7
"""The most that a magnetometer alone is believed."""
NEARER = 0.8
"""What moved of itself and ended this much nearer to the baseline than to the vehicle has left."""
MARKED_MG = 25.0
"""A vacant field that comes back from this far was perhaps none: see `is_other`."""
SHIFTED_S = 30.0
"""A vehicle that moved within its bay is taken as it stands now after so long."""
TOLD_S = 1.5
"""What a movement tells is told at once: later on, drift would tell it."""
ECHO_LEFT = 1.6
"""A vehicle next door does at most so many times its usual most, while it stands."""
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
    """The dwell where an adjacent sensor saw a larger movement at the same time."""
    tau_s: float = Field(120.0, gt=0)
    """How fast the level follows a field that stands still."""
    still_mg_per_s: float = Field(5.0, gt=0)
    """While the field moves faster than this, the level stands and no dwell counts."""


@dataclass(slots=True)
class Magnetic(Moving):
    """The baseline, the second that is being gathered and the one before, and what moved last."""

    second: list[Vector] = field(default_factory=list)
    second_s: float = 0.0
    decided_s: float = -math.inf
    beside_mg: float = 0.0
    """How much of the offset may be a neighbour's."""
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
    came_from = state.rest if state.slack_mg and not state.is_attributed else None
    state.stands.clear()
    state.slack_mg, state.rest, state.unseen, state.proven_s = 0.0, state.mean, None, None
    state.in_doubt = state.is_suspect = state.is_blind = state.is_unsure = False
    if status is Status.OCCUPIED:
        state.own_peak_mg = state.peak_mg
    state.taken, state.peak_mg, state.moving_since_s = ZERO, 0.0, now_s
    state.pending_mg, pending_mg = 0.0, state.pending_mg
    state.occupied_since_s = now_s if status is Status.OCCUPIED else math.inf
    if state.mean is None or state.baseline is None:
        return
    if status is Status.OCCUPIED:
        state.offset = difference(state.mean, state.baseline)
        state.other = None if came_from is None else difference(came_from, state.baseline)
        state.own_peak_mg = max(state.own_peak_mg, math.hypot(*state.offset))
        state.beside_mg = max(pending_mg, beside_mg(state, now_s))
    elif status is Status.FREE:
        recurs = math.dist(state.mean, state.baseline) < MARKED_MG
        state.other = None if recurs else difference(state.level, state.mean)
        state.baseline, state.offset = state.mean, ZERO


def told(state: Magnetic, status: Status, is_fresh: bool, now_s: float) -> None:
    """A ranger settled the status: so whose movement was in doubt is known.

    Where the field is not fresh, it is not known how it stands there.
    """
    if not is_fresh:
        distrust(state)
        return
    if status is Status.OCCUPIED and state.in_doubt and state.other is not None:
        assert state.baseline is not None
        state.baseline = along(state.baseline, state.other)
    settled(state, status, now_s)


def believed(state: Magnetic, status: Status, settled: Status) -> Status:
    """What is reckoned with while it is in doubt, and so published as unknown."""
    return settled if state.in_doubt and status is Status.UNKNOWN else status


def cannot_tell(state: Magnetic, evidence: Status | None, believed: Status) -> bool:
    """Whether what was published can no longer be answered for."""
    if state.lost or (state.is_blind and evidence is None):
        return True
    return state.in_doubt and evidence in (None, believed)


def resumed(state: Magnetic) -> None:
    """Time of unknown length has passed: ten minutes of drift are allowed for."""
    state.is_unsure = True
    _slacken(state, 600.0, 0.0)


def distrust(state: Magnetic) -> None:
    """The field does not show what is known to be there: only one that returns tells."""
    state.in_doubt, state.other = False, None
    state.is_blind = state.is_unsure = True


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
        _slacken(state, elapsed_s, forget(state, now_s - elapsed_s))
        state.moving, state.rest, state.apart = False, None, None
        before = None
    state.mean, state.decided_s = middle(state.second), now_s
    state.second.clear()
    warm(state, temperature_c)
    allowed_mg = settings.still_mg_per_s * min(elapsed_s, 1.5) + STILL_SIGMAS * state.sigma_mg
    quick = before is None or math.dist(state.mean, before) > allowed_mg
    beside_mg = stirs(state, settings.on_mg, now_s)
    if quick or beside_mg:
        before_s = None if before is None else now_s - elapsed_s
        move(state, settings.on_mg, before_s, quick, beside_mg, now_s)
    else:
        _rest(settings, state, status, elapsed_s, now_s)
    evidence = _evidence(settings, state, status, now_s)
    if evidence not in (None, status) and doubt_crept(state, settings.on_mg, status, now_s):
        evidence = _evidence(settings, state, status, now_s)
    vetoed = evidence is Status.OCCUPIED and is_vetoed(state, now_s)
    dwell_s = settings.veto_dwell_s if vetoed else settings.dwell_s
    if state.in_doubt and state.moving:
        dwell_s = math.inf  # what is in doubt is judged first, when next door is still as well
    if evidence is status and not state.moving:
        state.slack_mg = state.pending_mg = 0.0
    state.lost = _is_lost(settings, state, evidence, now_s)
    return Sensed(evidence, state.second_s, state.steady_since_s, dwell_s)


def _rest(
    settings: MagneticSettings, state: Magnetic, status: Status, elapsed_s: float, now_s: float
) -> None:
    """The field stands. After a movement: whose it was; then the level follows."""
    assert state.mean is not None
    assert state.baseline is not None
    if state.moving:
        state.moving, state.stopped_s, state.stood = False, now_s, state.mean
        if state.rest is not None:
            if state.moved is not None and state.moved.began_s == state.quick_since_s:
                step = difference(state.mean, state.rest)
                ended_s = state.moved.ended_s
                state.moved = Movement(state.quick_since_s, ended_s, state.peak_mg, step)
            attribute(state, settings.on_mg, status, now_s)
            state.pending_mg = max(state.pending_mg, beside_mg(state, now_s))
    stood_s = now_s - state.steady_since_s
    if stood_s >= UNHEARD_S:
        if stood_s <= settings.dwell_s:
            doubt_unheard(state, settings.on_mg, status, now_s)
        over_s = now_s - max(state.steady_since_s + RESOLVED_S, state.stopped_s)
        is_over = 0.0 <= over_s < TOLD_S
        if is_over and (state.in_doubt or state.is_suspect):
            resolve(state, threshold_mg(state, settings.on_mg, settings.sigmas), status)
    if status is Status.UNKNOWN:
        if stood_s >= UNHEARD_S:
            _follow_unknown(state)
        return
    state.apart = None
    away = difference(state.mean, state.level)
    if math.hypot(*away) < _follows_mg(settings, state, status):
        state.baseline = along(state.baseline, follow(ZERO, away, elapsed_s, settings.tau_s))
        if status is Status.FREE and state.temperature_c is not None:
            state.slope.note(state.baseline, state.temperature_c, elapsed_s)
    elif status is Status.OCCUPIED and now_s - state.steady_since_s > SHIFTED_S:
        if state.in_doubt and state.other is not None:
            state.other = along(state.other, away)
        elif math.hypot(*away) > settings.on_mg:
            state.other = state.offset
        state.offset = along(state.offset, away)


def _follow_unknown(state: Magnetic) -> None:
    """Nothing moves: what changes is drift, and the baseline goes along."""
    assert state.mean is not None
    assert state.baseline is not None
    if state.apart is None:
        state.apart = difference(state.mean, state.baseline)
    state.baseline, state.stood = difference(state.mean, state.apart), state.mean


def _follows_mg(settings: MagneticSettings, state: Magnetic, status: Status) -> float:
    """What is nearer than this to the level is drift, or a neighbour, and is followed."""
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    moved = state.moved
    if status is Status.FREE:
        return on
    if state.beside and moved is not None and not state.is_attributed and moved.step_mg > on:
        return on / 2
    return max(on / 2, SHIFTED_SHARE * math.hypot(*state.offset))


def _evidence(
    settings: MagneticSettings, state: Magnetic, status: Status, now_s: float
) -> Status | None:
    assert state.mean is not None
    assert state.baseline is not None
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    offset_mg = math.hypot(*state.offset)
    away_mg = math.dist(state.mean, state.baseline)
    if state.is_blind:
        return after_move(state, on, now_s)
    if away_mg < on / 2:
        return Status.FREE
    if status is Status.OCCUPIED and away_mg < math.dist(state.mean, state.level):
        shared_mg = max(state.beside_mg, beside_mg(state, now_s))
        if away_mg < max(LEFT_SHARE * offset_mg, shared_mg) or _has_left(state, away_mg, on):
            return Status.FREE
    if status is Status.OCCUPIED and _left_echo(state, away_mg, on):
        return Status.FREE
    if is_other(state, status, on):
        if (
            status is Status.FREE
            and not state.in_doubt
            and now_s - state.steady_since_s >= settings.dwell_s
        ):
            state.baseline, state.other = state.mean, None
        return Status.FREE
    if offset_mg > on and math.dist(state.mean, state.level) < on / 2:
        return Status.OCCUPIED
    if away_mg <= on:
        return None
    return Status.OCCUPIED if away_mg > on + state.slack_mg else after_move(state, on, now_s)


def _has_left(state: Magnetic, away_mg: float, on_mg: float) -> bool:
    """Whether a movement of the spot's own ended nearer to the baseline than to the vehicle."""
    moved = state.moved
    assert state.mean is not None
    if state.moving or moved is None or state.is_attributed or moved.step_mg < on_mg / 2:
        return False
    left_mg = max(1.5 * on_mg, SHIFTED_SHARE * math.hypot(*state.offset))
    return away_mg < min(left_mg, NEARER * math.dist(state.mean, state.level))


def _left_echo(state: Magnetic, away_mg: float, on_mg: float) -> bool:
    """Whether the spot's own vehicle left, which had come at the time of one next door.

    What that one did here is part of the offset, and remains.
    """
    moved = state.moved
    if state.moving or state.in_doubt or moved is None or state.is_attributed:
        return False
    if moved.began_s < state.occupied_since_s:
        return False
    return moved.step_mg > on_mg and away_mg < ECHO_LEFT * state.beside_mg


def _slacken(state: Magnetic, seconds: float, more_mg: float) -> None:
    known = state.temperature_c is not None and any(state.slope.mg_per_c)
    drift_mg = DRIFT_MG_PER_S * seconds * (COMPENSATED if known else 1.0)
    state.slack_mg = min(state.slack_mg + drift_mg + more_mg, SLACK_MG)


def _is_lost(
    settings: MagneticSettings, state: Magnetic, evidence: Status | None, now_s: float
) -> bool:
    """Whether the field stands where drift or a vehicle may have taken it."""
    if evidence is not None or not state.slack_mg or state.mean is None or state.baseline is None:
        return False
    on = threshold_mg(state, settings.on_mg, settings.sigmas)
    stands = not state.moving and now_s - state.steady_since_s >= settings.dwell_s
    return stands and math.dist(state.mean, state.baseline) > on
