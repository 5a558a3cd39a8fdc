"""From evidence to a settled status: the state machine, its dwell and first crossing. Pure.

    INIT ---free, dwell---> FREE        INIT ---occupied, dwell---> OCCUPIED

               occupied                         dwell over
      FREE ---------------> ARRIVING ------------------------> OCCUPIED
       ^  ^                    |                                 |  ^
       |  +--------------------+                            free |  |
       |    free, or mostly something else                       v  | occupied, or mostly
       +----------------------------------------------------- LEAVING   something else
                               dwell over

    any ---fault---> INIT

INIT publishes `unknown`, ARRIVING still `free`, LEAVING still `occupied`. A dwell is over when a
sample agrees that comes the dwell's length after the first crossing, and two more agreed: after a
gap, the time alone confirms nothing. Evidence between the thresholds moves nothing.

| published | on its way | phase    |
|-----------|------------|----------|
| unknown   | any        | INIT     |
| free      | -          | FREE     |
| free      | occupied   | ARRIVING |
| occupied  | -          | OCCUPIED |
| occupied  | free       | LEAVING  |
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from agent.detector.changes import Change
from contract.words import Status

AGREEING = 3
"""Samples that must agree, however sparse they are: two alone could both be a passer-by."""
DISSENT = 8
"""So many samples for one that agrees: a sensor of which more than this is bad has a fault."""


class Phase(StrEnum):
    """The inner states."""

    INIT = "init"
    FREE = "free"
    ARRIVING = "arriving"
    OCCUPIED = "occupied"
    LEAVING = "leaving"


_PHASES = {
    (Status.FREE, None): Phase.FREE,
    (Status.FREE, Status.OCCUPIED): Phase.ARRIVING,
    (Status.OCCUPIED, None): Phase.OCCUPIED,
    (Status.OCCUPIED, Status.FREE): Phase.LEAVING,
}


@dataclass(slots=True)
class Settling:
    """What is published, what was settled last, and what is on its way. Monotonic seconds."""

    status: Status = Status.UNKNOWN
    settled: Status = Status.UNKNOWN
    toward: Status | None = None
    crossing_s: float = 0.0
    agreeing: int = 0
    samples: int = 0
    """All samples since the crossing, those that agree and the others."""

    @property
    def phase(self) -> Phase:
        """The inner state, by the table above."""
        return _PHASES.get((self.status, self.toward), Phase.INIT)


def settle(
    state: Settling,
    evidence: Status | None,
    crossed_s: float,
    now_s: float,
    dwell_s: float,
    steady_since_s: float = -math.inf,
) -> Change | None:
    """Take one sample's evidence: free, occupied, or None between the thresholds.

    `crossed_s` is when the present run of that evidence began, `dwell_s` how long it must last.
    A dwell is not counted from before `steady_since_s`, but the crossing stands.
    """
    if evidence is None:
        doubt(state)
        return None
    if evidence is state.status:
        drop_pending(state)
        return None
    if state.toward is not evidence:
        state.toward = evidence
        state.crossing_s = crossed_s
        state.agreeing = state.samples = 0
    state.agreeing += 1
    state.samples += 1
    held_s = now_s - max(state.crossing_s, steady_since_s)
    if held_s < dwell_s or state.agreeing < AGREEING:
        return None
    return _confirm(state, evidence)


def doubt(state: Settling) -> bool:
    """Count a sample that tells nothing; what most samples do not bear out is on its way no more.

    So a hand over the sensor is no arrival, nor is a passer-by of an hour ago. Answers whether
    something was dropped.
    """
    if state.toward is None:
        return False
    state.samples += 1
    if state.samples < DISSENT * state.agreeing + AGREEING:
        return False
    drop_pending(state)
    return True


def lose(state: Settling, now_s: float) -> Change | None:
    """The sensor cannot tell any more: unknown, unless it is already."""
    drop_pending(state)
    if state.status is Status.UNKNOWN:
        return None
    state.status = Status.UNKNOWN
    return Change(Status.UNKNOWN, state.settled, now_s, 0.0)


def drop_pending(state: Settling) -> None:
    """Forget what was on its way."""
    state.toward = None


def _confirm(state: Settling, status: Status) -> Change:
    confidence = round(state.agreeing / state.samples, 3)
    change = Change(status, state.settled, state.crossing_s, confidence)
    state.status = state.settled = status
    drop_pending(state)
    return change
