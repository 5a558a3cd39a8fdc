"""Spots and the devices that watch them."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal, NamedTuple, Self

from fastapi import APIRouter
from fastapi import Query as InQuery

from console.desk import Desk, TheDesk, TheLot, viewer
from console.lots import AgentNow, Lot
from console.models import (
    Device,
    LastKnown,
    Page,
    PageQuery,
    SensorReading,
    SpotDetails,
    SpotNow,
    arranged,
)
from console.problems import Problem
from contract.health import AgentHealth
from contract.occupancy import SpotState
from contract.words import Kind, Status
from gateway.devices import Device as Registered

router = APIRouter(tags=["spots and devices"], dependencies=[viewer])

SpotSort = Literal["spot_id", "-spot_id", "since", "-since", "floor", "-floor", "status", "-status"]
DeviceSort = Literal["agent_id", "-agent_id", "last_heartbeat", "-last_heartbeat", "state"]


class SpotQuery(PageQuery):
    """Which spots, in which order. Without a value, a spot comes last in every order."""

    facility: str | None = None
    lot: str | None = None
    zone: str | None = None
    floor: int | None = None
    status: Status | None = None
    kind: Kind | None = None
    sort: SpotSort = "spot_id"


class DeviceQuery(PageQuery):
    """Which devices, by what they are and by their spots; with `state=retired`, those alone."""

    facility: str | None = None
    lot: str | None = None
    zone: str | None = None
    floor: int | None = None
    state: str | None = None
    sort: DeviceSort = "agent_id"


@router.get("/spots")
def spots(desk: TheDesk, query: Annotated[SpotQuery, InQuery()]) -> Page[SpotNow]:
    """Spots of every lot, or of those that are asked for."""
    found = [
        shown
        for lot in desk.chosen(query.facility, query.lot)
        for shown in _spots(lot)
        if _is_meant(shown, query)
    ]
    return Page[SpotNow].of(arranged(found, query.sort, _value), query)


@router.get("/lots/{lot_id}/spots/{spot_id}")
def spot(lot: TheLot, spot_id: str) -> SpotDetails:
    """One spot, with what its agent said last."""
    state = lot.present().spots.get(spot_id)
    if state is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"spot_id = {spot_id!r}: not in the lot's layout; GET /api/v1/spots lists them",
        )
    last = lot.source.last_records().get(spot_id)
    known = last and LastKnown(
        status=last.status, since=last.since, agent_id=last.agent_id, seq=last.seq
    )
    shown = _spot(lot, state, lot.owners().get(spot_id))
    agent = lot.agents().get(shown.agent_id) if shown.agent_id else None
    reading = _reading(agent.health, spot_id) if agent and agent.health else None
    return SpotDetails(**shown.model_dump(), last_known=known, reading=reading)


def _reading(told: AgentHealth, spot_id: str) -> SensorReading | None:
    sensor = told.spots.get(spot_id)
    if sensor is None:
        return None
    at = (
        told.time - timedelta(seconds=sensor.age_s)
        if told.time and sensor.age_s is not None
        else None
    )
    return SensorReading(at=at, **sensor.model_dump(exclude={"status", "age_s"}))


@router.get("/devices")
def devices(desk: TheDesk, query: Annotated[DeviceQuery, InQuery()]) -> Page[Device]:
    """Agents of every lot, or of those that are asked for."""
    found = [
        device
        for device in _devices(desk, query)
        if (query.state or device.state) == device.state
        and (query.state or device.retired is None)
        and (query.zone is None or query.zone in device.zones)
        and (query.floor is None or query.floor in device.floors)
    ]
    return Page[Device].of(arranged(found, query.sort, _value), query)


@router.get("/lots/{lot_id}/devices/{agent_id}")
def device(lot: TheLot, agent_id: str) -> Device:
    """One agent or device, also one that was retired."""
    agent = lot.agents().get(agent_id)
    if agent is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"agent_id = {agent_id!r}: not heard of in this lot; GET /api/v1/devices lists them",
        )
    return _device(lot, agent_id, agent, _Known.of(lot))


def _devices(desk: Desk, query: DeviceQuery) -> list[Device]:
    found = []
    for lot in desk.chosen(query.facility, query.lot):
        known = _Known.of(lot)
        found += [_device(lot, name, agent, known) for name, agent in lot.agents().items()]
    return found


class _Known(NamedTuple):
    """What a lot's store knows of its devices."""

    accepted: dict[str, int]
    registered: dict[str, Registered]
    owners: dict[str, str]

    @classmethod
    def of(cls, lot: Lot) -> Self:
        return cls(lot.source.accepted(), lot.source.devices(), lot.owners())


def _value(item: SpotNow | Device, name: str) -> Any:
    return getattr(item, name)


def _is_meant(shown: SpotNow, query: SpotQuery) -> bool:
    return (
        query.zone in (None, shown.zone_id)
        and query.floor in (None, shown.floor)
        and query.status in (None, shown.status)
        and (query.kind is None or query.kind in shown.kinds)
    )


def _spots(lot: Lot) -> list[SpotNow]:
    owners = lot.owners()
    states = lot.present().spots.values()
    return [_spot(lot, state, owners.get(state.spot_id)) for state in states]


def _spot(lot: Lot, state: SpotState, agent_id: str | None) -> SpotNow:
    layout = lot.layout[state.spot_id]
    return SpotNow(
        lot_id=lot.lot_id,
        spot_id=state.spot_id,
        zone_id=layout.zone_id,
        floor=layout.floor,
        size=layout.size,
        kinds=sorted(layout.kinds),
        status=state.status,
        since=state.since,
        reason=state.reason,
        confidence=state.confidence,
        health=state.health,
        agent_id=agent_id,
        position=layout.position,
    )


def _device(lot: Lot, agent_id: str, agent: AgentNow, known: _Known) -> Device:
    spots = [spot for spot in lot.settings.spots if known.owners.get(spot.spot_id) == agent_id]
    health, registered = agent.health, known.registered.get(agent_id)
    is_http = registered is not None and registered.kind == "http"
    return Device(
        lot_id=lot.lot_id,
        agent_id=agent_id,
        kind="http" if is_http else "mqtt",
        name=registered.name if registered else "",
        note=registered.note if registered else "",
        silent_after_s=registered.silent_after_s if registered and is_http else None,
        retired=datetime.fromisoformat(registered.retired)
        if registered and registered.retired
        else None,
        state=agent.silence or "online",
        clone_suspected=agent.clone_suspected,
        health=health.health if health else None,
        reason=health.reason if health else "",
        clock=health.clock if health else None,
        last_heartbeat=health.time if health else None,
        accepted_records=known.accepted.get(agent_id, 0),
        waiting_records=health.spool.waiting if health and health.spool else None,
        temperature_c=health.telemetry.temperature_c if health else None,
        supply_volts=health.telemetry.supply_volts if health else None,
        spots=sorted(spot.spot_id for spot in spots),
        zones=sorted({spot.zone_id for spot in spots}),
        floors=sorted({spot.floor for spot in spots}),
    )
