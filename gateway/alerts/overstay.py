"""A vehicle that stands longer than its zone allows, verified with the sensor before it is told.

The stay is measured from the original arrival: a restart of agent or gateway, or a while in which
the spot was unknown, begins no new one. The limit is the zone's `max_stay_s`; `grace_s` behind it
is the end grace, for the way back to the vehicle. Raised only on a live heartbeat whose reading was
taken behind that moment and says `occupied`: a departure that was missed is no overstay. An agent
whose clock is far from the gateway's is no witness of when a stay began.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import Field

from contract.words import HealthState, Status
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts, SpotFacts

EVERY_S = 5.0
CLOCK_OFF_S = 300.0


class Config(RuleSettings):
    """Zones without `max_stay_s` have no overstays."""

    grace_s: float = Field(600.0, ge=0)


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The spots whose vehicle should have gone."""
    for spot_id, spot in facts.spots.items():
        due = _due(spot, config.grace_s)
        if due is None or facts.now < due:
            continue
        if not _is_timed(facts, spot) or not _verified(spot, due):
            yield Finding(spot_id, Level.UNSURE)
        else:
            yield _overstay(spot_id, spot, due, facts.now)


def _is_timed(facts: Facts, spot: SpotFacts) -> bool:
    """Whether both clocks can be believed that the stay is measured by."""
    agent = facts.agents.get(spot.agent_id)
    off_s = agent.clock_off_s if agent else None
    return facts.synced and abs(off_s or 0.0) <= CLOCK_OFF_S


def _due(spot: SpotFacts, grace_s: float) -> datetime | None:
    """From when the stay is an overstay; None where none stands there, or as long as it likes.

    That a spot is unknown does not end its stay: `arrived` is forgotten at a departure.
    """
    if spot.arrived is None or spot.max_stay_s is None or spot.status is Status.CLOSED:
        return None
    return spot.arrived + timedelta(seconds=spot.max_stay_s + grace_s)


def _verified(spot: SpotFacts, due: datetime) -> bool:
    """Whether a reading behind `due` still sees the vehicle."""
    sensor = spot.sensor
    return (
        spot.status is Status.OCCUPIED
        and sensor is not None
        and sensor.status is Status.OCCUPIED
        and sensor.health is not HealthState.FAULT
        and spot.sensed_at is not None
        and spot.sensed_at >= due
    )


def _overstay(spot_id: str, spot: SpotFacts, due: datetime, now: datetime) -> Finding:
    assert spot.arrived is not None
    assert spot.sensed_at is not None
    return Finding(
        spot_id,
        text=f"the vehicle at {spot_id} came at {spot.arrived:%Y-%m-%d %H:%M} UTC and should have "
        f"gone by {due:%Y-%m-%d %H:%M} UTC; the sensor saw it at {spot.sensed_at:%H:%M:%S}",
        since=spot.arrived,
        spot_id=spot_id,
        zone_id=spot.zone_id,
        agent_id=spot.agent_id or None,
        details={
            "stay_s": round((now - spot.arrived).total_seconds()),
            "over_s": round((now - due).total_seconds()),
            "verified_at": spot.sensed_at.isoformat(timespec="milliseconds"),
        },
    )
