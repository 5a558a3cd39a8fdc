"""A lot's past: its parking log, and how full it was by the hour or the day."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel, Field

from console.desk import TheDesk, TheLot, viewer
from console.folding import By, Part
from console.lots import Lot
from console.models import PageQuery, Query, shows
from console.past import COUNTED, Cursor, Wanted
from console.problems import Problem
from console.targets import TargetRow, target_at
from contract.words import ClockState, EventType, Id, Status
from measures import LEAST_COVERAGE, Period

router = APIRouter(tags=["past"], dependencies=[viewer])

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MONTH, YEAR = timedelta(days=31), timedelta(days=366)
YEARS = (2000, 3000)
HOUR: dict[str, Any] = {
    "begin": "2026-03-01T11:00:00Z",
    "end": "2026-03-01T12:00:00Z",
    "weekday": 6,
    "wall_hour": 11,
    "occupancy": 0.25,
    "coverage": 0.8,
    "arrivals": 1,
    "departures": 0,
    "target": 0.8,
    "difference": -0.55,
    "week_before": 0.3,
}


class Kept(BaseModel):
    """`whole` is false where not all of the period is kept; then `hint` says why."""

    whole: bool = Field(examples=[True])
    hint: str = Field(examples=[""])


def kept(lot: Lot, begin: datetime) -> dict[str, Any]:
    """The fields of `Kept` for a period that begins then."""
    since = lot.past.kept_from()
    if since is None:
        hint = 'nothing is kept: give the gateway a [[sinks]] of kind = "history" and start it'
        return {"whole": False, "hint": hint}
    if since > begin:
        return {"whole": False, "hint": f"kept from {since:%Y-%m-%dT%H:%MZ} on, not before"}
    return {"whole": True, "hint": ""}


class PeriodQuery(Query):
    """From `begin` to before `end`; the last 24 hours where they are left out."""

    begin: AwareDatetime | None = None
    end: AwareDatetime | None = None

    def ends(self, longest: timedelta) -> tuple[datetime, datetime]:
        """Both ends, UTC. Raises Problem 422."""
        try:
            end = (self.end or datetime.now(UTC)).astimezone(UTC)
            begin = self.begin.astimezone(UTC) if self.begin else end - DAY
        except OverflowError:
            begin, end = datetime.max, datetime.min
        if not timedelta(0) < end - begin <= longest or not YEARS[0] <= begin.year < YEARS[1]:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"begin, end: end must be behind begin, by {longest.days} days at most, "
                f"and from {YEARS[0]} on",
            )
        return begin, end

    def period(self, lot: Lot, longest: timedelta) -> Period:
        """The period, known as far as the lot's gateway was heard. Raises Problem 422."""
        begin, end = self.ends(longest)
        known = datetime.now(UTC) if lot.counted().heard else lot.past.newest()
        return Period(begin, end, known_until=max(begin, min(end, known or begin)))


class ZonePeriodQuery(PeriodQuery):
    """Of the whole lot where no zone is named."""

    zone: Id | None = None


def spots_of(lot: Lot, zone_id: str | None) -> int:
    """How many sensed spots the layout has. Raises Problem 404 where there is no such zone."""
    zones = {zone.zone_id: zone for zone in lot.settings.zones}
    if zone_id is not None and zone_id not in zones:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"zone = {zone_id!r}: no such zone; GET /api/v1/lots/{lot.lot_id}/zones lists them",
        )
    return sum(
        zone_id in (None, spot.zone_id) and zones[spot.zone_id].counted_capacity is None
        for spot in lot.settings.spots
    )


def rounded(value: float | None) -> float | None:
    """To four places; what has no value has none."""
    return None if value is None else round(value, 4)


# The log --------------------------------------------------------------------------------------


class LogQuery(PeriodQuery, PageQuery):
    """Which entries. `after` is the `next` of the part before, and quicker than an `offset`."""

    zone: Id | None = None
    spot: Id | None = None
    type: Literal["ARRIVAL", "DEPARTURE", "STATUS"] | None = None
    after: str | None = Field(None, pattern=r"^\d{1,15}-\d{1,15}-\d{1,18}$")


class LogEntry(BaseModel):
    """What a spot's agent said. `clock` says how far the time can be trusted; `stay_s` is of the
    vehicle that left, null where it was not seen to come.
    """

    model_config = shows(
        event_id="pi-1:e1:1",
        event_type="ARRIVAL",
        spot_id="A1",
        zone_id="A",
        status="occupied",
        at="2026-03-01T11:58:21Z",
        agent_id="pi-1",
        clock="synced",
        stay_s=None,
    )

    event_id: str
    event_type: EventType
    spot_id: str
    zone_id: str
    status: Status
    at: AwareDatetime
    agent_id: str
    clock: ClockState
    stay_s: int | None


class Log(Kept):
    """The log's part. `total` is counted up to 10,000, which stands for that many or more; `next`
    is null at the end.
    """

    items: list[LogEntry]
    total: int = Field(examples=[1], le=COUNTED)
    limit: int = Field(examples=[100])
    offset: int = Field(examples=[0])
    next: str | None = Field(examples=["1772366301000-1-1"])


@router.get("/lots/{lot_id}/log")
def log(lot: TheLot, query: Annotated[LogQuery, InQuery()]) -> Log:
    """The parking log, the newest first."""
    begin, end = query.ends(YEAR)
    found = lot.past.log(
        Wanted(
            begin,
            end,
            query.limit,
            query.offset,
            query.zone,
            query.spot,
            EventType(query.type) if query.type else None,
            Cursor(*map(int, query.after.split("-"))) if query.after else None,
        )
    )
    return Log(
        **kept(lot, begin),
        items=[LogEntry(**asdict(record)) for record in found.records],
        total=found.total,
        limit=query.limit,
        offset=query.offset,
        next="-".join(map(str, found.next)) if found.next else None,
    )


# The usage ------------------------------------------------------------------------------------


class Step(StrEnum):
    """How finely."""

    HOUR = "hour"
    DAY = "day"


class UsageQuery(ZonePeriodQuery):
    """31 days at most by the hour, 366 by the day; widened to whole quarters of an hour."""

    by: Step = Step.HOUR


class UsagePart(BaseModel):
    """An hour or a day of the lot's wall clock. What is not known has no value: null, never 0.

    `weekday` 0 is Monday; `wall_hour` is null of a day. `target` is what people set for the hour,
    null of a day; `week_before` the occupancy a week earlier.
    """

    model_config = shows(**HOUR)

    begin: AwareDatetime
    end: AwareDatetime
    weekday: int
    wall_hour: int | None
    occupancy: float | None
    coverage: float | None
    arrivals: int
    departures: int
    target: float | None
    difference: float | None
    week_before: float | None


class Usage(Kept):
    """How full a lot or a zone was, weighted by time, over its sensed spots."""

    lot_id: str = Field(examples=["lot-1"])
    zone_id: str | None = Field(examples=["A"])
    time_zone: str = Field(examples=["UTC"])
    by: Step = Field(examples=["hour"])
    hours: list[UsagePart]
    """The parts, in order: hours, or days."""


@router.get("/lots/{lot_id}/usage")
def usage(desk: TheDesk, lot: TheLot, query: Annotated[UsageQuery, InQuery()]) -> Usage:
    """Occupancy by the hour or the day, with what was aimed at and how it was a week before."""
    hourly = query.by is Step.HOUR
    spots = spots_of(lot, query.zone)
    period = query.period(lot, MONTH if hourly else YEAR)
    by, week = (By.HOUR, 7 * 24) if hourly else (By.DAY, 7)
    before = _by_key(lot.past.parts(_week_before(period), query.zone, by))
    targets = desk.targets.of(lot.lot_id, query.zone) if hourly else []
    return Usage(
        **kept(lot, period.begin),
        lot_id=lot.lot_id,
        zone_id=query.zone,
        time_zone=lot.settings.time_zone,
        by=query.by,
        hours=[
            _part(part, spots, before.get(part.key - week), targets, hourly=hourly)
            for part in lot.past.parts(period, query.zone, by)
        ],
    )


def _week_before(period: Period) -> Period:
    """With two hours more at either end, for the clocks may have been changed meanwhile."""
    margin = timedelta(hours=2)
    return Period(period.begin - WEEK - margin, period.end - WEEK + margin)


def _by_key(parts: list[Part]) -> dict[int, Part]:
    found: dict[int, Part] = {}
    for part in parts:
        if part.key in found:
            found[part.key].add(part)
        else:
            found[part.key] = part
    return found


def _part(
    part: Part, spots: int, before: Part | None, targets: list[TargetRow], *, hourly: bool
) -> UsagePart:
    share = part.share(spots)
    occupancy = share.occupancy(LEAST_COVERAGE)
    day, hour = divmod(part.key, 24) if hourly else (part.key, None)
    weekday = (day + 3) % 7  # 1970 began on a Thursday
    target = target_at(targets, weekday, hour) if hour is not None else None
    aimed = None if occupancy is None or target is None else occupancy - target
    return UsagePart(
        begin=datetime.fromtimestamp(part.begin_ms / 1000, UTC),
        end=datetime.fromtimestamp(part.end_ms / 1000, UTC),
        weekday=weekday,
        wall_hour=hour,
        occupancy=rounded(occupancy),
        coverage=rounded(share.coverage),
        arrivals=part.arrivals,
        departures=part.departures,
        target=target,
        difference=rounded(aimed),
        week_before=rounded(before.share(spots).occupancy(LEAST_COVERAGE)) if before else None,
    )
