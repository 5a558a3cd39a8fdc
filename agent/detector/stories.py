"""What may have happened where a field moved beside another's movement. Pure.

Each story costs the negative logarithm of its likelihood. A vehicle is a dipole from afar: next
door it does a few per cent of what it does to the sensor beneath it, at the same time.

    the field is where it was                            a vehicle passed in the lane
    it undoes what the arrival next door did here        next door left
    it is weak beside the movement next door, in step    next door came, or left
    the field is near the vacant one, or as the above    the own vehicle left, too
    else                                                 the own vehicle moved
"""

import math
from dataclasses import dataclass

from agent.detector.baseline import difference
from agent.detector.moving import Movement, Moving
from drivers import Vector

ECHO_SHARE = 0.04
"""What the next bay sees of a vehicle in the median, by its dipoles 2.5 m away."""
ECHO_SHARE_AT_REST = 0.07
"""The same while it stands."""
LEAST_AT_REST = 0.03
"""Of its peak: a vehicle may stand where the sensor beneath it sees little of it."""
LEAST_SHARE = 0.8
"""Of the threshold: what a vehicle leaves at least, where a neighbour takes some of it away."""
IN_STEP_S = 2.0
"""An echo begins and ends with its source, but for this."""
NOISE_MG = 2.0
ERROR_MG = 4.0
"""How far the field comes back to where it was expected, or one nat away from it."""
OWN_PEAK_MG = 340.0
"""The median peak of a vehicle that comes in."""
COINCIDENT = 3.0
"""In nats: few of a neighbour's movements have one of the own vehicle at the same time."""
SURPRISE = 3.0
"""A departure next door that does not undo what the arrival did."""
SHIFTED = 7.0
"""The own vehicle moved and neither left nor stood as before."""
UNLIKE = 4.0
"""An echo that was stronger than its source for a while."""
LATE = 2.0
"""An echo that began or ended at another time."""
TOO_WEAK = 2.0
"""A departure that peaks far below its arrival."""
WEAK_OWN = 2.0
"""The most that speaks against a vehicle because it is weak."""


@dataclass(frozen=True, slots=True)
class Story:
    """What may have happened: how unlikely it is, whether the own vehicle moved.

    And how much of the change is to be taken into the baseline.
    """

    cost: float
    own: bool
    taken: Vector
    unknown: bool = False


def stories(
    state: Moving,
    on_mg: float,
    vacant: Vector | None,
    before: Vector,
    undone: Vector,
    known: bool,
    other: Movement,
) -> list[Story]:
    """All that explains the field as it stands; with `vacant`, a vehicle is parked.

    Costs are negative logarithms of likelihoods.
    """
    assert state.mean is not None
    step = difference(state.mean, before)
    own = COINCIDENT + _own_cost(state, on_mg, vacant is not None)
    surprise = SURPRISE if known else 0.0
    echo = max(_echo_cost(state.peak_mg, other), _rest_cost(math.hypot(*step), other))
    echo += _late_cost(state, other) + surprise
    found = [Story(echo, False, step, unknown=True)]
    found.append(Story(surprise + math.hypot(*step) / ERROR_MG, False, step))
    error_mg = ERROR_MG + 0.1 * math.hypot(*undone)
    if known:
        found.append(Story(math.dist(step, undone) / error_mg, False, step))
    if vacant is None:
        if math.dist(step, undone) > LEAST_SHARE * on_mg:
            found.append(Story(own, True, undone))
        return found
    left = difference(state.mean, vacant)
    found.append(
        Story(own + surprise + _echo_cost(math.hypot(*left), other), True, left, unknown=True)
    )
    if known:
        found.append(Story(own + math.dist(left, undone) / error_mg, True, left))
    found.append(Story(own + SHIFTED, True, undone))
    return found


def _echo_cost(mg: float, other: Movement) -> float:
    """Of a change that a neighbour of that strength does here: 4 % in the median, lognormal."""
    ratio = mg / (NOISE_MG + ECHO_SHARE * other.peak_mg)
    return 1.1 * math.log(ratio) ** 2 if ratio > 1.0 else 0.0


def echo_at_rest_mg(other: Movement) -> float:
    """What a vehicle does next door in the median, while it stands, which came by that movement."""
    return NOISE_MG + max(ECHO_SHARE_AT_REST * other.step_mg, LEAST_AT_REST * other.peak_mg)


def _rest_cost(mg: float, other: Movement) -> float:
    """Of a step beside a step next door: 7 % of it in the median, as widely spread."""
    ratio = mg / echo_at_rest_mg(other)
    return 1.1 * math.log(ratio) ** 2 if ratio > 1.0 else 0.0


def _own_cost(state: Moving, on_mg: float, parked: bool) -> float:
    """Of a movement of the own vehicle's with this peak."""
    if state.is_gappy:
        return 0.0
    if state.peak_mg < on_mg:
        return math.inf
    if parked:
        return TOO_WEAK if state.peak_mg < 0.4 * state.own_peak_mg else 0.0
    return min(WEAK_OWN, 1.4 * math.log(min(1.0, state.peak_mg / OWN_PEAK_MG)) ** 2)


def _late_cost(state: Moving, other: Movement) -> float:
    """An echo begins and ends with its source, and is weaker at each moment."""
    moved = state.moved
    cost = UNLIKE if state.is_own else 0.0
    if moved is None or moved.began_s != state.quick_since_s:
        return cost
    begins = abs(moved.began_s - other.began_s) <= IN_STEP_S
    ends = abs(moved.ended_s - other.ended_s) <= IN_STEP_S
    return cost + (0.0 if begins and ends else LATE)
