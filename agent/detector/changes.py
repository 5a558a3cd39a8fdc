"""What a detector may say. Times in monotonic seconds. Pure."""

from dataclasses import dataclass

from contract.words import HealthState, Status


@dataclass(frozen=True, slots=True)
class Change:
    """A spot's status changed at `at_s`, its FIRST crossing.

    `previous` is the last settled `free` or `occupied`, `unknown` if there was none: occupied,
    unknown, occupied again is no arrival. What was in doubt is told late, before the change that
    proves it, and `at_s` lies in the past: see `agent.detector.doubt`. `confidence` is the share of
    the samples since the crossing that agreed, 0 for `unknown`; a magnetometer alone answers for
    0.7 of it at most.
    """

    status: Status
    previous: Status
    at_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class HealthChange:
    """The sensor's health changed, and why; `reason` is empty for `ok`."""

    health: HealthState
    reason: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A vehicle went over a lane's sensor: when it came, for how long, its peak in mG.

    `confidence` is 0.5 for a peak at the threshold and 1 from twice of it.
    """

    at_s: float
    duration_s: float
    peak_mg: float
    confidence: float


Said = Change | HealthChange | Passage
