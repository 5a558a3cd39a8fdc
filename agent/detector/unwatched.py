"""Time that nobody watched, and what the next movements tell of it. Pure.

Meanwhile the field may have drifted, and vehicles next door may have come and gone: the baseline
is uncertain. No two vehicles are the same and none stands twice in the same place, so a place to
which the field returns is the vacant one:

    the spot's own movement ends where the field was known to be vacant      free
                            begins there                                     occupied
                            ends where the field stood two movements before  free
                            else                                             unknown

Where it was only a near thing whose movement the last one was, and every second was watched, the
side of the movement that lies clearly nearer to the baseline is free.
"""

import math

from agent.detector.baseline import along, difference
from agent.detector.doubt import NEARER_SHARE
from agent.detector.moving import Moving
from agent.detector.unheard import FOR_LONG, is_deaf, most
from contract.words import Status

RETURNS_SHARE = 0.75
"""Of the threshold: so near to the vacant field as it was known is vacant."""
RECURS_MG = 15.0
"""So near to where it stood before is the same place: drift within some minutes."""
STANDS = 8
"""So many places are remembered: of more, two would be near each other by chance."""
BETWEEN_MG = 50.0
"""What moved the field less is no vehicle that came and left between."""


def forget(state: Moving, since_s: float) -> float:
    """Nobody watched since `since_s`: in mG, how much adjacent vehicles may have done meanwhile.

    Where a movement was in doubt, nothing is known until the next one.
    """
    if state.in_doubt:
        state.is_blind = True
    elif not state.is_blind:
        state.other, state.doubted_s = None, since_s
    state.in_doubt, state.unseen, state.stood, state.moved = False, None, None, None
    state.is_unsure = True
    state.echoes.clear()
    return FOR_LONG.at_rest_mg if state.alive else 0.0


def after_move(state: Moving, on_mg: float, now_s: float) -> Status | None:
    """What the last movement tells where the baseline is uncertain."""
    if state.moving or state.rest is None or state.mean is None or state.baseline is None:
        return None
    if math.dist(state.mean, state.rest) < on_mg or state.is_attributed:
        return None
    is_deaf_here = state.is_blind or is_deaf(state, now_s)
    if is_deaf_here and state.peak_mg < most(state, now_s).peak_mg:
        return None
    tell = _returned if state.is_unsure else _nearer
    told = tell(state, on_mg)
    if told is None:
        return None
    state.stands.clear()
    if told is Status.FREE:
        state.unseen = Status.OCCUPIED
    else:
        state.unseen, state.baseline = Status.FREE, state.rest
    return told


def _distances(state: Moving) -> tuple[float, float]:
    """How far the movement's end, and its beginning, are from the nearest vacant field."""
    assert state.mean is not None
    assert state.rest is not None
    assert state.baseline is not None
    vacant = [state.baseline]
    if state.other is not None:
        vacant.append(along(state.baseline, state.other))
    here, there = (min(math.dist(p, each) for each in vacant) for p in (state.mean, state.rest))
    return here, there


def _nearer(state: Moving, on_mg: float) -> Status | None:
    here, there = _distances(state)
    if here < NEARER_SHARE * there or (state.is_blind and here < on_mg):
        return Status.FREE
    return Status.OCCUPIED if there < NEARER_SHARE * here else None


def _returned(state: Moving, on_mg: float) -> Status | None:
    here, there = _distances(state)
    near_mg, far_mg = RETURNS_SHARE * on_mg, 2 * on_mg
    if here < near_mg and there > far_mg:
        return Status.FREE
    if there < near_mg and here > far_mg:
        return Status.OCCUPIED
    came_s = _recurred(state)
    if came_s is None:
        return None
    state.baseline, state.other, state.doubted_s = state.mean, None, came_s
    return Status.FREE


def _recurred(state: Moving) -> float | None:
    """When the vehicle came, where the field stands where it stood two movements ago, or more."""
    assert state.mean is not None
    assert state.rest is not None
    assert state.baseline is not None
    if not state.stands:
        state.stands[-math.inf] = difference(state.rest, state.baseline)
    state.stands[state.moving_since_s] = difference(state.mean, state.baseline)
    if len(state.stands) > STANDS:
        del state.stands[min(state.stands)]
    *earlier, between, last = state.stands.values()
    if math.dist(between, last) < BETWEEN_MG:
        return None
    times = list(state.stands)[1:]
    return next(
        (s for s, each in zip(times, earlier, strict=False) if math.dist(each, last) < RECURS_MG),
        None,
    )
