"""An adjacent sensor that is silent: what can be told then. Pure.

A weak movement while next door nothing is measured may be a vehicle's there, and a strong one of
the own vehicle's may have one there beside it: they are in doubt.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from agent.detector.baseline import ZERO, along, difference
from agent.detector.doubt import LEFT_SHARE, begin_doubt
from agent.detector.moving import Alive, Moving
from agent.detector.proof import is_other, was_there
from contract.words import Status

QUIET_S = 3.0
"""An adjacent sensor that measures nothing new for longer may have missed a movement."""
LONG_S = 30.0
"""What moved meanwhile is not told afterwards."""
UNHEARD_S = 2.5
"""After so long a movement next door would have been heard."""


@dataclass(frozen=True, slots=True)
class Most:
    """The most that a vehicle next door does here: as it moves, and while it stands. In mG."""

    peak_mg: float
    at_rest_mg: float


BRIEFLY = Most(100.0, 70.0)
"""One vehicle of a hundred: where next door is silent for some seconds, others tell."""
FOR_LONG = Most(160.0, 130.0)
"""One of several thousand: nothing else tells of what comes while a sensor is dead."""
LONG_SILENT_S = 10.0
"""A vehicle takes 4 to 18 s to come or to leave: of one beside a shorter silence some is heard."""
OWN_SHARE = 0.3
"""A departure does not peak below this share of its arrival."""


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
    if state.is_attributed:
        return
    strongest = most(state, now_s)
    if state.peak_mg > strongest.peak_mg:
        _doubt_departure(state, on_mg, status, now_s)
        return
    step = difference(difference(state.mean, state.rest), state.taken)
    if math.hypot(*step) < on_mg / 2 or not is_deaf(state, now_s):
        return
    state.is_unsure |= strongest is FOR_LONG
    parked = status is Status.OCCUPIED
    if parked and not state.in_doubt and math.dist(state.mean, state.baseline) < on_mg / 2:
        return  # the own vehicle left: nobody else's undoes what it did
    if state.in_doubt:
        if not parked and is_other(state, status, on_mg):
            was_there(state)
        else:
            state.in_doubt, state.is_blind = False, True
        return
    if state.slack_mg and not parked:
        state.slack_mg, state.is_attributed = state.slack_mg + math.hypot(*step), True
        return  # a neighbour's or not: it makes the vacant field no more certain
    if not parked and (status is not Status.FREE or math.dist(state.mean, state.baseline) < on_mg):
        return
    state.baseline = along(state.baseline, step)
    state.taken, state.is_attributed = along(state.taken, step), True
    if parked and math.dist(state.mean, along(state.baseline, step, -1.0)) > strongest.at_rest_mg:
        return  # nor did the own vehicle leave
    if not parked or state.is_gappy or state.peak_mg > OWN_SHARE * state.own_peak_mg:
        begin_doubt(state, state.offset if parked else difference(ZERO, step))


def _doubt_departure(state: Moving, on_mg: float, status: Status, now_s: float) -> None:
    """The own vehicle moved and may have left, where another came next door meanwhile."""
    assert state.mean is not None
    assert state.baseline is not None
    if status is not Status.OCCUPIED or state.in_doubt or most(state, now_s) is BRIEFLY:
        return
    away = difference(state.mean, state.baseline)
    least_mg = LEFT_SHARE * math.hypot(*state.offset)
    is_elsewhere = math.dist(state.mean, state.level) >= on_mg
    if is_elsewhere and least_mg < math.hypot(*away) <= FOR_LONG.at_rest_mg:
        state.offset, state.is_unsure = away, True
        begin_doubt(state, away)


def doubt_crept(state: Moving, on_mg: float, status: Status, now_s: float) -> bool:
    """Whether the field crept where the spot's own vehicle would move it, and next door is silent.

    A vehicle that parks there slowly is nowhere seen to move: from now on it is in doubt, until
    the field has crept back. So is a weak movement that went too far only after it was judged.
    """
    if status is Status.UNKNOWN or state.moving or state.mean is None or state.baseline is None:
        return False
    away = difference(state.mean, state.level)
    strongest = most(state, now_s)
    if math.hypot(*away) > strongest.at_rest_mg or not _is_silent(state, now_s):
        return False
    crept = state.stood is None or math.dist(state.mean, state.stood) >= on_mg / 2
    if not crept and (status is Status.OCCUPIED or not _may_be_echo(state, now_s)):
        return False
    state.is_unsure |= strongest is FOR_LONG
    if state.in_doubt:
        _creep_on(state, on_mg, status)
        return True
    state.baseline, state.stood = along(state.baseline, away), state.mean
    state.taken, state.is_attributed = along(state.taken, away), True
    begin_doubt(state, state.offset if status is Status.OCCUPIED else difference(ZERO, away))
    state.doubted_s, state.doubted_peak_mg = now_s, math.hypot(*away)
    return True


def _creep_on(state: Moving, on_mg: float, status: Status) -> None:
    assert state.mean is not None
    assert state.baseline is not None
    assert state.other is not None
    remains_mg = math.dist(state.mean, along(state.baseline, state.other))
    if status is Status.FREE and remains_mg < on_mg / 2:
        was_there(state)
    else:
        state.in_doubt, state.is_blind = False, True


def _may_be_echo(state: Moving, now_s: float) -> bool:
    """Whether the movement that is over was so weak, and nobody told of one next door."""
    is_over = now_s - state.steady_since_s >= UNHEARD_S
    return is_over and not state.is_attributed and state.peak_mg <= most(state, now_s).peak_mg


def _is_silent(state: Moving, now_s: float) -> bool:
    return any(now_s - each.heard_s > QUIET_S for each in state.alive.values())


def is_deaf(state: Moving, now_s: float) -> bool:
    """Whether an adjacent sensor was silent during the last movement."""
    return any(True for _ in _silences(state, now_s))


def most(state: Moving, now_s: float) -> Most:
    """What a vehicle may have done here unheard, by how long its sensor is or was silent."""
    longest_s = max(_silences(state, now_s), default=0.0)
    return FOR_LONG if longest_s > LONG_SILENT_S else BRIEFLY


def _silences(state: Moving, now_s: float) -> Iterator[float]:
    """How long the adjacent sensors were silent that were so during the last movement."""
    began_s, ended_s = state.moving_since_s - QUIET_S, state.steady_since_s + QUIET_S
    for each in state.alive.values():
        if now_s - each.heard_s > QUIET_S and each.heard_s < ended_s:
            yield now_s - each.heard_s
        if each.silent_s[0] < ended_s and began_s < each.silent_s[1]:
            yield each.silent_s[1] - each.silent_s[0]
