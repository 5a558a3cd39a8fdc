"""`alerts/{id}`: what a person should look at, retained until it ends."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from contract.words import ClockState, Id


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return tuple(Severity).index(self)


class AlertState(StrEnum):
    """Who has seen an alert, and whether it stands."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Note(BaseModel):
    """What a person wrote to an alert."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: AwareDatetime
    by: str
    text: str


class Alert(BaseModel):
    """One alert. An open one ends with an empty message on its topic.

    There is one open alert of a kind for a subject, and `alert_id` names the two. A reader shows
    a `kind` that it does not know by its `text`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    alert_id: Id
    kind: Id
    severity: Severity = Severity.WARNING
    state: AlertState = AlertState.RAISED
    agent_id: Id | None = None
    spot_id: Id | None = None
    zone_id: Id | None = None
    text: str
    details: dict[str, float | str] = {}
    """The figures behind the text, with their units in their names."""
    since: AwareDatetime
    """When what it tells began: of an overstay, the arrival."""
    raised_at: AwareDatetime | None = None
    clock: ClockState = ClockState.UNSYNCED
    """How far `raised_at` can be trusted."""
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: str | None = None
    resolved_at: AwareDatetime | None = None
    resolved_by: str | None = None
    """A person, or `itself` where what it told has ended."""
    notes: tuple[Note, ...] = ()
