"""A certificate that expires soon: with it, the gateway would lose its broker."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from contract.alerts import Severity
from gateway.alerts import Finding, Level, RuleSettings
from gateway.alerts.facts import Facts

EVERY_S = 60.0
DAY_S = 86_400.0


class Config(RuleSettings):
    """Raised `days` before the end, critical from `critical_days` on."""

    days: float = Field(30.0, gt=0)
    critical_days: float = Field(7.0, ge=0)

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        self.in_order("critical_days", "days")
        return self


def look(facts: Facts, config: Config) -> Iterator[Finding]:
    """The certificates whose end is near or past."""
    for name, end in facts.certificates.items():
        days = (end - facts.now).total_seconds() / DAY_S
        if not facts.synced:
            yield Finding(name, Level.UNSURE)
        elif days < config.days:
            yield Finding(
                name,
                text=f"certificate {name} {_says(days)} on {end:%Y-%m-%d %H:%M} UTC: renew it",
                severity=Severity.CRITICAL if days < config.critical_days else None,
                details={"days": round(days, 1), "expires": end.isoformat()},
            )


def _says(days: float) -> str:
    return "expired" if days < 0 else "expires"
