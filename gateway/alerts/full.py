"""The lot or a zone is nearly full: of what is known to be in use or free, how much is in use.

Where too little is known the rule does not judge: an unknown spot is neither.
"""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from contract.alerts import Severity
from contract.occupancy import Occupancy
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 5.0


class Config(RuleSettings):
    """Raised from `raise_share` on, resolved below `clear_share`."""

    severity: Severity = Severity.INFO
    raise_after_s: float = 60.0
    clear_after_s: float = 60.0
    raise_share: float = Field(0.95, gt=0, le=1)
    clear_share: float = Field(0.90, gt=0, le=1)
    coverage_share: float = Field(0.8, ge=0, le=1)
    """Of the spots, so many must be known."""

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("clear_share", "raise_share")
        return self


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The lot and the zones that have few free spots left."""
    for subject, each in facts.occupancies.items():
        open_ = each.occupied + each.free
        if not open_ or each.coverage < config.coverage_share:
            yield Finding(subject, Level.UNSURE)
            continue
        share = each.occupied / open_
        if share >= config.raise_share:
            yield _full(each, share)
        elif share >= config.clear_share:
            yield Finding(subject, Level.UNSURE)


def _full(occupancy: Occupancy, share: float) -> Finding:
    where = f"zone {occupancy.zone_id}" if occupancy.zone_id else f"lot {occupancy.lot_id}"
    return Finding(
        occupancy.zone_id or "",
        text=f"{where} is {100 * share:.0f} % full: {occupancy.free} free",
        zone_id=occupancy.zone_id,
        details={"occupied_percent": round(100 * share, 1), "free": occupancy.free},
    )
