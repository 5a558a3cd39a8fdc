"""A record as the cloud takes it in: checked, standardised, or refused with field and reason.

Gateways send whole records (`contract.upstream`). Older pipelines hold no more than spot, status
and timestamp; such a record gets an identity of its own from what it says, so that it is known when
it comes again. Pure: no clock, no socket, no database.
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from contract.alerts import AlertState, Severity
from contract.events import Seq
from contract.words import ClockState, EventType, HealthState, Id

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
OLD_SOURCE = "status-only"
"""The agent under which records without one stand; their epoch, too, is always the same."""

EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=500)]
"""Text for people. Postgres holds no NUL."""
Count = Annotated[int, Field(ge=0, lt=2**31)]
Bytes = Annotated[int, Field(ge=0, lt=2**63)]
CloudStatus = Literal["occupied", "vacant", "unknown", "closed"]

_OF_SPOTS = {EventType.STATUS, EventType.SNAPSHOT, EventType.HEALTH}
OF_GATEWAYS = {
    EventType.AGENT_SILENT,
    EventType.AGENT_HEARD,
    EventType.SPOT_CLOSED,
    EventType.SPOT_OPENED,
    EventType.ALERT,
    EventType.GATEWAY_HEALTH,
}
"""A gateway's own words, which tell of spots and agents and are not theirs."""
_NEEDED = {
    EventType.TICKET_CLOSED: ["ticket_id", "amount_minor", "currency", "entered_at", "exited_at"],
    EventType.CORRECTION: ["delta"],
    EventType.AGENT_SILENT: ["agent_id"],
    EventType.AGENT_HEARD: ["agent_id"],
    EventType.SPOT_CLOSED: ["spot_id"],
    EventType.SPOT_OPENED: ["spot_id"],
    EventType.ALERT: ["alert_id", "alert_kind", "severity", "state", "raised_at"],
}
_SETTLED: dict[EventType, CloudStatus] = {
    EventType.ARRIVAL: "occupied",
    EventType.DEPARTURE: "vacant",
}


class BadRecord(ValueError):
    """A record that will never be taken; the text names the field and what would be right."""


class CloudRecord(BaseModel):
    """One record. `seq` orders a spot's records within (agent_id, epoch), `made_at` the snapshots
    of one seq, `told_seq` a gateway's own words within `told_by`; `delta` is a correction of a
    count, in vehicles; `amount_minor` is in integer minor units of `currency`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: EventId
    event_type: EventType
    lot_id: Id
    timestamp: AwareDatetime
    facility_id: Id | None = None
    zone_id: Id | None = None
    spot_id: Id | None = None
    status: CloudStatus | None = None
    agent_id: Id | None = None
    epoch: Id | None = None
    seq: Seq | None = None
    clock: ClockState = ClockState.SYNCED
    historical: bool = False
    made_at: AwareDatetime | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    health: HealthState | None = None
    health_reason: Words = ""
    lane_id: Id | None = None
    version: Words | None = None
    delta: Annotated[int, Field(ge=-100_000, le=100_000)] | None = None
    reason: Words | None = None
    ticket_id: Id | None = None
    vehicle_class: Words | None = None
    entered_at: AwareDatetime | None = None
    exited_at: AwareDatetime | None = None
    amount_minor: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    state: Words | None = None
    own_status: CloudStatus | None = None
    told_by: Id = ""
    told_seq: Annotated[int, Field(ge=0, lt=2**63)] = 0
    alert_id: Id | None = None
    alert_kind: Id | None = None
    severity: Severity | None = None
    text: Words = ""
    since: AwareDatetime | None = None
    raised_at: AwareDatetime | None = None
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: Words | None = None
    resolved_at: AwareDatetime | None = None
    resolved_by: Words | None = None
    session_id: Id | None = None
    uptime_s: Annotated[float, Field(ge=0, lt=1e12)] | None = None
    agents_online: Count | None = None
    agents_total: Count | None = None
    waiting: Count | None = None
    spool_bytes: Bytes | None = None
    spool_limit_bytes: Bytes | None = None

    @model_validator(mode="after")
    def _check_by_type(self) -> Self:
        if not EARLIEST <= self.timestamp < LATEST:
            raise ValueError("timestamp lies outside of 2000 to 2099: mend the sender's clock")
        for name in self._needed():
            if getattr(self, name) is None:
                raise ValueError(f"{name} is missing of {self.event_type.value}")
        if self.event_type is EventType.ALERT and self.state not in tuple(AlertState):
            raise ValueError(f"state of ALERT is one of {', '.join(AlertState)}")
        if self.event_type is EventType.GATEWAY_HEALTH and not self.told_by:
            raise ValueError("told_by is missing of GATEWAY_HEALTH")
        settled = _SETTLED.get(self.event_type)
        if settled and self.spot_id is not None and self.status != settled:
            raise ValueError(f"status of {self.event_type.value} is {settled}")
        return self

    def _needed(self) -> list[str]:
        kind = self.event_type
        if kind in _NEEDED:
            return _NEEDED[kind]
        of_spot = kind in _OF_SPOTS or (kind in _SETTLED and self.spot_id is not None)
        if of_spot:
            status = [] if kind is EventType.HEALTH else ["status"]
            return ["spot_id", *status, "agent_id", "epoch", "seq"]
        return []

    @property
    def counts(self) -> int:
        """By how much a counted lot's ledger moves: 0 where the record is none of the ledger's."""
        if self.spot_id is not None:
            return 0
        if self.event_type is EventType.CORRECTION:
            return self.delta or 0
        return {EventType.ARRIVAL: 1, EventType.DEPARTURE: -1}.get(self.event_type, 0)


def decode(payload: bytes, default_lot: str | None = None) -> CloudRecord:
    """The record in `payload`. Records without a lot are of `default_lot`. Raises BadRecord."""
    try:
        return CloudRecord.model_validate_json(payload)
    except ValidationError as error:
        complete = error  # most are; only others are looked at in Python
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        raise BadRecord("the payload is no JSON object: send one object a record") from None
    if not isinstance(body, dict):
        raise BadRecord("the payload is no JSON object: send one object a record")
    if "event_id" in body and "lot_id" in body:
        raise BadRecord(explained(complete))
    return checked(standardised(body, default_lot))


def checked(body: dict[str, Any]) -> CloudRecord:
    """`body` as a record. Raises BadRecord."""
    try:
        return CloudRecord.model_validate(body)
    except ValidationError as error:
        raise BadRecord(explained(error)) from None


def standardised(body: dict[str, Any], default_lot: str | None = None) -> dict[str, Any]:
    """`body` with what a source that says less than a gateway leaves out: lot, type, identity.

    >>> standardised({"spot_id": "A1", "status": "occupied",
    ...     "timestamp": "2024-03-20T10:00:00Z"}, "north")["event_id"]
    'north:A1:1710928800000000:occupied'
    """
    found = {"event_type": EventType.STATUS.value, **body}
    if found.get("lot_id") is None and default_lot is not None:
        found["lot_id"] = default_lot
    spot_id, kind = found.get("spot_id"), found["event_type"]
    if spot_id is None or found.get("agent_id") is not None:
        return found
    if not isinstance(kind, str) or kind in OF_GATEWAYS:
        return found
    at_us = _microseconds(found.get("timestamp"))
    said = found.get("status") or _SETTLED.get(found["event_type"])
    found.setdefault("event_id", f"{found.get('lot_id')}:{spot_id}:{at_us}:{said}")
    return found | {"status": said, "agent_id": OLD_SOURCE, "epoch": OLD_SOURCE, "seq": at_us}


def _microseconds(timestamp: Any) -> int:
    """Since 1970; the order of a source that has no other."""
    try:
        moment = datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        raise BadRecord(
            f"timestamp = {timestamp!r}: write RFC 3339 with its zone, 2024-03-20T10:00:00Z"
        ) from None
    if moment.tzinfo is None:
        raise BadRecord(f"timestamp = {timestamp!r} has no zone: end it with Z or +01:00")
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def explained(error: ValidationError) -> str:
    """Every fault of a record, in a line."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'the record'}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False)
    )
