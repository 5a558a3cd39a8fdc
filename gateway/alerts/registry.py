"""The rules by their kinds, and their part of gateway.toml."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import cast

from pydantic import BaseModel, ConfigDict

from gateway.alerts import Finding, RuleSettings
from gateway.alerts.certificate import Config as Certificate
from gateway.alerts.clock import Config as Clock
from gateway.alerts.clone import Config as Clone
from gateway.alerts.disk import Config as Disk
from gateway.alerts.drift import Config as Drift
from gateway.alerts.facts import Facts
from gateway.alerts.full import Config as Full
from gateway.alerts.ineligible import Config as Ineligible
from gateway.alerts.invalid import Config as Invalid
from gateway.alerts.offline import Config as Offline
from gateway.alerts.overstay import Config as Overstay
from gateway.alerts.power import Config as Power
from gateway.alerts.sensor import Config as Sensor
from gateway.alerts.spool import Config as Spool


class Rules(BaseModel):
    """Every rule by its kind: the module's name, and its table under `[alerts]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: Certificate = Certificate()
    clock: Clock = Clock()
    clone: Clone = Clone()
    disk: Disk = Disk()
    drift: Drift = Drift()
    full: Full = Full()
    ineligible: Ineligible = Ineligible()
    invalid: Invalid = Invalid()
    offline: Offline = Offline()
    overstay: Overstay = Overstay()
    power: Power = Power()
    sensor: Sensor = Sensor()
    spool: Spool = Spool()

    def of(self, kind: str) -> RuleSettings:
        """A kind's settings."""
        return cast(RuleSettings, getattr(self, kind))

    def enabled(self) -> list[str]:
        """The kinds that are looked for."""
        return [kind for kind in kinds() if self.of(kind).enabled]


def kinds() -> tuple[str, ...]:
    """The kinds of alert there are, in alphabetical order."""
    return tuple(Rules.model_fields)


def every_s(kind: str) -> float:
    """How often a kind is looked for, in seconds."""
    return cast(float, import_module(f"gateway.alerts.{kind}").EVERY_S)


def look(kind: str, facts: Facts, settings: RuleSettings) -> Iterator[Finding]:
    """What a kind's rule finds."""
    found: Iterable[Finding] = import_module(f"gateway.alerts.{kind}").look(facts, settings)
    yield from found
