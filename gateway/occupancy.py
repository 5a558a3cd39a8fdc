"""Occupancy as a pure function of each spot's last record and of who is heard. No clock here.

A spot counts as known only while its agent is heard; unknown is never counted as free.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from contract.occupancy import Occupancy, SpotState
from contract.spots import Spot
from contract.words import ClockState, HealthState, Status


@dataclass(frozen=True, slots=True)
class Believed:
    """The last record of a spot: what its agent said, and in which place of its stream."""

    status: Status
    since: datetime
    confidence: float
    health: HealthState
    health_reason: str
    agent_id: str
    epoch: str
    seq: int
    arrived: datetime | None = None
    """When the vehicle came that stands there, or stood there before the spot was unknown."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What people are shown of a spot, and why it is unknown if it is."""

    status: Status
    reason: str = ""


def shown(believed: Believed | None, *, closed: bool, silence: str) -> Shown:
    """What to show: `silence` says why the spot's agent cannot be believed now, "" if it can.

    >>> shown(None, closed=False, silence="")
    Shown(status=<Status.UNKNOWN: 'unknown'>, reason='never_seen')
    >>> shown(None, closed=True, silence="agent_offline").status.value
    'closed'
    """
    if closed:
        return Shown(Status.CLOSED)
    if believed is None:
        return Shown(Status.UNKNOWN, "never_seen")
    if silence:
        return Shown(Status.UNKNOWN, silence)
    return Shown(believed.status, believed.health_reason)


class Term(TypedDict):
    """From when and for how long what is told may be shown, and by which clock."""

    as_of: datetime
    valid_until: datetime
    valid_for_s: float
    clock: ClockState


def tally(
    lot_id: str,
    zone_id: str | None,
    statuses: Iterable[Status],
    term: Term,
) -> Occupancy:
    """The occupancy of the spots that `statuses` are of."""
    counts = Counter(statuses)
    total = counts.total()
    known = total - counts[Status.UNKNOWN]
    return Occupancy(
        lot_id=lot_id,
        zone_id=zone_id,
        total=total,
        occupied=counts[Status.OCCUPIED],
        free=counts[Status.FREE],
        unknown=counts[Status.UNKNOWN],
        closed=counts[Status.CLOSED],
        coverage=round(known / total, 4) if total else 0.0,
        **term,
    )


def counted(
    lot_id: str,
    zone_id: str | None,
    count: int,
    capacity: int,
    term: Term,
) -> Occupancy:
    """The occupancy of a zone whose lanes are counted; `count` is its ledger's sum, never held."""
    occupied = min(max(count, 0), capacity)
    return Occupancy(
        lot_id=lot_id,
        zone_id=zone_id,
        source="counted",
        total=capacity,
        occupied=occupied,
        free=capacity - occupied,
        unknown=0,
        closed=0,
        coverage=1.0,
        counted=count,
        **term,
    )


def spot_state(spot: Spot, believed: Believed | None, what: Shown, term: Term) -> SpotState:
    """The retained state of one spot."""
    told = believed is not None and what.status not in (Status.UNKNOWN, Status.CLOSED)
    return SpotState(
        spot_id=spot.spot_id,
        zone_id=spot.zone_id,
        floor=spot.floor,
        status=what.status,
        since=believed.since if believed and told else None,
        confidence=believed.confidence if believed and told else 0.0,
        health=believed.health if believed else HealthState.OK,
        reason=what.reason,
        **term,
    )


def newer(
    agent_id: str, epoch: str, seq: int, believed: Believed | None, epochs: list[str]
) -> bool:
    """Whether a record says more than what is believed. `epochs`: its agent's, oldest first.

    >>> newer("pi-1", "e1", 7, None, ["e1"])
    True
    """
    if believed is None or believed.agent_id != agent_id:
        return True
    if epoch == believed.epoch:
        return seq > believed.seq
    if believed.epoch not in epochs:
        return True
    return epochs.index(epoch) > epochs.index(believed.epoch)


def arrival(
    status: Status, previous: Status | None, at: datetime, known: datetime | None
) -> datetime | None:
    """When the vehicle came that stands there behind a record of `status` at `at`.

    A spot that was unknown and is occupied again, with no departure between (`previous`, the last
    settled status), is the same stay. `previous` is None of a snapshot, which does not say. `known`
    is when the stay began as of the record before.

    >>> arrival(Status.FREE, Status.OCCUPIED, datetime(2026, 3, 1), None) is None
    True
    """
    if status is Status.OCCUPIED:
        return known if known and previous is Status.OCCUPIED else at
    return known if status is Status.UNKNOWN else None
