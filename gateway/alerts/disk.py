"""The disk with the gateway's database fills."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from contract.alerts import Severity
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 10.0
MB = 1_000_000


class Config(RuleSettings):
    """Shares of the disk that are free."""

    severity: Severity = Severity.CRITICAL
    raise_below: float = Field(0.10, ge=0, le=1)
    clear_from: float = Field(0.15, ge=0, le=1)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("raise_below", "clear_from")
        return self


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The gateway, where little is free."""
    share = facts.disk_free_bytes / facts.disk_total_bytes
    if share < config.raise_below:
        yield Finding(
            "",
            text=f"the disk of the gateway's database has {100 * share:.1f} % free "
            f"({facts.disk_free_bytes / MB:.0f} MB): make room",
            details={"free_bytes": facts.disk_free_bytes, "free_percent": round(100 * share, 1)},
        )
    elif share < config.clear_from:
        yield Finding("", Level.UNSURE)
