"""Spots and the devices that watch them."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery

from console.desk import Desk, TheDesk, TheLot, viewer
from console.lots import AgentNow, Lot
from console.models import (
    Device,
    LastKnown,
    Page,
    PageQuery,
    SpotDetails,
    SpotNow,
    arranged,
)
from console.problems import Problem
from contract.occupancy import SpotState
from contract.words import Kind, Status

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
    """Which devices, by what they are and by the spots that the layout gives them."""

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
        for state in lot.present().spots.values()
        if _is_meant(shown := _spot(lot, state), query)
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
    return SpotDetails(**_spot(lot, state).model_dump(), last_known=known)


@router.get("/devices")
def devices(desk: TheDesk, query: Annotated[DeviceQuery, InQuery()]) -> Page[Device]:
    """Agents of every lot, or of those that are asked for."""
    found = [
        device
        for device in _devices(desk, query)
        if query.state in (None, device.state)
        and (query.zone is None or query.zone in device.zones)
        and (query.floor is None or query.floor in device.floors)
    ]
    return Page[Device].of(arranged(found, query.sort, _value), query)


@router.get("/lots/{lot_id}/devices/{agent_id}")
def device(lot: TheLot, agent_id: str) -> Device:
    """One agent."""
    agent = lot.agents().get(agent_id)
    if agent is None:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"agent_id = {agent_id!r}: not heard of in this lot; GET /api/v1/devices lists them",
        )
    return _device(lot, agent_id, agent, lot.source.accepted())


def _devices(desk: Desk, query: DeviceQuery) -> list[Device]:
    found = []
    for lot in desk.chosen(query.facility, query.lot):
        accepted = lot.source.accepted()
        found += [_device(lot, name, agent, accepted) for name, agent in lot.agents().items()]
    return found


def _value(item: SpotNow | Device, name: str) -> Any:
    return getattr(item, name)


def _is_meant(shown: SpotNow, query: SpotQuery) -> bool:
    return (
        query.zone in (None, shown.zone_id)
        and query.floor in (None, shown.floor)
        and query.status in (None, shown.status)
        and (query.kind is None or query.kind in shown.kinds)
    )


def _spot(lot: Lot, state: SpotState) -> SpotNow:
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
        agent_id=layout.agent_id,
        position=layout.position,
    )


def _device(lot: Lot, agent_id: str, agent: AgentNow, accepted: dict[str, int]) -> Device:
    spots = [spot for spot in lot.settings.spots if spot.agent_id == agent_id]
    health = agent.health
    return Device(
        lot_id=lot.lot_id,
        agent_id=agent_id,
        state=agent.silence or "online",
        clone_suspected=agent.clone_suspected,
        health=health.health if health else None,
        reason=health.reason if health else "",
        clock=health.clock if health else None,
        last_heartbeat=health.time if health else None,
        accepted_records=accepted.get(agent_id, 0),
        waiting_records=health.spool.waiting if health and health.spool else None,
        temperature_c=health.telemetry.temperature_c if health else None,
        supply_volts=health.telemetry.supply_volts if health else None,
        spots=sorted(spot.spot_id for spot in spots),
        zones=sorted({spot.zone_id for spot in spots}),
        floors=sorted({spot.floor for spot in spots}),
    )
