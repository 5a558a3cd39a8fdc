"""What the fleet's database says, as the API answers it. Times are UTC; shares are 0 to 1."""

from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, model_validator

from console.models import shows
from contract.alerts import Severity

LOT: dict[str, Any] = {
    "lot_id": "lot-1",
    "facility_id": "f1",
    "capacity": 3,
    "current_occupancy": 1,
    "free": 1,
    "unknown": 1,
    "closed": 0,
    "counted": None,
    "occupancy_rate": 0.5,
    "last_updated": "2026-03-01T11:58:21Z",
    "gateway_heard": True,
    "gateway_age_s": 12.5,
    "last_heartbeat": "2026-03-01T11:59:47Z",
    "open_alerts": 2,
}
ALERT: dict[str, Any] = {
    "lot_id": "lot-1",
    "alert_id": "overstay.A1",
    "kind": "overstay",
    "severity": "warning",
    "state": "acknowledged",
    "agent_id": None,
    "spot_id": "A1",
    "zone_id": "A",
    "text": "A1: stands longer than 2 h",
    "since": "2026-03-01T09:30:00Z",
    "raised_at": "2026-03-01T11:40:00Z",
    "acknowledged_at": "2026-03-01T11:45:00Z",
    "acknowledged_by": "front-desk",
}
DEVICE: dict[str, Any] = {
    "lot_id": "lot-1",
    "device_id": "pi-1",
    "kind": "agent",
    "state": "heard",
    "since": "2026-03-01T08:00:00Z",
    "last_heard": "2026-03-01T11:58:21Z",
    "version": "1.0.0",
}


class FleetLot(BaseModel):
    """A lot as it came to the cloud. What is not known is null, never 0.

    `gateway_heard` is false where its gateway is silent: then nothing is known but what is closed,
    and `last_updated` is of the past. It is null of a lot that has no gateway. `counted` is the sum
    of what came and went at its lanes, also where it has drifted out of 0 to the capacity.
    """

    model_config = shows(**LOT)

    lot_id: str
    facility_id: str | None
    capacity: int | None
    current_occupancy: int | None
    free: int | None
    unknown: int | None
    closed: int | None
    counted: int | None
    occupancy_rate: float | None
    last_updated: AwareDatetime | None
    gateway_heard: bool | None
    gateway_age_s: float | None
    last_heartbeat: AwareDatetime | None
    open_alerts: int

    @model_validator(mode="after")
    def _is_no_older_than_it_looks(self) -> Self:
        """The database keeps what a lot said last, however long ago that was."""
        if self.gateway_heard is False:
            known = None not in (self.capacity, self.closed)
            self.unknown = (self.capacity or 0) - (self.closed or 0) if known else None
            self.current_occupancy = self.free = self.counted = self.occupancy_rate = None
        return self


class FleetAlert(BaseModel):
    """An alert that stands."""

    model_config = shows(**ALERT)

    lot_id: str
    alert_id: str
    kind: str
    severity: Severity
    state: str
    agent_id: str | None
    spot_id: str | None
    zone_id: str | None
    text: str
    since: AwareDatetime | None
    raised_at: AwareDatetime
    acknowledged_at: AwareDatetime | None
    acknowledged_by: str | None


class FleetDevice(BaseModel):
    """An agent, or a gateway. `unknown` is an agent of which no gateway said anything."""

    model_config = shows(**DEVICE)

    lot_id: str
    device_id: str
    kind: Literal["agent", "gateway"]
    state: Literal["heard", "silent", "unknown"]
    since: AwareDatetime | None
    last_heard: AwareDatetime | None
    version: str | None
