"""The columns of the lake, a superset of `spot_id, status, timestamp`, and what fills them."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from cloud.record import CloudRecord
from cloud.rows import UNKEPT

_MOMENT = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        pa.field("spot_id", pa.string()),
        pa.field("status", pa.string()),
        pa.field("timestamp", _MOMENT, nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("event_type", pa.string(), nullable=False),
        pa.field("facility_id", pa.string()),
        pa.field("lot_id", pa.string(), nullable=False),
        pa.field("zone_id", pa.string()),
        pa.field("agent_id", pa.string()),
        pa.field("epoch", pa.string()),
        pa.field("seq", pa.int64()),
        pa.field("clock", pa.string(), nullable=False),
        pa.field("historical", pa.bool_(), nullable=False),
        pa.field("confidence", pa.float32()),
        pa.field("health", pa.string()),
        pa.field("health_reason", pa.string()),
        pa.field("lane_id", pa.string()),
        pa.field("delta", pa.int32()),
        pa.field("reason", pa.string()),
        pa.field("version", pa.string()),
        pa.field("ticket_id", pa.string()),
        pa.field("vehicle_class", pa.string()),
        pa.field("entered_at", _MOMENT),
        pa.field("exited_at", _MOMENT),
        pa.field("amount_minor", pa.int64()),
        pa.field("currency", pa.string()),
        pa.field("state", pa.string()),
        pa.field("alert_id", pa.string()),
        pa.field("alert_kind", pa.string()),
        pa.field("severity", pa.string()),
        pa.field("text", pa.string()),
        pa.field("taken_at", _MOMENT, nullable=False),
    ]
)
PARTITIONS = ("year", "month", "day", "hour")
"""Strings with leading zeros, in the path alone."""

_SAID = set(SCHEMA.names) - {"taken_at"}


def partition(moment: datetime) -> str:
    """The folder of an hour.

    >>> partition(datetime(2024, 3, 2, 9, 59, tzinfo=UTC))
    'year=2024/month=03/day=02/hour=09'
    """
    return f"{moment.astimezone(UTC):year=%Y/month=%m/day=%d/hour=%H}"


def row(record: CloudRecord, taken_at: datetime) -> dict[str, Any] | None:
    """`record` as a row of the lake; None where it is not kept."""
    if record.event_type in UNKEPT:
        return None
    said = record.model_dump(mode="python", include=_SAID)
    words = {"event_type": record.event_type.value, "clock": record.clock.value}
    health = record.health.value if record.health else None
    severity = record.severity.value if record.severity else None
    return said | words | {"health": health, "severity": severity, "taken_at": taken_at}
