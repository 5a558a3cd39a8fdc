"""Alert rules: one a file, pure. A rule sees facts and names the subjects that are not well.

A rule is a module of this package with

    Config      a `RuleSettings` with the rule's own thresholds; its defaults are the product's
    EVERY_S     how often it looks, in seconds; 0 at each tick of the gateway, one a second
    look        (facts, config) -> findings

and a line in `gateway/alerts/registry.py`. It names the subjects that are bad, and those it
cannot or need not judge now (`UNSURE`): between the threshold that raises and the one that
clears, or where its source is silent. A subject it does not name is well. How long a state must
last, and that there is one open alert a subject, is the engine's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from pydantic import BaseModel, ConfigDict, Field

from contract.alerts import Severity


class Level(Enum):
    """What a rule says of a subject; that it is well, it says by not naming it."""

    BAD = "bad"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Finding:
    """A subject that is not well. `subject` is its id, "" for the lot or the gateway itself."""

    subject: str
    level: Level = Level.BAD
    text: str = ""
    severity: Severity | None = None
    """Where it is another than the rule's."""
    since: datetime | None = None
    """When it began, where the rule knows; else it began when it was first seen."""
    agent_id: str | None = None
    spot_id: str | None = None
    zone_id: str | None = None
    details: Mapping[str, float | str] = field(default_factory=dict)


class RuleSettings(BaseModel):
    """What every rule can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    severity: Severity = Severity.WARNING
    raise_after_s: float = Field(0.0, ge=0)
    """So long a subject must be bad without a break before its alert is raised ..."""
    clear_after_s: float = Field(0.0, ge=0)
    """... and so long well before it is resolved."""

    def in_order(self, lower: str, higher: str) -> None:
        """Raise ValueError where an option is more than the one that it must not pass."""
        low, high = getattr(self, lower), getattr(self, higher)
        if low > high:
            raise ValueError(f"{lower} = {low} is above {higher} = {high}: swap them")
