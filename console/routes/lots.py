"""Facilities, lots, zones, floors: how full they are now."""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery

from console.desk import TheDesk, TheLot, viewer
from console.lots import Lot, Present
from console.models import Facility, FloorNow, LotNow, Page, PageQuery, ZoneNow, arranged, counts
from console.problems import Problem
from contract.words import Status
from gateway.occupancy import Term, tally

router = APIRouter(tags=["lots"], dependencies=[viewer])


LotSort = Literal[
    "lot_id", "-lot_id", "free", "-free", "occupancy_rate", "-occupancy_rate", "-last_updated"
]


class LotQuery(PageQuery):
    """Which lots, in which order. Without a value, a lot comes last in every order."""

    facility: str | None = None
    sort: LotSort = "lot_id"


@router.get("/facilities")
def facilities(desk: TheDesk, query: Annotated[PageQuery, InQuery()]) -> Page[Facility]:
    """Every facility, with the sum of its lots."""
    names = sorted({lot.settings.facility_id for lot in desk.lots.values()})
    return Page[Facility].of([_facility(name, desk.chosen(name, None)) for name in names], query)


@router.get("/facilities/{facility_id}")
def facility(desk: TheDesk, facility_id: str) -> Facility:
    """One facility."""
    found = desk.chosen(facility_id, None)
    if not found:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"facility_id = {facility_id!r}: no such facility; GET /api/v1/facilities lists them",
        )
    return _facility(facility_id, found)


def _facility(facility_id: str, lots: Sequence[Lot]) -> Facility:
    return Facility(
        facility_id=facility_id,
        lots=[lot.lot_id for lot in lots],
        **counts([lot.counted().whole for lot in lots]),
    )


@router.get("/lots")
def lots(desk: TheDesk, query: Annotated[LotQuery, InQuery()]) -> Page[LotNow]:
    """Every lot now."""
    found = [now(lot) for lot in desk.chosen(query.facility, None)]
    return Page[LotNow].of(arranged(found, query.sort, getattr), query)


@router.get("/lots/{lot_id}")
def lot_now(lot: TheLot) -> LotNow:
    """A lot now."""
    return now(lot)


@router.get("/lots/{lot_id}/zones")
def zones(lot: TheLot, query: Annotated[PageQuery, InQuery()]) -> Page[ZoneNow]:
    """The zones of a lot now."""
    return Page[ZoneNow].of(_zones(lot), query)


@router.get("/lots/{lot_id}/zones/{zone_id}")
def zone(lot: TheLot, zone_id: str) -> ZoneNow:
    """One zone now."""
    for found in _zones(lot):
        if found.zone_id == zone_id:
            return found
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"zone_id = {zone_id!r}: not in the lot's layout; GET /api/v1/lots/{lot.lot_id}/zones "
        "lists them",
    )


def _zones(lot: Lot) -> list[ZoneNow]:
    present = lot.counted()
    return [
        ZoneNow(
            lot_id=lot.lot_id,
            zone_id=zone.zone_id,
            name=zone.name,
            source="sensed" if zone.counted_capacity is None else "counted",
            max_stay_s=zone.max_stay_s,
            **counts([present.zones[zone.zone_id]]),
        )
        for zone in lot.settings.zones
        if zone.zone_id in present.zones
    ]


@router.get("/lots/{lot_id}/floors")
def floors(lot: TheLot, query: Annotated[PageQuery, InQuery()]) -> Page[FloorNow]:
    """The floors of a lot now, by their sensed spots."""
    present = lot.present()
    statuses: dict[int, list[Status]] = defaultdict(list)
    for spot_id, state in present.spots.items():
        statuses[lot.layout[spot_id].floor].append(state.status)
    found = [
        FloorNow(
            lot_id=lot.lot_id,
            floor=floor,
            **counts([tally(lot.lot_id, None, of_floor, _term(present))]),
        )
        for floor, of_floor in sorted(statuses.items())
    ]
    return Page[FloorNow].of(found, query)


def _term(present: Present) -> Term:
    whole = present.whole
    return Term(
        as_of=whole.as_of,
        valid_until=whole.valid_until,
        valid_for_s=whole.valid_for_s or 1.0,
        clock=whole.clock,
    )


def now(lot: Lot) -> LotNow:
    """A lot as the API shows it."""
    present, records = lot.counted(), lot.source.last_records()
    return LotNow(
        lot_id=lot.lot_id,
        facility_id=lot.settings.facility_id,
        name=lot.name,
        time_zone=lot.settings.time_zone,
        gateway_heard=present.heard,
        as_of=present.whole.as_of,
        clock=present.whole.clock,
        last_updated=max((each.since for each in records.values()), default=None),
        **counts([present.whole]),
    )
