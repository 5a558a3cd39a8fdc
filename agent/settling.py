"""From evidence to a settled status: hysteresis outside, dwell and first crossing here. Pure.

                  occupied                   dwell over, 3 samples
          FREE -------------> ARRIVING ----------------------------> OCCUPIED
           ^ ^                   |  free                                |  ^
           | +-------------------+                                 free |  | occupied
           |          dwell over, 3 samples                             v  |
           +------------------------------------------------------- LEAVING

    INIT: nothing is settled (start, or after a fault). Either side settles it, after its dwell.
    ARRIVING and LEAVING keep the published status; "between" the thresholds nothing moves.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.changes import Change
from contract.words import Status

AGREEING = 3
"""Samples that must agree, however sparse they are: two alone could both be a passer-by."""


class Phase(StrEnum):
    """The inner states."""

    INIT = "init"
    FREE = "free"
    ARRIVING = "arriving"
    OCCUPIED = "occupied"
    LEAVING = "leaving"


@dataclass(slots=True)
class Settling:
    """What is published, what was settled last, and what is on its way."""

    phase: Phase = Phase.INIT
    status: Status = Status.UNKNOWN
    settled: Status = Status.UNKNOWN
    toward: Status | None = None
    crossing_s: float = 0.0
    agreeing: int = 0


_HOME = {Status.FREE: Phase.FREE, Status.OCCUPIED: Phase.OCCUPIED, Status.UNKNOWN: Phase.INIT}
_PENDING = {Status.FREE: Phase.LEAVING, Status.OCCUPIED: Phase.ARRIVING}


def settle(
    state: Settling, evidence: Status | None, crossed_s: float, now_s: float, dwell_s: float
) -> Change | None:
    """Take one sample's evidence: free, occupied, or None between the thresholds.

    `crossed_s` is when the present run of that evidence began, `dwell_s` how long it must last.
    """
    if evidence is None:
        return None
    if evidence is state.status:
        drop_pending(state)
        return None
    if state.toward is not evidence:
        state.toward = evidence
        state.crossing_s = crossed_s
        state.agreeing = 0
        if state.status is not Status.UNKNOWN:
            state.phase = _PENDING[evidence]
    state.agreeing += 1
    if now_s - state.crossing_s < dwell_s or state.agreeing < AGREEING:
        return None
    change = Change(evidence, state.settled, state.crossing_s, 1.0)
    state.status = state.settled = evidence
    drop_pending(state)
    return change


def lose(state: Settling, now_s: float) -> Change | None:
    """The sensor cannot tell any more: unknown, unless it is already."""
    drop_pending(state)
    if state.status is Status.UNKNOWN:
        return None
    state.status = Status.UNKNOWN
    state.phase = Phase.INIT
    return Change(Status.UNKNOWN, state.settled, now_s, 0.0)


def drop_pending(state: Settling) -> None:
    """Forget what was on its way."""
    state.toward = None
    state.agreeing = 0
    state.phase = _HOME[state.status]
