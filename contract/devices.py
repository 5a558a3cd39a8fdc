"""What a device without MQTT says of a spot: an item of the gateway's request `telemetry`.

Such a device has no spool and no stream of its own. It names each event itself, so that one that
comes again is known; the gateway gives it its place in the device's stream.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
)

from contract.words import HealthState, Id, Status

RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
YEARS = range(2000, 3000)
"""A time of another year is no time that a device took."""

Outcome = Literal["accepted", "duplicate", "unchanged", "refused"]
"""Of an item: committed; committed before; nothing new, so nothing to commit; or not taken."""
Reason = Literal[
    "",
    "invalid",
    "unknown_device",
    "retired_device",
    "foreign_spot",
    "future",
    "too_old",
    "out_of_order",
    "id_reused",
]


def _is_text(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and RFC3339.fullmatch(value)):
        return value
    raise ValueError("write it as 2026-03-01T12:00:00Z (RFC 3339), with its zone")


def _is_datable(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError(f"the year must be from {YEARS.start} to {YEARS.stop - 1}")
    return value.astimezone(UTC)


Moment = Annotated[AwareDatetime, BeforeValidator(_is_text), AfterValidator(_is_datable)]


class DeviceEvent(BaseModel):
    """A spot's status as a device saw it at `timestamp`.

    `event_id` is the device's own, never used for another event. The events of one spot come in
    the order of their times.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    device_id: Id
    event_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
    spot_id: Id
    status: Literal[Status.FREE, Status.OCCUPIED, Status.UNKNOWN]
    timestamp: Moment
    confidence: Annotated[float, Field(ge=0, le=1), Strict()] = 1.0
    health: HealthState = HealthState.OK
    health_reason: Annotated[str, Field(max_length=200)] = ""


class DeviceResult(BaseModel):
    """What became of one item; `record` is its event_id upstream where it was accepted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    outcome: Outcome
    reason: Reason = ""
    detail: str = ""
    record: str | None = None
