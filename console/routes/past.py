"""A lot's past: its parking log, and how full it was by the hour."""

from bisect import bisect_right
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel, Field

from console.desk import TheLot, viewer
from console.history import Past, past
from console.lots import Lot
from console.models import Page, PageQuery, Query, shows
from console.problems import Problem
from contract.words import ClockState, Status
from measures import Event, Period, by_cell, cells, spans

router = APIRouter(tags=["past"], dependencies=[viewer])

DAY = timedelta(days=1)
LONGEST = timedelta(days=31)
YEARS = (2000, 3000)
HOUR: dict[str, Any] = {
    "begin": "2026-03-01T11:00:00Z",
    "end": "2026-03-01T12:00:00Z",
    "wall_hour": 11,
    "occupancy": 0.25,
    "coverage": 0.8,
    "arrivals": 1,
    "departures": 0,
}


class PeriodQuery(Query):
    """From `begin` to before `end`; the last 24 hours where they are left out. 31 days at most."""

    begin: AwareDatetime | None = None
    end: AwareDatetime | None = None

    def period(self) -> tuple[datetime, datetime]:
        """Both ends. Raises Problem 422."""
        try:
            end = (self.end or datetime.now(UTC)).astimezone(UTC)
            begin = self.begin.astimezone(UTC) if self.begin else end - DAY
        except OverflowError:
            begin, end = datetime.max, datetime.min
        if not timedelta(0) < end - begin <= LONGEST or not YEARS[0] <= begin.year < YEARS[1]:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"begin, end: end must be behind begin, by {LONGEST.days} days at most, "
                f"and from {YEARS[0]} on",
            )
        return begin, end


class LogQuery(PeriodQuery, PageQuery):
    """Which entries."""

    zone: str | None = None
    spot: str | None = None
    type: Literal["ARRIVAL", "DEPARTURE", "STATUS"] | None = None


class LogEntry(BaseModel):
    """What a spot's agent said. `clock` says how far the time can be trusted."""

    model_config = shows(
        event_id="pi-1:e1:1",
        event_type="ARRIVAL",
        spot_id="A1",
        zone_id="A",
        status="occupied",
        at="2026-03-01T11:58:21Z",
        agent_id="pi-1",
        clock="synced",
    )

    event_id: str
    event_type: str
    spot_id: str
    zone_id: str | None
    status: Status
    at: AwareDatetime
    agent_id: str
    clock: ClockState


class Log(Page[LogEntry]):
    """The log's part. `whole` is false where the gateway keeps not all of its past: it has no file
    sink, or there is more than a request reads.
    """

    whole: bool = Field(examples=[True])


class Hour(BaseModel):
    """An hour of the lot's wall clock. A value is null where too little is known, never 0."""

    model_config = shows(**HOUR)

    begin: AwareDatetime
    end: AwareDatetime
    wall_hour: int
    occupancy: float | None
    coverage: float | None
    arrivals: int
    departures: int


class Usage(BaseModel):
    """How full a lot was, weighted by time, over its sensed spots. `whole` is as of the log."""

    lot_id: str
    time_zone: str
    whole: bool
    hours: list[Hour]

    model_config = shows(
        lot_id="lot-1",
        time_zone="UTC",
        whole=True,
        hours=[HOUR],
    )


@router.get("/lots/{lot_id}/log")
def log(lot: TheLot, query: Annotated[LogQuery, InQuery()]) -> Log:
    """The parking log, the newest first."""
    begin, end = query.period()
    kept = past(lot.settings, begin)
    found = [
        LogEntry(**asdict(record))
        for record in reversed(kept.records)
        if begin <= record.at < end
        and query.zone in (None, record.zone_id)
        and query.spot in (None, record.spot_id)
        and query.type in (None, record.event_type)
    ]
    part = Page[LogEntry].of(found, query)
    return Log(**dict(part), whole=kept.whole)


@router.get("/lots/{lot_id}/usage")
def usage(lot: TheLot, query: Annotated[PeriodQuery, InQuery()]) -> Usage:
    """Occupancy by the hour; what was not seen has no value."""
    begin, end = query.period()
    kept = past(lot.settings, begin)
    period = Period(begin, end, known_until=min(end, max(begin, datetime.now(UTC))))
    return Usage(
        lot_id=lot.lot_id,
        time_zone=lot.settings.time_zone,
        whole=kept.whole,
        hours=_hours(lot, kept, period),
    )


def _hours(lot: Lot, kept: Past, period: Period) -> list[Hour]:
    counted = {z.zone_id for z in lot.settings.zones if z.counted_capacity is not None}
    sensed = [spot.spot_id for spot in lot.settings.spots if spot.zone_id not in counted]
    events = [Event(each.spot_id, each.status, each.at) for each in kept.records]
    hours = cells(period, lot.settings.zone)
    shares = by_cell(spans(events, period, sensed), hours)
    begins = [hour.begin_s for hour in hours]
    moves = Counter(
        (record.event_type, begins[bisect_right(begins, record.at.timestamp()) - 1])
        for record in kept.records
        if period.begin <= record.at < period.end
    )
    return [
        Hour(
            begin=datetime.fromtimestamp(hour.begin_s, UTC),
            end=datetime.fromtimestamp(hour.end_s, UTC),
            wall_hour=hour.hour,
            occupancy=_rounded(shares[hour].occupancy()),
            coverage=_rounded(shares[hour].coverage),
            arrivals=moves["ARRIVAL", hour.begin_s],
            departures=moves["DEPARTURE", hour.begin_s],
        )
        for hour in hours
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
