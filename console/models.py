"""What the API answers, with an example of each. Times are UTC; shares are 0 to 1."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from contract.occupancy import Occupancy
from contract.spots import Position
from contract.words import ClockState, HealthState, Kind, Size, Status

Item = TypeVar("Item")

COUNTS: dict[str, Any] = {
    "capacity": 3,
    "current_occupancy": 1,
    "free": 1,
    "unknown": 1,
    "closed": 0,
    "coverage": 0.6667,
    "occupancy_rate": 0.5,
}


READING: dict[str, Any] = {
    "at": "2026-03-01T11:59:59Z",
    "value": 41.5,
    "unit": "cm",
    "quality": "ok",
    "health": "ok",
    "reason": "",
}
LAST_KNOWN: dict[str, Any] = {
    "status": "occupied",
    "since": "2026-03-01T11:58:21Z",
    "agent_id": "pi-1",
    "seq": 1,
}
SPOT: dict[str, Any] = {
    "lot_id": "lot-1",
    "spot_id": "A1",
    "zone_id": "A",
    "floor": 0,
    "size": "standard",
    "kinds": ["ev"],
    "status": "occupied",
    "since": "2026-03-01T11:58:21Z",
    "reason": "",
    "confidence": 1.0,
    "health": "ok",
    "agent_id": "pi-1",
    "position": {"x_m": 12.5, "y_m": 3.0},
}


def shows(**example: Any) -> ConfigDict:
    """A model's configuration, with its example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [example]})


class Query(BaseModel):
    """What may be asked; a parameter that is not known is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Query):
    """Which part of a list."""

    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=1_000_000)


class Page(BaseModel, Generic[Item]):
    """A part of a list. `total` is how many there are in all."""

    items: list[Item]
    total: int = Field(examples=[1])
    limit: int = Field(examples=[100])
    offset: int = Field(examples=[0])

    @classmethod
    def of(cls, found: Sequence[Item], query: PageQuery) -> Self:
        """The part of `found` that is asked for."""
        part = found[query.offset : query.offset + query.limit]
        return cls(items=list(part), total=len(found), limit=query.limit, offset=query.offset)


def arranged(found: Sequence[Item], sort: str, value_of: Callable[[Item, str], Any]) -> list[Item]:
    """`found` by the field `sort`, downwards with a `-` before it; what has no value comes last."""
    name, downwards = sort.removeprefix("-"), sort.startswith("-")
    valued = [each for each in found if value_of(each, name) is not None]
    rest = [each for each in found if value_of(each, name) is None]
    return sorted(valued, key=lambda each: value_of(each, name), reverse=downwards) + rest


class Counts(BaseModel):
    """How many spots; unknown is never counted as free.

    `coverage` is the share whose status is known. `occupancy_rate` is occupied / (occupied + free),
    null where nothing is known.
    """

    capacity: int
    current_occupancy: int
    free: int
    unknown: int
    closed: int
    coverage: float
    occupancy_rate: float | None


def counts(found: Sequence[Occupancy]) -> dict[str, Any]:
    """The fields of `Counts` over all of `found`."""
    capacity = sum(each.total for each in found)
    unknown = sum(each.unknown for each in found)
    occupied, free = sum(each.occupied for each in found), sum(each.free for each in found)
    return {
        "capacity": capacity,
        "current_occupancy": occupied,
        "free": free,
        "unknown": unknown,
        "closed": sum(each.closed for each in found),
        "coverage": round((capacity - unknown) / capacity, 4) if capacity else 0.0,
        "occupancy_rate": round(occupied / (occupied + free), 4) if occupied + free else None,
    }


class Facility(Counts):
    """An operator's group of lots."""

    model_config = shows(facility_id="f1", lots=["lot-1"], **COUNTS)

    facility_id: str
    lots: list[str]


class LotNow(Counts):
    """A lot now. `gateway_heard` is false where its gateway is silent: then nothing is known.

    `last_updated` is when the newest status of a spot began, null where none was ever heard.
    """

    model_config = shows(
        lot_id="lot-1",
        facility_id="f1",
        name="North",
        time_zone="UTC",
        **COUNTS,
        gateway_heard=True,
        as_of="2026-03-01T12:00:00Z",
        clock="synced",
        last_updated="2026-03-01T11:58:22Z",
    )

    lot_id: str
    facility_id: str
    name: str
    time_zone: str
    gateway_heard: bool
    as_of: AwareDatetime
    clock: ClockState
    last_updated: AwareDatetime | None


class ZoneNow(Counts):
    """A zone now. `source` says whether its spots are sensed or its lanes counted."""

    model_config = shows(
        lot_id="lot-1", zone_id="A", name="", source="sensed", max_stay_s=3600.0, **COUNTS
    )

    lot_id: str
    zone_id: str
    name: str
    source: str
    max_stay_s: float | None


class FloorNow(Counts):
    """The sensed spots of a floor; a counted zone stands on none."""

    model_config = shows(lot_id="lot-1", floor=0, **COUNTS)

    lot_id: str
    floor: int


class LastKnown(BaseModel):
    """What a spot's agent said last: history, where the spot is unknown now."""

    model_config = shows(**LAST_KNOWN)

    status: Status
    since: AwareDatetime
    agent_id: str
    seq: int


class SpotNow(BaseModel):
    """A spot now; `reason` says why it is unknown."""

    model_config = shows(**SPOT)

    lot_id: str
    spot_id: str
    zone_id: str
    floor: int
    size: Size
    kinds: list[Kind]
    status: Status
    since: AwareDatetime | None
    reason: str
    confidence: float
    health: HealthState
    agent_id: str | None
    position: Position | None


class SensorReading(BaseModel):
    """What a spot's first sensor measured last before its agent's last heartbeat.

    `value` is in `unit`: one figure, three of a magnetometer, null of a reading that is none;
    `quality` says why.
    """

    model_config = shows(**READING)

    at: AwareDatetime | None
    value: float | tuple[float, float, float] | None
    unit: str
    quality: str
    health: HealthState
    reason: str


class SpotDetails(SpotNow):
    """A spot with what was last heard of it and its sensor, null where nothing ever was."""

    model_config = shows(**SPOT, last_known=LAST_KNOWN, reading=READING)

    last_known: LastKnown | None
    reading: SensorReading | None


class Device(BaseModel):
    """An agent (`mqtt`: one Pi), or a device without MQTT (`http`). `state` is `online`, `retired`,
    or why it cannot be believed; figures that only a heartbeat tells are null where the gateway
    has none.
    """

    model_config = shows(
        lot_id="lot-1",
        agent_id="pi-1",
        kind="mqtt",
        name="Row A",
        note="",
        silent_after_s=None,
        retired=None,
        state="online",
        clone_suspected=False,
        health="ok",
        reason="",
        clock="synced",
        last_heartbeat="2026-03-01T12:00:00Z",
        accepted_records=2,
        waiting_records=0,
        temperature_c=48.2,
        supply_volts=5.1,
        spots=["A1", "A2"],
        zones=["A"],
        floors=[0],
    )

    lot_id: str
    agent_id: str
    kind: Literal["mqtt", "http"]
    name: str
    note: str
    silent_after_s: float | None
    retired: AwareDatetime | None
    state: str
    clone_suspected: bool
    health: HealthState | None
    reason: str
    clock: ClockState | None
    last_heartbeat: AwareDatetime | None
    accepted_records: int
    waiting_records: int | None
    temperature_c: float | None
    supply_volts: float | None
    spots: list[str]
    zones: list[str]
    floors: list[int]
