"""The record that goes to the cloud: a superset of what existing parking pipelines hold.

They hold `{"spot_id": "A1", "status": "occupied", "timestamp": "2024-03-20T10:00:00Z"}` with
the words occupied and vacant; their tables and queries read ours unchanged.
"""

from datetime import UTC, datetime
from typing import Any

from contract.events import (
    Birth,
    Gap,
    HealthChanged,
    Snapshot,
    SpotChanged,
    StreamRecord,
    VehicleCounted,
)
from contract.words import EventType, Status

_CLOUD_STATUS = {
    Status.FREE: "vacant",
    Status.OCCUPIED: "occupied",
    Status.UNKNOWN: "unknown",
    Status.CLOSED: "closed",
}


def rfc3339(moment: datetime) -> str:
    """UTC to the millisecond, as the cloud's tables hold it.

    >>> rfc3339(datetime(2024, 3, 20, 10, 0, tzinfo=UTC))
    '2024-03-20T10:00:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def cloud_status(status: Status) -> str:
    """The cloud's word for a status.

    >>> cloud_status(Status.FREE)
    'vacant'
    """
    return _CLOUD_STATUS[status]


def _own_fields(record: StreamRecord | Snapshot) -> dict[str, Any]:
    match record:
        case SpotChanged():
            return {
                "event_type": record.event_type.value,
                "status": cloud_status(record.status),
                "confidence": record.confidence,
                "health": record.health.value,
                "health_reason": record.health_reason,
            }
        case Snapshot():
            return {
                "event_type": EventType.SNAPSHOT.value,
                "status": cloud_status(record.status),
                "confidence": record.confidence,
                "health": record.health.value,
                "health_reason": record.health_reason,
            }
        case HealthChanged():
            return {
                "event_type": EventType.HEALTH.value,
                "health": record.health.value,
                "health_reason": record.health_reason,
            }
        case VehicleCounted():
            return {"event_type": record.event_type.value, "lane_id": record.lane_id}
        case Birth():
            return {"event_type": EventType.BIRTH.value, "version": record.version}
        case Gap():
            return {
                "event_type": EventType.GAP.value,
                "first_seq": record.first_seq,
                "last_seq": record.last_seq,
                "count": record.count,
                "reason": record.reason,
            }


def event_id(record: StreamRecord | Snapshot) -> str:
    """The key by which the cloud knows a record it has already had."""
    if isinstance(record, VehicleCounted):
        return record.event_id
    identity = f"{record.agent_id}:{record.epoch}:{record.seq}"
    return f"{identity}:snapshot" if isinstance(record, Snapshot) else identity


def cloud_record(
    record: StreamRecord | Snapshot, *, facility_id: str, lot_id: str, zone_id: str | None
) -> dict[str, Any]:
    """`record` as the cloud holds it; its partition key is lot and spot."""
    return {
        "event_id": event_id(record),
        **_own_fields(record),
        "spot_id": getattr(record, "spot_id", None),
        "timestamp": rfc3339(record.timestamp),
        "facility_id": facility_id,
        "lot_id": lot_id,
        "zone_id": zone_id,
        "agent_id": record.agent_id,
        "epoch": record.epoch,
        "seq": record.seq,
        "clock": record.clock.value,
        "historical": record.historical,
    }


def own_record(
    kind: EventType,
    at: datetime,
    *,
    facility_id: str,
    lot_id: str,
    store_id: str,
    agent_id: str | None = None,
    spot_id: str | None = None,
    zone_id: str | None = None,
) -> dict[str, Any]:
    """What a gateway itself says of an agent (AGENT_...) or of a spot (SPOT_...)."""
    return {
        "event_id": f"{store_id}:{kind.value.lower()}:{agent_id or spot_id}:{rfc3339(at)}",
        "event_type": kind.value,
        "spot_id": spot_id,
        "timestamp": rfc3339(at),
        "facility_id": facility_id,
        "lot_id": lot_id,
        "zone_id": zone_id,
        "agent_id": agent_id,
        "historical": False,
    }
