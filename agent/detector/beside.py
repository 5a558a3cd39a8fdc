"""Whose movement it was: the own vehicle's, or one next door that bends the field here too. Pure.

Adjacent sensors tell each other their movements, each second while they go on (`hear`). When both
fields stand again the likeliest story is believed, see `stories`, and a neighbour's share of the
step is taken into the baseline. What the second best would mean for the vacant field is remembered
(`other`), until the own vehicle's next movement tells.
"""

import math
from collections import deque
from dataclasses import dataclass

from agent.detector.baseline import ZERO, along, difference
from agent.detector.doubt import begin_doubt, forget_doubt, suspect
from agent.detector.moving import Echo, Movement, Moving
from agent.detector.proof import Proof, prove
from agent.detector.stories import Story, echo_at_rest_mg, stories
from contract.words import Status

NEIGHBOUR_SHARE = 0.25
"""A change of more than this share of a vehicle's own peak reaches the next bay hardly ever."""
DOUBTFUL_SHARE = 0.4
"""One of less than this share may be: it has to stand for longer."""
DOUBT = 4.0
"""Another story that is less than this behind may be the true one."""
SUSPECT = 9.0
"""One that is less than this behind is remembered: the own vehicle's next movement may prove it."""
BESIDE_S = 6.0
"""A movement next door that was this much earlier or later may be the same: a chip repeats rows."""
OWN_S = 2
FAR_MG = 50.0
"""What a strong vehicle 3 m away does to a sensor: as far from this one as from the next."""
MUCH_LOUDER = 1.5
OWN_LAG_S = 2.5
"""Adjacent sensors decide within a second of each other, and a frozen one lags."""
UNDOES = (0.7, 1.4)
"""A step next door that is so much of the one at the arrival may be the departure."""
UNSEEN_S = 2.5
"""A vehicle's strongest second may have been among those that nobody measured."""
PAUSE_S = 4.0
"""A movement that goes on after less than this is the same: none was told over before."""
RECENT_S = 60.0


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
    if before_s is not None and now_s - before_s > UNSEEN_S:
        state.is_gappy = True
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
    _note_own(state, now_s)
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
        state.rest = state.stood if pending or state.apart is not None else state.level
        if state.apart is None and state.is_uncertain:
            state.rest = None
        state.moving_since_s, state.quick_since_s, state.peak_mg = before_s, math.inf, 0.0
        state.taken, state.own_s, state.is_own, state.is_gappy = ZERO, 0, False, False
        state.former_echoes = dict(state.echoes)
    state.is_attributed, state.apart = False, None


def _is_pending(state: Moving, on_mg: float, now_s: float) -> bool:
    """Whether the last movement was the spot's own and took the field elsewhere of late."""
    moved = state.moved
    if moved is None or state.stood is None or state.is_attributed:
        return False
    return now_s - moved.ended_s < RECENT_S and math.dist(state.stood, state.level) > on_mg / 2


def _note_own(state: Moving, now_s: float) -> None:
    """An echo is weaker than its source at each moment; what is stronger for two seconds is own."""
    louder_mg = max(
        (each.peak_mg for _, each in state.beside if each.ended_s > now_s - OWN_LAG_S),
        default=0.0,
    )
    louder_mg = max(FAR_MG, louder_mg)
    state.own_s = state.own_s + 1 if state.former_mg > louder_mg else 0
    much = state.former_mg > MUCH_LOUDER * louder_mg
    state.is_own = state.is_own or much or state.own_s >= OWN_S


def attribute(state: Moving, on_mg: float, status: Status, now_s: float) -> None:
    """The field stands again: take a neighbour's share of the movement into the baseline."""
    assert state.mean is not None
    assert state.rest is not None
    assert state.baseline is not None
    others = [
        each for each in _since(state, state.moving_since_s, now_s) if each[1].peak_mg > on_mg
    ]
    if not others:
        return
    loudest, other = max(others, key=lambda each: each[1].peak_mg)
    known = {who: state.echoes[who].step for who, each in others if _undoes(state, who, each)}
    undone = ZERO
    for echo in known.values():
        undone = difference(undone, echo)
    vacant = difference(state.baseline, state.taken)
    parked = status is Status.OCCUPIED
    parked = parked and math.dist(state.rest, along(vacant, state.offset)) < on_mg
    before = along(vacant, state.offset) if parked else state.rest
    found = stories(state, on_mg, vacant if parked else None, before, undone, bool(known), other)
    judged = _judged(found)
    forget_doubt(state)
    proof = Proof.NONE
    if not judged.best.own and list(known) == [state.doubted_who]:
        step = difference(state.mean, before)
        proof = prove(state, step, undone, judged.own_cost, parked)
    if proof is Proof.REFUTED:
        state.is_attributed, state.is_own = True, False
    else:
        _take(state, judged.best)
    if proof is Proof.NONE:
        _doubt(state, judged, other, on_mg)
    for who in known:
        state.echoes.pop(who, None)
    if judged.best.unknown and other.step_mg > on_mg and loudest not in known:
        state.echoes[loudest] = Echo(state.taken, other.step_mg, other.ended_s)
        state.doubted_who = loudest if state.doubted_s >= state.moving_since_s else ""


@dataclass(frozen=True, slots=True)
class _Judged:
    """The story that is reckoned with, the one that says otherwise of the own vehicle.

    How much likelier than the second the likeliest is, and what one costs in which it moved.
    """

    best: Story
    second: Story
    behind: float
    own_cost: float


def _judged(found: list[Story]) -> _Judged:
    """Of two that are almost as likely the one is reckoned with in which nobody moved here."""
    best, *rest = sorted(found, key=lambda each: each.cost)
    own_cost = min((each.cost for each in found if each.own), default=math.inf)
    second = next((each for each in rest if each.own is not best.own), None)
    if second is None:
        return _Judged(best, best, math.inf, own_cost)
    behind = second.cost - best.cost
    if best.own and behind < DOUBT:
        best, second = second, best
    return _Judged(best, second, behind, own_cost)


def _doubt(state: Moving, judged: _Judged, other: Movement, on_mg: float) -> None:
    """Remember what the second story would mean, as far as it is to be feared."""
    if state.is_uncertain or (state.in_doubt and state.behind < judged.behind):
        return
    elsewhere = difference(judged.second.taken, judged.best.taken)
    if judged.behind < DOUBT:
        begin_doubt(state, elsewhere)
    elif judged.behind < SUSPECT and not judged.best.own and math.hypot(*elsewhere) > on_mg:
        suspect(state, elsewhere)
    else:
        return
    state.behind, state.echo_mg = judged.behind, echo_at_rest_mg(other)


def _undoes(state: Moving, who: str, other: Movement) -> bool:
    """Whether a movement next door may be the departure of the vehicle whose arrival was noted."""
    echo = state.echoes.get(who)
    if echo is None or other.began_s <= echo.ended_s:
        return False
    return UNDOES[0] < other.step_mg / echo.source_mg < UNDOES[1]


def _take(state: Moving, story: Story) -> None:
    """Take a story's part of the step into the baseline."""
    assert state.baseline is not None
    state.baseline = along(state.baseline, difference(story.taken, state.taken))
    state.taken = story.taken
    state.is_attributed, state.is_own = not story.own or story.unknown, story.own


def is_vetoed(state: Moving, now_s: float) -> bool:
    """Whether what moved last may have been a vehicle next door."""
    if state.is_own or state.is_attributed:
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
