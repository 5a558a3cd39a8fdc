"""The record that goes to the cloud: a superset of what existing parking pipelines hold.

They hold `{"spot_id": "A1", "status": "occupied", "timestamp": "2024-03-20T10:00:00Z"}` with
the words occupied and vacant; their tables and queries read ours unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contract.alerts import Alert
from contract.events import (
    Birth,
    Gap,
    HealthChanged,
    Snapshot,
    SpotChanged,
    StreamRecord,
    VehicleCounted,
)
from contract.health import GatewayHealth
from contract.words import ClockState, EventType, Status

TEXT_CHARACTERS = 500
"""Of an alert's text."""

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


@dataclass(frozen=True, slots=True)
class Teller:
    """A gateway that says something itself, and where that stands among all that it says.

    `told_by` is born with its store, and anew where that was taken back from a backup; `told_seq`
    grows with each word: of two of one teller the greater is newer, whatever the clock showed.
    """

    facility_id: str
    lot_id: str
    told_by: str
    told_seq: int
    clock: ClockState = ClockState.SYNCED

    def _record(
        self, event_id: str, kind: EventType, at: datetime, of: Mapping[str, Any]
    ) -> dict[str, Any]:
        return {
            "event_id": event_id,
            "event_type": kind.value,
            "spot_id": of.get("spot_id"),
            "timestamp": rfc3339(at),
            "facility_id": self.facility_id,
            "lot_id": self.lot_id,
            "zone_id": of.get("zone_id"),
            "agent_id": of.get("agent_id"),
            "clock": self.clock.value,
            "historical": False,
            "told_by": self.told_by,
            "told_seq": self.told_seq,
        }

    def word(
        self,
        kind: EventType,
        at: datetime,
        *,
        agent_id: str | None = None,
        spot_id: str | None = None,
        zone_id: str | None = None,
    ) -> dict[str, Any]:
        """Of an agent (AGENT_...) or a spot (SPOT_...), since `at`; told again it is the same."""
        event_id = f"{self.told_by}:{kind.value.lower()}:{agent_id or spot_id}:{rfc3339(at)}"
        of = {"agent_id": agent_id, "spot_id": spot_id, "zone_id": zone_id}
        return self._record(event_id, kind, at, of)

    def alert(self, alert: Alert, at: datetime) -> dict[str, Any]:
        """What an alert has become at `at`. (lot_id, alert_id, raised_at) is one alert."""
        event_id = f"{self.told_by}:alert:{alert.alert_id}:{alert.state.value}:{rfc3339(at)}"
        return {
            **self._record(event_id, EventType.ALERT, at, dict(alert)),
            "alert_id": alert.alert_id,
            "alert_kind": alert.kind,
            "severity": alert.severity.value,
            "state": alert.state.value,
            "text": alert.text[:TEXT_CHARACTERS],
            "since": rfc3339(alert.since),
            "raised_at": rfc3339(alert.raised_at or alert.since),
            "acknowledged_at": alert.acknowledged_at and rfc3339(alert.acknowledged_at),
            "acknowledged_by": alert.acknowledged_by,
            "resolved_at": alert.resolved_at and rfc3339(alert.resolved_at),
            "resolved_by": alert.resolved_by,
        }

    def correction(
        self, event_id: str, zone_id: str, delta: int, at: datetime, why: str
    ) -> dict[str, Any]:
        """A person counted a zone anew: its ledger moved by `delta` vehicles."""
        said = self._record(event_id, EventType.CORRECTION, at, {"zone_id": zone_id})
        return {**said, "delta": delta, "reason": why}

    def heartbeat(self, health: GatewayHealth, sink: str) -> dict[str, Any]:
        """How the gateway is; `waiting` is what waits for the upstream that this goes to.

        Raises ValueError where `health` is a will.
        """
        if health.time is None:
            raise ValueError("a will says nothing of how the gateway is")
        event_id = f"{self.told_by}:gateway_health:{rfc3339(health.time)}"
        depth = health.sinks.get(sink)
        return {
            **self._record(event_id, EventType.GATEWAY_HEALTH, health.time, {}),
            "state": "online",
            "session_id": health.session_id,
            "version": health.version,
            "uptime_s": health.uptime_s,
            "health": health.health.value,
            "health_reason": health.reason,
            "agents_online": health.agents_online,
            "agents_total": health.agents_online + health.agents_offline,
            "waiting": depth and depth.waiting,
            "spool_bytes": depth and depth.bytes,
            "spool_limit_bytes": depth and depth.limit_bytes,
        }
