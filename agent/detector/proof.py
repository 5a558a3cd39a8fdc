"""What settles a doubt: the own vehicle's next movement, or the next one next door. Pure.

next door leaves and undoes     just what was taken for its arrival    it was its arrival
                                something else                         the own vehicle, too
the own vehicle moves           to where the other vacant field is     it had been there
                                elsewhere                              it had not
"""

import math
from enum import Enum

from agent.detector.baseline import ZERO, along, difference
from agent.detector.doubt import ECHO_USUAL_MG, NEARER_SHARE, SHIFTED_SHARE, begin_doubt
from agent.detector.moving import Moving
from contract.words import Status
from drivers import Vector

OTHER_SHARE = 0.2
"""What comes back comes as near, of the way between the two places."""
RESOLVED_S = 3.5
"""After standing so long a movement is over, and tells."""
ECHO_SPREAD = 1.1
"""Of the logarithm of an echo's ratio to the median, in nats: see `stories`."""
NEAR_MG = 5.0
"""What is nearer is as good as the same place."""
RANGE_MG = 150.0
"""How far vehicles at rest differ in strength."""
LOUDER_OUT = 3.0
"""Of the logarithm, in nats: a vehicle passes the sensor on its way out as on its way in."""
EXACTLY_BACK = 12.0
"""In nats: what speaks for a movement that ends where the field stood to be a departure."""
NEAR_THING = 1.5
"""What has so little for or against it, in nats, is unknown."""
UNDONE_MG = 4.0
"""How far the field comes back to where it was expected, or one nat away from it."""
BORNE_OUT = 2.0
REFUTES = 2.0
"""In nats."""


class Proof(Enum):
    """What a departure next door says of an arrival there that was in doubt here."""

    NONE = 0
    BORNE_OUT = 1
    REFUTED = 2

    def __bool__(self) -> bool:
        return self is not Proof.NONE


def prove(state: Moving, step: Vector, undone: Vector, own_cost: float, parked: bool) -> Proof:
    """Next door leaves, whose coming was in doubt here: it undoes what it did, and nothing else.

    So where it does not, the own vehicle had moved as well; or moves now, at `own_cost`.
    """
    if not (state.in_doubt or state.is_suspect) or state.is_blind or state.other is None:
        return Proof.NONE
    assert state.mean is not None
    assert state.baseline is not None
    cost = math.dist(step, undone) / (UNDONE_MG + 0.1 * math.hypot(*undone))
    if cost < BORNE_OUT:
        state.other, state.in_doubt, state.is_suspect = None, False, False
        return Proof.BORNE_OUT
    if min(cost, own_cost) < state.behind + REFUTES:
        return Proof.NONE
    vacant = state.mean if parked else along(state.baseline, state.other)
    state.baseline, state.taken = vacant, ZERO
    state.other, state.in_doubt, state.is_suspect = None, False, False
    state.proven_s = state.doubted_s
    return Proof.REFUTED


def resolve(state: Moving, on_mg: float, status: Status) -> None:
    """The field stands after a movement: what it tells of the doubted one."""
    moved = state.moved
    if moved is None or state.is_attributed or moved.ended_s < state.moving_since_s:
        return
    if state.doubted_s >= state.moving_since_s:
        return  # it is the doubted one that went on
    if state.mean is None or state.baseline is None:
        return
    surplus = had_been_there(state, on_mg) if status is Status.FREE else -math.inf
    if status is Status.OCCUPIED and _was_other(state, on_mg):
        state.in_doubt, state.is_suspect, state.unseen = False, False, Status.FREE
    elif surplus > NEAR_THING:
        was_there(state)
        state.unseen = Status.OCCUPIED
    elif surplus > -NEAR_THING:
        before, state.baseline, state.is_attributed = state.baseline, state.mean, True
        begin_doubt(state, difference(before, state.mean))
    elif state.in_doubt and moved.step_mg > on_mg:
        away_mg = math.dist(state.mean, state.baseline)
        state.in_doubt, state.is_blind = False, on_mg / 2 < away_mg < 1.5 * on_mg
        if status is Status.OCCUPIED and away_mg < NEARER_SHARE * moved.step_mg:
            state.baseline, state.is_blind = state.mean, False


def had_been_there(state: Moving, on_mg: float) -> float:
    """What speaks for a vehicle that came unseen and has just left, in nats.

    The movement ends where the field stood before the doubted one, as far as that is known.
    """
    if state.other is None or state.rest is None or state.mean is None or state.baseline is None:
        return -math.inf
    if math.dist(state.mean, state.rest) < SHIFTED_SHARE * math.hypot(*state.other):
        return -math.inf
    louder = max(1.0, state.peak_mg / state.doubted_peak_mg)
    against = state.behind + LOUDER_OUT * math.log(louder) ** 2
    remains_mg = math.dist(state.mean, along(state.baseline, state.other))
    if remains_mg < on_mg / 2:
        return EXACTLY_BACK - against
    return _speaks_for_vacant(state, remains_mg, state.echo_mg) - against


def _speaks_for_vacant(state: Moving, remains_mg: float, echo_mg: float) -> float:
    """What speaks for a movement that ended so near the vacant field to be a departure, in nats.

    And not for one of a vehicle that came, and does there what it likes. What remains is what a
    neighbour does meanwhile, `echo_mg` in the median.
    """
    assert state.mean is not None
    assert state.rest is not None
    step_mg = max(math.dist(state.mean, state.rest), 1.0)
    chance = (remains_mg + NEAR_MG) ** 3 / (3 * step_mg**2 * RANGE_MG)
    echo = max(1.0, remains_mg / echo_mg)
    return -math.log(min(1.0, chance)) - ECHO_SPREAD * math.log(echo) ** 2


def was_there(state: Moving) -> None:
    """The field is back where it was before the doubted movement, and so vacant."""
    state.baseline, state.other = state.mean, None
    state.in_doubt = state.is_suspect = False


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
    remains_mg = math.dist(state.mean, state.baseline)
    if not came or remains_mg <= on_mg:
        return False
    if _speaks_for_vacant(state, remains_mg, ECHO_USUAL_MG) > -state.behind:
        return False
    state.baseline, state.other = there, None
    state.offset = difference(state.mean, there)
    return True
