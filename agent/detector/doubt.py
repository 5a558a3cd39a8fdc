"""What a movement that two stories explain leaves open, and what settles it. Pure.

published    the doubted movement    the own vehicle's next one ends      so there was
free         a neighbour came,       where the field stood all along      a vehicle: both told
             or the own vehicle      elsewhere                            none: an arrival
occupied     a neighbour moved,      where the field is vacant            one: a departure
             or the own one left     elsewhere                            none: both told
"""

import math
from dataclasses import replace

from agent.detector.baseline import ZERO, along, difference
from agent.detector.changes import Change
from agent.detector.moving import Alive, Moving
from contract.words import Status
from drivers import Vector

SHIFTED_SHARE = 0.5
"""A change of more than this share of a vehicle's offset is the vehicle moved within its bay."""
LEFT_SHARE = 0.35
"""Less than this of a vehicle's offset is no vehicle: neighbours leave the rest."""
NEARER_SHARE = 0.6
"""Nearer than this share of another distance is clearly nearer."""
OTHER_SHARE = 0.2
"""What comes back comes as near, of the way between the two places."""
QUIET_S = 3.0
"""An adjacent sensor that measures nothing new for longer may have missed a movement."""
LONG_S = 30.0
"""What moved meanwhile is not told afterwards."""
UNHEARD_S = 2.5
"""After so long a movement next door would have been heard."""
ECHO_MG = 100.0
"""What is stronger is no neighbour's."""
ECHO_AT_REST_MG = 70.0
"""One vehicle of a hundred next door does that while it stands."""
RESOLVED_S = 3.5
"""After standing so long a movement is over, and tells."""
OWN_SHARE = 0.3
"""A departure does not peak below this share of its arrival."""


def begin_doubt(state: Moving, other: Vector) -> None:
    """The movement that just ended is in doubt: the vacant field may be `other` away."""
    state.other, state.in_doubt, state.unseen = other, True, None
    state.doubted_s = min(state.quick_since_s, state.steady_since_s)


def told_late(state: Moving, change: Change) -> list[Change | None]:
    """A change, and before it the one that was in doubt, where it turned out to have been one."""
    unseen = state.unseen
    if unseen is None or unseen is change.status or change.previous is unseen:
        return [change]
    late = Change(unseen, change.previous, state.doubted_s, change.confidence / 2)
    return [late, replace(change, previous=unseen)]


def attend(state: Moving, who: str, measured_s: float) -> None:
    """An adjacent sensor measured something new at `measured_s`."""
    known = state.alive.get(who)
    if known is None:
        state.alive[who] = Alive(measured_s)
        return
    if measured_s - known.heard_s > QUIET_S:
        known.silent_s = known.heard_s, measured_s
    if measured_s - known.heard_s > LONG_S:
        state.echoes.pop(who, None)
    known.heard_s = max(known.heard_s, measured_s)


def doubt_unheard(state: Moving, on_mg: float, status: Status, now_s: float) -> None:
    """A weak movement while an adjacent sensor was silent may be one next door."""
    if state.rest is None or state.mean is None or state.baseline is None:
        return
    if state.is_attributed or state.peak_mg > ECHO_MG:
        return
    step = difference(state.mean, state.rest)
    if math.hypot(*step) < on_mg / 2 or not is_deaf(state, now_s):
        return
    parked = status is Status.OCCUPIED
    if parked and not state.in_doubt and math.dist(state.mean, state.baseline) < on_mg / 2:
        return  # the own vehicle left: nobody else's undoes what it did
    if state.in_doubt:
        if not parked and _is_back(state, on_mg):
            _was_there(state)
        else:
            state.in_doubt, state.is_blind = False, True
        return
    if not parked and (status is not Status.FREE or math.dist(state.mean, state.baseline) < on_mg):
        return
    state.baseline = along(state.baseline, step)
    state.taken, state.is_attributed = along(state.taken, step), True
    if parked and math.dist(state.mean, along(state.baseline, step, -1.0)) > ECHO_AT_REST_MG:
        return  # nor did the own vehicle leave
    if not parked or state.peak_mg > OWN_SHARE * state.own_peak_mg:
        begin_doubt(state, state.offset if parked else difference(ZERO, step))


def is_deaf(state: Moving, now_s: float) -> bool:
    """Whether an adjacent sensor was silent during the last movement."""
    began_s, ended_s = state.moving_since_s - QUIET_S, state.steady_since_s + QUIET_S
    for each in state.alive.values():
        if now_s - each.heard_s > QUIET_S and each.heard_s < ended_s:
            return True
        if each.silent_s[0] < ended_s and began_s < each.silent_s[1]:
            return True
    return False


def forget(state: Moving, since_s: float) -> float:
    """Nobody watched since `since_s`: in mG, how much adjacent vehicles may have done meanwhile.

    Where a movement was in doubt, nothing is known until the next one.
    """
    if state.in_doubt:
        state.is_blind = True
    elif not state.is_blind:
        state.other, state.doubted_s = None, since_s
    state.in_doubt, state.unseen, state.stood, state.moved = False, None, None, None
    state.echoes.clear()
    return ECHO_AT_REST_MG if state.alive else 0.0


def after_move(state: Moving, on_mg: float, now_s: float) -> Status | None:
    """What a movement tells where the baseline is uncertain: the side that lies nearer is free."""
    if state.moving or state.rest is None or state.mean is None or state.baseline is None:
        return None
    if math.dist(state.mean, state.rest) < on_mg or state.is_attributed:
        return None
    if state.peak_mg < ECHO_MG and (state.is_blind or is_deaf(state, now_s)):
        return None
    vacant = [state.baseline]
    if state.other is not None:
        vacant.append(along(state.baseline, state.other))
    here, there = (min(math.dist(p, each) for each in vacant) for p in (state.mean, state.rest))
    if here < NEARER_SHARE * there or (state.is_blind and here < on_mg):
        state.unseen = Status.OCCUPIED
        return Status.FREE
    if there < NEARER_SHARE * here:
        state.unseen, state.baseline = Status.FREE, state.rest
        return Status.OCCUPIED
    return None


def resolve(state: Moving, on_mg: float, status: Status) -> None:
    """The field stands after a movement: what it tells of the doubted one."""
    moved = state.moved
    if moved is None or state.is_attributed or moved.ended_s < state.moving_since_s:
        return
    if status is Status.OCCUPIED and _was_other(state, on_mg):
        state.in_doubt, state.unseen = False, Status.FREE
    elif status is Status.FREE and _is_back(state, on_mg):
        _was_there(state)
        state.unseen = Status.OCCUPIED
    elif moved.step_mg > on_mg and state.mean is not None and state.baseline is not None:
        away_mg = math.dist(state.mean, state.baseline)
        state.in_doubt, state.is_blind = False, on_mg / 2 < away_mg < 1.5 * on_mg


def _is_back(state: Moving, on_mg: float) -> bool:
    """Whether a movement ended where the field stood before the doubted one, as far as is known."""
    if state.other is None or state.mean is None or state.baseline is None:
        return False
    apart_mg = math.hypot(*state.other)
    there = along(state.baseline, state.other)
    return math.dist(state.mean, there) < max(on_mg / 2, LEFT_SHARE * apart_mg)


def _was_there(state: Moving) -> None:
    """The field is back where it was before the doubted movement, and so vacant."""
    state.baseline, state.other, state.in_doubt = state.mean, None, False


def is_other(state: Moving, status: Status, on_mg: float) -> bool:
    """Whether the spot's own movement ended where the vacant field may have been all along.

    No two vehicles are the same, and none moves twice to the same place: what comes back to
    where it stood is the vacant field.
    """
    if state.other is None or state.moving or state.mean is None or state.baseline is None:
        return False
    apart_mg = math.hypot(*state.other)
    if status is Status.OCCUPIED:
        apart_mg = math.dist(state.other, state.offset)
    moved = state.moved
    if moved is None or state.is_attributed or apart_mg < on_mg:
        return False
    if moved.step_mg < SHIFTED_SHARE * apart_mg:
        return False
    there = along(state.baseline, state.other)
    return math.dist(state.mean, there) < max(on_mg / 2, OTHER_SHARE * apart_mg)


def _was_other(state: Moving, on_mg: float) -> bool:
    """Whether a vehicle came to where another was believed to stand: that one had left."""
    assert state.mean is not None
    assert state.baseline is not None
    if state.other is None or state.rest is None or state.is_attributed:
        return False
    there = along(state.baseline, state.other)
    came = math.dist(state.rest, there) < on_mg / 2 and math.dist(state.mean, there) > on_mg
    least_mg = max(on_mg, LEFT_SHARE * math.hypot(*state.other))
    if not came or math.dist(state.mean, state.baseline) <= least_mg:
        return False
    state.baseline, state.other = there, None
    state.offset = difference(state.mean, there)
    return True
