"""A vehicle in a bay that is kept for others: EV, accessible, permit, VIP.

It is told only where somebody has said what the vehicle may use (`spot-vehicle` in
docs/gateway.md): a sensor does not see a permit.
"""

from collections.abc import Iterator

from contract.words import Status
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 5.0


class Config(RuleSettings):
    """A driver may be mistaken and leave: `raise_after_s`."""

    raise_after_s: float = 120.0


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The spots that are used by who may not."""
    for spot_id, spot in facts.spots.items():
        if spot.vehicle_kinds is None or not spot.kinds or spot.kinds & spot.vehicle_kinds:
            continue
        if spot.status is Status.UNKNOWN:
            yield Finding(spot_id, Level.UNSURE)
        elif spot.status is Status.OCCUPIED:
            wanted = ", ".join(sorted(kind.value for kind in spot.kinds))
            yield Finding(
                spot_id,
                text=f"{spot_id} is kept for {wanted}; the vehicle there has no claim to it",
                spot_id=spot_id,
                zone_id=spot.zone_id,
                agent_id=spot.agent_id or None,
            )
