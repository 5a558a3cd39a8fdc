"""What a movement that two stories explain leaves open, and what was open and is told late. Pure.

published    the doubted movement    the own vehicle's next one ends      so there was
free         a neighbour came,       where the field stood all along      a vehicle: both told
             or the own vehicle      elsewhere                            none: an arrival
occupied     a neighbour moved,      where the field is vacant            one: a departure
             or the own one left     elsewhere                            none: both told

Or the vehicle next door leaves, and so tells what it had done here: see `proof`.
"""

import math
from dataclasses import replace

from agent.detector.changes import Change
from agent.detector.moving import Moving
from contract.words import Status
from drivers import Vector

LEFT_SHARE = 0.35
"""Less than this of a vehicle's offset is no vehicle: neighbours leave the rest."""
SHIFTED_SHARE = 0.5
"""A change of more than this share of a vehicle's offset is the vehicle moved within its bay."""
NEARER_SHARE = 0.6
"""Nearer than this share of another distance is clearly nearer."""
ECHO_USUAL_MG = 10.0
"""What a vehicle that stands next door does here, in the median."""


def begin_doubt(state: Moving, other: Vector) -> None:
    """The movement that just ended is in doubt: the vacant field may be `other` away."""
    state.other, state.echo_mg, state.behind, state.doubted_who = other, ECHO_USUAL_MG, 0.0, ""
    state.in_doubt, state.is_suspect, state.unseen = True, False, None
    _note_doubted(state)


def suspect(state: Moving, other: Vector) -> None:
    """The movement was a neighbour's in all likelihood; else the vacant field is `other` away."""
    if state.in_doubt:
        return
    state.other, state.is_suspect, state.unseen = other, True, None
    _note_doubted(state)


def _note_doubted(state: Moving) -> None:
    state.doubted_s, state.proven_s = min(state.quick_since_s, state.steady_since_s), None
    state.doubted_peak_mg = math.inf if state.is_gappy else state.peak_mg


def forget_doubt(state: Moving) -> None:
    """The movement that was in doubt goes on: it is judged anew."""
    if (state.in_doubt or state.is_suspect) and state.doubted_s >= state.moving_since_s:
        state.other, state.in_doubt, state.is_suspect = None, False, False


def told_only_late(state: Moving, status: Status, confidence: float) -> list[Change | None]:
    """Where the status stands: a vehicle that came and went, or went and another came, unseen."""
    unseen, moved = state.unseen, state.moved
    if unseen is None or unseen is status or moved is None:
        return []
    late = Change(unseen, status, state.doubted_s, confidence / 2)
    return [late, Change(status, unseen, moved.began_s, confidence)]


def told_late(state: Moving, change: Change) -> list[Change | None]:
    """A change, and before it the one that was in doubt, where it turned out to have been one."""
    unseen = state.unseen
    if state.proven_s is not None:
        return [replace(change, at_s=state.proven_s)]
    if unseen is None or unseen is change.status or change.previous is unseen:
        return [change]
    late = Change(unseen, change.previous, state.doubted_s, change.confidence / 2)
    return [late, replace(change, previous=unseen)]
