"""A fleet: its lots, alerts and devices by the cloud's database, its past by the lake's tables."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel

from console.analytics import Analytics, Kept
from console.desk import TheDesk, viewer
from console.fleet import Fleet
from console.fleet_models import FleetAlert, FleetDevice, FleetLot
from console.models import Page, PageQuery, arranged, shows
from console.problems import Problem
from console.reports.table import Table, as_json
from console.routes.reports import as_file
from contract.alerts import Severity
from contract.words import Id

router = APIRouter(prefix="/fleet", tags=["fleet"], dependencies=[viewer])

Row = dict[str, str | int | float | AwareDatetime | None]
LotSort = Literal[
    "lot_id", "-lot_id", "occupancy_rate", "-occupancy_rate", "free", "-free", "unknown",
    "-unknown", "open_alerts", "-open_alerts", "gateway_age_s", "-gateway_age_s",
    "last_updated", "-last_updated",
]  # fmt: skip


def fleet_of(desk: TheDesk) -> Fleet:
    """The fleet. Raises Problem 404."""
    if desk.fleet is None:
        raise Problem(HTTPStatus.NOT_FOUND, "there is no [fleet] in this console's configuration")
    return desk.fleet


TheFleet = Annotated[Fleet, Depends(fleet_of)]


def analytics_of(fleet: TheFleet) -> Analytics:
    """The fleet's tables. Raises Problem 404."""
    if fleet.analytics is None:
        raise Problem(HTTPStatus.NOT_FOUND, "[fleet] names no lake: give it `analytics`")
    return fleet.analytics


TheAnalytics = Annotated[Analytics, Depends(analytics_of)]


class FleetLotQuery(PageQuery):
    """Which lots, in which order. Without a value, a lot comes last in every order."""

    facility: str | None = None
    sort: LotSort = "lot_id"


class FleetAlertQuery(PageQuery):
    """Which alerts."""

    lot: Id | None = None
    severity: Severity | None = None
    sort: Literal["-severity", "severity", "-raised_at", "raised_at"] = "-severity"


class FleetDeviceQuery(PageQuery):
    """Which devices."""

    lot: Id | None = None
    kind: Literal["agent", "gateway"] | None = None
    state: Literal["heard", "silent", "unknown"] | None = None
    sort: Literal["lot_id", "-lot_id", "last_heard", "-last_heard"] = "lot_id"


class TableQuery(PageQuery):
    """Which rows; a CSV holds all of them."""

    lot: Id | None = None
    format: Literal["json", "csv"] = "json"


class FleetColumn(BaseModel):
    """A column: `key` in the rows, what stands in it and in which unit, what kind it is of."""

    model_config = shows(key="occupancy", says="0 to 1, weighted by time", kind="share")

    key: str
    says: str
    kind: str


TABLE: dict[str, Any] = {
    "query": "peak_usage",
    "title": "Peak usage",
    "window": "week",
    "says": "The hours of the day in which a lot is at least 80 % full, the fullest first.",
    "begin": "2026-02-22T12:00:00Z",
    "until": "2026-03-01T12:00:00Z",
    "time_zone": "Europe/Berlin",
    "rows": 1,
}


class FleetTable(BaseModel):
    """A table of the past, over `begin` to before `until`: when the job ran."""

    model_config = shows(**TABLE, columns={"occupancy": "0 to 1, weighted by time"})

    query: str
    title: str
    window: str
    says: str
    begin: AwareDatetime
    until: AwareDatetime
    time_zone: str
    rows: int
    columns: dict[str, str]


class FleetRows(Page[Row]):
    """Rows of a table, and what it means. What is not known is null, never 0."""

    model_config = shows(
        table={**TABLE, "columns": {"occupancy": "0 to 1, weighted by time"}},
        columns=[{"key": "occupancy", "says": "0 to 1, weighted by time", "kind": "share"}],
        items=[{"occupancy": 0.91}],
        total=1,
        limit=100,
        offset=0,
    )

    table: FleetTable
    columns: list[FleetColumn]


@router.get("/lots")
def lots(fleet: TheFleet, query: Annotated[FleetLotQuery, InQuery()]) -> Page[FleetLot]:
    """Every lot of the fleet now."""
    found = [each for each in fleet.lots() if query.facility in (None, each.facility_id)]
    return Page[FleetLot].of(arranged(found, query.sort, getattr), query)


@router.get("/alerts")
def alerts(fleet: TheFleet, query: Annotated[FleetAlertQuery, InQuery()]) -> Page[FleetAlert]:
    """The alerts that stand."""
    found = [
        each
        for each in fleet.alerts()
        if query.lot in (None, each.lot_id) and query.severity in (None, each.severity)
    ]
    return Page[FleetAlert].of(arranged(found, query.sort, _value), query)


@router.get("/devices")
def devices(fleet: TheFleet, query: Annotated[FleetDeviceQuery, InQuery()]) -> Page[FleetDevice]:
    """Gateways and agents, and whether they are heard."""
    found = [
        each
        for each in fleet.devices()
        if query.lot in (None, each.lot_id)
        and query.kind in (None, each.kind)
        and query.state in (None, each.state)
    ]
    return Page[FleetDevice].of(arranged(found, query.sort, getattr), query)


@router.get("/tables")
def tables(analytics: TheAnalytics, query: Annotated[PageQuery, InQuery()]) -> Page[FleetTable]:
    """The tables that the analytics job keeps."""
    return Page[FleetTable].of([_told(each) for each in analytics.tables()], query)


@router.get(
    "/tables/{name}",
    response_model=FleetRows,
    responses={200: {"content": {"text/csv": {}}}},
)
def table(analytics: TheAnalytics, name: str, query: Annotated[TableQuery, InQuery()]) -> Any:
    """The rows of a table, as JSON or as a file."""
    kept = kept_of(analytics, name)
    found = analytics.table(kept, query.lot)
    if query.format == "json":
        return _rows(kept, found, query)
    return as_file(found, query.format, query.lot or "all")


def kept_of(analytics: Analytics, name: str) -> Kept:
    """The table of that query. Raises Problem 404, Away."""
    for each in analytics.tables():
        if each.about.query == name:
            return each
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"name = {name!r}: no such table is kept; GET /api/v1/fleet/tables lists them",
    )


def _rows(kept: Kept, found: Table, query: PageQuery) -> FleetRows:
    return FleetRows(
        table=_told(kept),
        columns=[
            FleetColumn(key=each.key, says=kept.about.columns.get(each.key, ""), kind=each.kind)
            for each in found.columns
        ],
        **dict(Page[Row].of(as_json(found), query)),
    )


def _told(kept: Kept) -> FleetTable:
    return FleetTable(title=kept.title, rows=kept.rows, **kept.about.model_dump())


def _value(alert: FleetAlert, name: str) -> Any:
    return alert.severity.rank if name == "severity" else alert.raised_at
