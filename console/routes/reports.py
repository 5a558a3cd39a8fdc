"""Reports: which there are, and one over a range, as JSON or as a file."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel, Field

from console.desk import TheDesk, viewer
from console.models import shows
from console.problems import Problem
from console.reports.catalogue import REPORTS
from console.reports.formats import FILES, written
from console.reports.making import lots_of, made, report_of
from console.reports.table import Kind, Table, as_json
from console.routes.past import PeriodQuery
from contract.words import Id

router = APIRouter(tags=["reports"], dependencies=[viewer])

ONE_AT_A_TIME = threading.Lock()
"""A Pi has not the memory for several files at once."""
PATIENCE_S = 30.0


class ReportQuery(PeriodQuery):
    """Over one lot, a facility's, or all; times of files are those of the first lot's clock."""

    lot: Id | None = None
    facility: Id | None = None
    format: Literal["json", "csv", "xlsx", "pdf"] = "json"


class ReportKind(BaseModel):
    """A report that can be asked for, and how many days its range may have."""

    model_config = shows(
        name="zones", title="Zones", tells="How full each zone was", longest_days=366
    )

    name: str
    title: str
    tells: str
    longest_days: int


class ReportKinds(BaseModel):
    """Every report."""

    items: list[ReportKind]
    formats: list[str] = Field(examples=[["json", *FILES]])


class ReportColumn(BaseModel):
    """A column: `key` in the rows, the rest for people."""

    model_config = shows(key="occupancy", title="Occupancy", kind="share", unit="")

    key: str
    title: str
    kind: Kind
    unit: str


class ReportTable(BaseModel):
    """A report. What is not known has no value: null, never 0. Shares are 0 to 1, spans seconds.

    `notes` say what the figures leave out.
    """

    model_config = shows(
        name="zones",
        title="Zones",
        about="lot-1",
        begin="2026-03-01T00:00:00Z",
        end="2026-03-02T00:00:00Z",
        time_zone="UTC",
        columns=[{"key": "occupancy", "title": "Occupancy", "kind": "share", "unit": ""}],
        rows=[{"occupancy": 0.25}],
        notes=[],
    )

    name: str
    title: str
    about: str
    begin: AwareDatetime
    end: AwareDatetime
    time_zone: str
    columns: list[ReportColumn]
    rows: list[dict[str, str | int | float | AwareDatetime | None]]
    notes: list[str]


@router.get("/reports")
def reports() -> ReportKinds:
    """The reports and their formats."""
    return ReportKinds(
        items=[
            ReportKind(
                name=each.name,
                title=each.title,
                tells=each.tells,
                longest_days=each.longest.days,
            )
            for each in REPORTS.values()
        ],
        formats=["json", *FILES],
    )


@router.get(
    "/reports/{name}",
    response_model=ReportTable,
    responses={200: {"content": {"text/csv": {}, "application/pdf": {}}}},
)
def report(desk: TheDesk, name: str, query: Annotated[ReportQuery, InQuery()]) -> Any:
    """A report over `begin` to before `end`, the last 24 hours where they are left out."""
    table = made(desk, report_of(name), lots_of(desk, query.facility, query.lot), query)
    if query.format == "json":
        return _told(table)
    return as_file(table, query.format, query.lot or query.facility or "all")


def as_file(table: Table, form: str, of: str) -> Response:
    """The table as a file to take away. Raises Problem 503 where others take too long."""
    with _alone():
        file = written(table, form, of)
    disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.body, headers=disposition, media_type=file.media_type)


def _told(table: Table) -> ReportTable:
    return ReportTable(
        name=table.name,
        title=table.title,
        about=table.about,
        begin=table.begin,
        end=table.end,
        time_zone=table.zone.key,
        columns=[ReportColumn(**asdict(column)) for column in table.columns],
        rows=as_json(table),
        notes=list(table.notes),
    )


@contextmanager
def _alone() -> Iterator[None]:
    if not ONE_AT_A_TIME.acquire(timeout=PATIENCE_S):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "other reports are being written: ask again in a moment",
            {"Retry-After": "10"},
        )
    try:
        yield
    finally:
        ONE_AT_A_TIME.release()
