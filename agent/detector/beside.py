"""Whose movement it was: the own vehicle's, or one next door that bends the field here too. Pure.

Adjacent sensors tell each other their movements, each second while they go on (`hear`). Then

    it undoes what the vehicle next door did here when it came        --> next door left
    that, and nothing is left of the own vehicle                      --> both left
    it lies within a much stronger movement next door, at each moment --> next door
    else                                                              --> own

and a neighbour's share of the step is taken into the baseline.
"""

import math
from collections import deque
from dataclasses import dataclass, field

from agent.detector.baseline import ZERO, Baseline, along, difference
from contract.words import Status
from drivers import Vector

NEIGHBOUR_SHARE = 0.4
"""A movement of less than this share of an adjacent sensor's is the neighbour's."""
DOUBTFUL_SHARE = 0.6
"""One of less than this share may be: it has to stand for longer."""
BESIDE_S = 4.0
"""A movement next door that was this much shorter may be the same: the lane adds to it."""
OWN_S = 2
OWN_LAG_S = 2.5
"""Adjacent sensors decide within a second of each other, and a frozen one lags."""
UNDOES = (0.7, 1.4)
"""A step next door that is so much of the one at the arrival may be the departure."""
KNOWN_SHARE = 0.3
"""A vehicle's departure undoes what its arrival did next door, but for this share."""
PAUSE_S = 3.0
"""A movement that goes on after less than this is the same."""
RECENT_S = 60.0
LEFT_SHARE = 0.35
"""Less than this of a vehicle's offset is no vehicle: neighbours leave 10 to 35 % of theirs."""


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
    pending_mg: float = 0.0


def hear(state: Moving, movement: Movement, who: str = "") -> None:
    """An adjacent sensor's field moved, or goes on doing so: each second while it moves."""
    others = [
        each for each in state.beside if (each[0], each[1].began_s) != (who, movement.began_s)
    ]
    state.beside = deque([*others, (who, movement)], maxlen=6)


def move(state: Moving, on_mg: float, before: Vector | None, now_s: float) -> None:
    """The field moved since `before`, the second before this one."""
    assert state.mean is not None
    if not state.moving and before is not None:
        state.moving = True
        last = state.moved
        goes_on = last is not None and now_s - last.ended_s <= PAUSE_S
        if last is None or not goes_on or last.step_mg < on_mg / 2:
            state.rest, state.moving_since_s, state.peak_mg = before, now_s, 0.0
            state.taken, state.own_s, state.is_own = ZERO, 0, False
        state.is_attributed = False
    if state.rest is not None:
        state.former_mg = state.peak_mg
        state.peak_mg = max(state.peak_mg, math.dist(state.mean, state.rest))
        step = difference(state.mean, state.rest)
        state.moved = Movement(state.moving_since_s, now_s, state.peak_mg, step)
        _note_own(state, on_mg, now_s)
    state.steady_since_s = now_s


def _note_own(state: Moving, on_mg: float, now_s: float) -> None:
    """An echo is weaker than its source at each moment; what is stronger for two seconds is own."""
    louder_mg = max(
        (each.peak_mg for _, each in state.beside if each.ended_s > now_s - OWN_LAG_S),
        default=0.0,
    )
    own = state.former_mg > max(on_mg, louder_mg)
    state.own_s = state.own_s + 1 if own else 0
    state.is_own = state.is_own or state.own_s >= OWN_S


def attribute(state: Moving, on_mg: float, moved: Movement, status: Status) -> None:
    """Take a neighbour's share of a movement into the baseline."""
    for who, other in state.beside:
        if other.began_s > moved.ended_s + BESIDE_S or moved.began_s > other.ended_s + BESIDE_S:
            continue
        echo = state.echoes.get(who)
        if echo is not None and UNDOES[0] < other.step_mg / echo[1] < UNDOES[1]:
            expected = difference(ZERO, echo[0])
            near_mg = max(on_mg / 2, KNOWN_SHARE * math.hypot(*expected))
            if math.dist(moved.step, expected) < near_mg:
                _take(state, moved.step)
                del state.echoes[who]
                return
            if status is Status.OCCUPIED and _fits(state, on_mg, expected):
                _take(state, expected)
                del state.echoes[who]
                return
        inside = (
            moved.began_s > other.began_s - BESIDE_S and moved.ended_s < other.ended_s + BESIDE_S
        )
        if inside and not state.is_own and _is_echo(moved, other):
            _take(state, moved.step)
            state.echoes[who] = moved.step, max(other.step_mg, 1.0)
            return


def _take(state: Moving, step: Vector) -> None:
    assert state.baseline is not None
    state.baseline = along(state.baseline, difference(step, state.taken))
    state.taken, state.is_attributed = step, True


def _fits(state: Moving, on_mg: float, expected: Vector) -> bool:
    """Whether a neighbour's departure and the own vehicle's explain the field as it stands."""
    assert state.mean is not None
    assert state.baseline is not None
    vacant = along(state.baseline, difference(expected, state.taken))
    left_mg = math.dist(state.mean, vacant)
    near_mg = max(on_mg / 2, LEFT_SHARE * math.hypot(*state.offset))
    stays_mg = math.dist(state.mean, along(vacant, state.offset))
    return left_mg < min(near_mg, stays_mg)


def _is_echo(moved: Movement, other: Movement) -> bool:
    """Whether one movement is as weak as a neighbour's is: by its peak, or by peak and step."""
    if moved.peak_mg < NEIGHBOUR_SHARE * other.peak_mg:
        return True
    weak = moved.peak_mg < DOUBTFUL_SHARE * other.peak_mg
    return weak and moved.step_mg < NEIGHBOUR_SHARE * other.step_mg


def is_vetoed(state: Moving, away_mg: float, now_s: float) -> bool:
    """Whether a deviation may be that of a movement next door."""
    return any(away_mg < DOUBTFUL_SHARE * each.peak_mg for each in _overlapping(state, now_s))


def beside_mg(state: Moving, now_s: float) -> float:
    """How much of the last movement's step may be a neighbour's."""
    steps = [NEIGHBOUR_SHARE * each.step_mg for each in _overlapping(state, now_s)]
    return max(steps, default=0.0)


def _overlapping(state: Moving, now_s: float) -> list[Movement]:
    """The movements next door that overlap the last one here, while that is recent."""
    moved = state.moved
    if moved is None or now_s - moved.ended_s > RECENT_S:
        return []
    return [
        each
        for _, each in state.beside
        if each.began_s < moved.ended_s + BESIDE_S and moved.began_s < each.ended_s + BESIDE_S
    ]
