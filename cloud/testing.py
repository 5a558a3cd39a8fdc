"""For tests: records as gateways send them, and what they come to by plain reckoning."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.present import Delivered
from contract.alerts import Alert
from contract.health import GatewayHealth, SpoolDepth
from contract.upstream import Teller

START = datetime(2024, 3, 20, 10, tzinfo=UTC)


def record(
    seq: int,
    status: str,
    at_s: float,
    *,
    spot: str = "A1",
    lot: str = "north",
    event_type: str = "STATUS",
    epoch: str = "e1",
    **more: Any,
) -> dict[str, Any]:
    """A record of a spot, `at_s` seconds after START."""
    return {
        "event_id": f"pi-{spot}:{epoch}:{seq}",
        "event_type": event_type,
        "lot_id": lot,
        "facility_id": "riverside",
        "zone_id": spot[0],
        "spot_id": spot,
        "status": status,
        "timestamp": (START + timedelta(seconds=at_s)).isoformat(),
        "agent_id": f"pi-{spot}",
        "epoch": epoch,
        "seq": seq,
        "clock": "synced",
        "historical": False,
        **more,
    }


def teller(seq: int, *, lot: str = "north", by: str = "own-1") -> Teller:
    """The gateway of `lot`, about to say its word `seq`."""
    return Teller("riverside", lot, by, seq)


def at(seconds: float) -> datetime:
    """So long after START."""
    return START + timedelta(seconds=seconds)


def heartbeat(at_s: float, **changes: Any) -> dict[str, Any]:
    """How the gateway of the lot `north` is, `at_s` seconds after START."""
    by = changes.pop("by", "own-1")
    depth = SpoolDepth(waiting=3, rows=9, bytes=4096, limit_bytes=2**40)
    health = GatewayHealth.model_validate(
        {
            "session_id": "g1",
            "status": "up",
            "time": at(at_s),
            "clock": "synced",
            "agents_online": 2,
            "agents_offline": 1,
            "sinks": {"cloud": depth},
            "version": "1.0.0",
            **changes,
        }
    )
    return teller(1, by=by).heartbeat(health, "cloud")


def alert(seq: int, state: str, at_s: float, **changes: Any) -> dict[str, Any]:
    """What has become, `at_s` seconds after START, of an alert that was raised then."""
    told = Alert.model_validate(
        {
            "alert_id": "offline.pi-A1",
            "kind": "offline",
            "severity": "critical",
            "state": state,
            "agent_id": "pi-A1",
            "text": "pi-A1 is silent",
            "since": START,
            "raised_at": START,
            **changes,
        }
    )
    return teller(seq).alert(told, at(at_s))


def delivered(bodies: Iterable[dict[str, Any]], stream: str = "test") -> list[Delivered]:
    """`bodies` as a stream holds them."""
    return [
        Delivered(f"{stream}/{place}", json.dumps(body).encode())
        for place, body in enumerate(bodies)
    ]


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay by plain reckoning; the words are those of the table `sessions`."""

    lot_id: str
    spot_id: str
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    ended_by: str | None


def stays(bodies: Sequence[dict[str, Any]]) -> list[Stay]:
    """The stays of one spot's records, walked through one by one."""
    unique = {body["event_id"]: body for body in bodies if body["event_type"] != "SNAPSHOT"}
    settled = [b for b in unique.values() if b["status"] in ("occupied", "vacant")]
    settled.sort(key=lambda b: (datetime.fromisoformat(b["timestamp"]), b["seq"], b["event_id"]))
    found: list[Stay] = []
    begun: dict[str, Any] | None = None
    for body in settled:
        if begun is not None and body["status"] == "vacant":
            by = "departure" if body["event_type"] == "DEPARTURE" else "seen"
            found.append(_stay(begun, datetime.fromisoformat(body["timestamp"]), by))
            begun = None
        elif body["status"] == "occupied" and (begun is None or body["event_type"] == "ARRIVAL"):
            if begun is not None:
                found.append(_stay(begun, None, "unseen"))
            begun = body
    if begun is not None:
        found.append(_stay(begun, None, None))
    return found


def _stay(begun: dict[str, Any], ended_at: datetime | None, ended_by: str | None) -> Stay:
    return Stay(
        begun["lot_id"],
        begun["spot_id"],
        datetime.fromisoformat(begun["timestamp"]),
        "arrival" if begun["event_type"] == "ARRIVAL" else "seen",
        ended_at,
        ended_by,
    )
