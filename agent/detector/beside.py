"""Whose movement it was: the own vehicle's, or one next door that bends the field here too. Pure.

Adjacent sensors tell each other their movements, each second while they go on (`hear`). A vehicle is
a dipole from afar: next door it does a few per cent of what it does to the sensor beneath it. When
both fields stand again, the likeliest story is believed:

    the field is where it was                          a vehicle passed in the lane
    it undoes what the arrival next door did here      next door left
    it is weak beside the movement next door, in step  next door came, or left
    the field is near the vacant one, perhaps as above the own vehicle left, too
    else                                               the own vehicle moved

and a neighbour's share of the step is taken into the baseline. What the second best story would mean
for the vacant field is remembered (`other`), until the own vehicle's next movement tells.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from agent.detector.baseline import ZERO, Baseline, along, difference
from contract.words import Status
from drivers import Vector

NEIGHBOUR_SHARE = 0.25
"""A change of more than this share of a vehicle's own peak reaches the next bay hardly ever."""
DOUBTFUL_SHARE = 0.4
"""One of less than this share may be: it has to stand for longer."""
ECHO_SHARE = 0.04
"""What the next bay sees of a vehicle in the median, by its dipoles 2.5 m away."""
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
WEAK_OWN = 3.0
"""The most that speaks against a vehicle because it is weak."""
DOUBT = 3.0
"""Another story that is less than this behind may be the true one."""
BESIDE_S = 6.0
"""A movement next door that was this much earlier or later may be the same: a chip repeats rows."""
OWN_S = 2
MUCH_LOUDER = 1.5
OWN_LAG_S = 2.5
"""Adjacent sensors decide within a second of each other, and a frozen one lags."""
UNDOES = (0.7, 1.4)
"""A step next door that is so much of the one at the arrival may be the departure."""
PAUSE_S = 3.0
"""A movement that goes on after less than this is the same."""
RECENT_S = 60.0
LEFT_SHARE = 0.35
"""Less than this of a vehicle's offset is no vehicle: neighbours leave the rest."""


@dataclass(frozen=True, slots=True)
class Movement:
    """The field moved: from when to when, how far from where it stood at most, and in the end."""

    began_s: float
    ended_s: float
    peak_mg: float
    step: Vector

    @property
    def step_mg(self) -> float:
        """How far the movement took the field."""
        return math.hypot(*self.step)


@dataclass(slots=True)
class Moving(Baseline):
    """The field as it stands or moves, and what adjacent sensors told."""

    mean: Vector | None = None
    steady_since_s: float = -math.inf
    moving: bool = False
    rest: Vector | None = None
    """Where the field stood before it moved last."""
    moving_since_s: float = 0.0
    peak_mg: float = 0.0
    moved: Movement | None = None
    """The last movement, or the one that goes on."""
    taken: Vector = ZERO
    """How much of its step was taken into the baseline."""
    is_attributed: bool = False
    """Whether it was found to be a neighbour's."""
    former_mg: float = 0.0
    own_s: int = 0
    is_own: bool = False
    """Whether it was too strong, while it went on, to be a neighbour's."""
    beside: deque[tuple[str, Movement]] = field(default_factory=lambda: deque(maxlen=6))
    """The last movements of adjacent sensors, and whose they were."""
    echoes: dict[str, tuple[Vector, float]] = field(default_factory=dict)
    """What the vehicle next door did to the field here when it came, and there."""
    former_echoes: dict[str, tuple[Vector, float]] = field(default_factory=dict)
    """Those before the last movement."""
    quick_since_s: float = math.inf
    other: Vector | None = None
    """Where else the vacant field may be, from the baseline."""
    in_doubt: bool = False
    own_peak_mg: float = 0.0
    stopped_s: float = -math.inf
    """When the field stood again."""
    stood: Vector | None = None
    """Where."""
    pending_mg: float = 0.0


def hear(state: Moving, movement: Movement, who: str = "") -> None:
    """An adjacent sensor's field moved, or goes on doing so: each second while it moves."""
    others = [
        each for each in state.beside if (each[0], each[1].began_s) != (who, movement.began_s)
    ]
    state.beside = deque([*others, (who, movement)], maxlen=6)


def stirs(state: Moving, on_mg: float, now_s: float) -> float:
    """How strong a movement is that goes on next door, or just did; 0 where none does."""
    strengths = [each.peak_mg for _, each in state.beside if each.ended_s > now_s - OWN_LAG_S]
    strongest_mg = max(strengths, default=0.0)
    return strongest_mg if strongest_mg > on_mg else 0.0


def move(
    state: Moving, on_mg: float, before_s: float | None, quick: bool, beside_mg: float, now_s: float
) -> None:
    """The field moves since `before_s`, the second before this one, here (`quick`) or next door."""
    assert state.mean is not None
    if not state.moving and before_s is not None:
        _begin(state, on_mg, before_s, now_s)
    if state.rest is None:
        state.steady_since_s = now_s
        return
    away_mg = math.dist(state.mean, state.rest)
    state.former_mg = state.peak_mg
    state.peak_mg = max(state.peak_mg, away_mg)
    if quick:
        state.quick_since_s = min(state.quick_since_s, now_s)
        step = difference(state.mean, state.rest)
        state.moved = Movement(state.quick_since_s, now_s, state.peak_mg, step)
    _note_own(state, on_mg, now_s)
    if quick or math.dist(state.mean, state.level) < NEIGHBOUR_SHARE * beside_mg:
        state.steady_since_s = now_s


def _begin(state: Moving, on_mg: float, before_s: float, now_s: float) -> None:
    """A movement begins, or the last one goes on."""
    state.moving = True
    pending = _is_pending(state, on_mg, now_s)
    if state.rest is not None and now_s - state.stopped_s <= PAUSE_S:
        goes_on = state.is_attributed or pending
    else:
        goes_on = False
    if goes_on:
        state.echoes = dict(state.former_echoes)
    else:
        state.rest = state.stood if pending else state.level
        state.moving_since_s, state.quick_since_s, state.peak_mg = before_s, math.inf, 0.0
        state.taken, state.own_s, state.is_own = ZERO, 0, False
        state.former_echoes = dict(state.echoes)
    state.is_attributed = False


def _is_pending(state: Moving, on_mg: float, now_s: float) -> bool:
    """Whether the last movement was the spot's own and took the field elsewhere of late."""
    moved = state.moved
    if moved is None or state.stood is None or state.is_attributed:
        return False
    return now_s - moved.ended_s < RECENT_S and math.dist(state.stood, state.level) > on_mg / 2


def _note_own(state: Moving, on_mg: float, now_s: float) -> None:
    """An echo is weaker than its source at each moment; what is stronger for two seconds is own."""
    louder_mg = max(
        (each.peak_mg for _, each in state.beside if each.ended_s > now_s - OWN_LAG_S),
        default=0.0,
    )
    louder_mg = max(on_mg, louder_mg)
    state.own_s = state.own_s + 1 if state.former_mg > louder_mg else 0
    much = state.former_mg > MUCH_LOUDER * louder_mg
    state.is_own = state.is_own or much or state.own_s >= OWN_S


def attribute(state: Moving, on_mg: float, status: Status, now_s: float) -> None:
    """The field stands again: take a neighbour's share of the movement into the baseline."""
    assert state.rest is not None
    assert state.baseline is not None
    began_s = state.moving_since_s
    others = [each for each in _since(state, began_s, now_s) if each[1].peak_mg > on_mg]
    if not others:
        return
    loudest, other = max(others, key=lambda each: each[1].peak_mg)
    known = {who: state.echoes[who][0] for who, each in others if _undoes(state, who, each)}
    undone = ZERO
    for echo in known.values():
        undone = difference(undone, echo)
    vacant = difference(state.baseline, state.taken)
    parked = status is Status.OCCUPIED
    parked = parked and math.dist(state.rest, along(vacant, state.offset)) < on_mg
    before = along(vacant, state.offset) if parked else state.rest
    found = _stories(state, on_mg, vacant if parked else None, before, undone, bool(known), other)
    best, *rest = sorted(found, key=lambda each: each.cost)
    doubtful = any(each.own is not best.own and each.cost < best.cost + DOUBT for each in rest)
    _take(state, best.taken)
    state.is_attributed, state.is_own = not best.own or best.unknown, best.own
    if doubtful:
        swap = state.offset if parked else difference(ZERO, best.taken)
        state.other = difference(ZERO, swap) if parked and best.own else swap
        state.in_doubt = True
    for who in known:
        state.echoes.pop(who, None)
    if best.unknown and other.step_mg > on_mg:
        state.echoes[loudest] = state.taken, max(other.step_mg, 1.0)


@dataclass(frozen=True, slots=True)
class Story:
    """What may have happened: how unlikely it is, whether the own vehicle moved.

    And how much of the change is to be taken into the baseline.
    """

    cost: float
    own: bool
    taken: Vector
    unknown: bool = False


def _stories(
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
    echo = _echo_cost(state.peak_mg, other) + _late_cost(state, other) + surprise
    found = [Story(echo, False, step, unknown=True)]
    found.append(Story(surprise + math.hypot(*step) / ERROR_MG, False, step))
    error_mg = ERROR_MG + 0.1 * math.hypot(*undone)
    if known:
        found.append(Story(math.dist(step, undone) / error_mg, False, step))
    if vacant is None:
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


def _own_cost(state: Moving, on_mg: float, parked: bool) -> float:
    """Of a movement of the own vehicle's with this peak."""
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


def _undoes(state: Moving, who: str, other: Movement) -> bool:
    """Whether a movement next door may be the departure of the vehicle whose arrival was noted."""
    echo = state.echoes.get(who)
    return echo is not None and UNDOES[0] < other.step_mg / echo[1] < UNDOES[1]


def _take(state: Moving, step: Vector) -> None:
    assert state.baseline is not None
    state.baseline = along(state.baseline, difference(step, state.taken))
    state.taken, state.is_attributed = step, True


def is_vetoed(state: Moving, now_s: float) -> bool:
    """Whether what moved last may have been a vehicle next door."""
    if state.is_own:
        return False
    away_mg = math.dist(state.mean or state.level, state.level)
    return any(away_mg < DOUBTFUL_SHARE * each.peak_mg for each in _overlapping(state, now_s))


def beside_mg(state: Moving, now_s: float) -> float:
    """How much of the last movement's step may be a neighbour's."""
    steps = [NEIGHBOUR_SHARE * each.step_mg for each in _overlapping(state, now_s)]
    return max(steps, default=0.0)


def _overlapping(state: Moving, now_s: float) -> list[Movement]:
    """The movements next door that overlap the last one here, while that is recent."""
    if state.rest is None or now_s - state.stopped_s > RECENT_S:
        return []
    until_s = now_s if state.moving else state.stopped_s
    return [each for _, each in _since(state, state.moving_since_s, until_s)]


def _since(state: Moving, began_s: float, ended_s: float) -> list[tuple[str, Movement]]:
    """The movements next door that were at the same time, or nearly."""
    return [
        (who, each)
        for who, each in state.beside
        if each.began_s < ended_s + BESIDE_S and began_s < each.ended_s + BESIDE_S
    ]
