"""What a lot's past comes to: occupancy, turnover, dwell, peaks, heat map, utilisation by spot."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import AwareDatetime, BaseModel, Field

from console.desk import TheLot, viewer
from console.folding import By
from console.models import Page, PageQuery, shows
from console.routes.past import (
    YEAR,
    Kept,
    PeriodQuery,
    ZonePeriodQuery,
    kept,
    rounded,
    spots_of,
)
from measures import Share, peak_hours

router = APIRouter(tags=["past"], dependencies=[viewer])

DWELL: dict[str, Any] = {"stays": 214, "average_s": 5410.2, "median_s": 3575.4, "p95_s": 16120.9}
CELL: dict[str, Any] = {
    "weekday": 0,
    "wall_hour": 9,
    "occupancy": 0.71,
    "coverage": 0.98,
    "arrivals": 31,
    "departures": 12,
}


class DwellTold(BaseModel):
    """Of the stays that ended in the period and were seen to begin. The median and the 95th
    percentile are 2.5 % off at most; null where there is none.
    """

    model_config = shows(**DWELL)

    stays: int
    average_s: float | None
    median_s: float | None
    p95_s: float | None


class Figures(Kept):
    """A period of a lot or a zone. Shares are 0 to 1; null is no value."""

    lot_id: str = Field(examples=["lot-1"])
    zone_id: str | None = Field(examples=["A"])
    begin: AwareDatetime = Field(examples=["2026-03-01T00:00:00Z"])
    end: AwareDatetime = Field(examples=["2026-03-08T00:00:00Z"])
    occupancy: float | None = Field(examples=[0.46])
    coverage: float | None = Field(examples=[0.97])
    arrivals: int = Field(examples=[220])
    departures: int = Field(examples=[214])
    turnover_per_bay_hour: float | None = Field(examples=[0.21])
    dwell: DwellTold
    peak_hours: list[int] = Field(examples=[[9, 10]])
    """Hours of the day that are at least 0.8 full, the fullest first."""


class HeatCell(BaseModel):
    """An hour of the week on the lot's wall clock; `weekday` 0 is Monday."""

    model_config = shows(**CELL)

    weekday: int
    wall_hour: int
    occupancy: float | None
    coverage: float | None
    arrivals: int
    departures: int


class HeatMap(Kept):
    """The hours of the week that the period has."""

    lot_id: str = Field(examples=["lot-1"])
    zone_id: str | None = Field(examples=["A"])
    time_zone: str = Field(examples=["Europe/Berlin"])
    cells: list[HeatCell]


class SpotUse(BaseModel):
    """How much of its covered time a spot was occupied."""

    model_config = shows(
        spot_id="A1",
        zone_id="A",
        occupancy=0.62,
        coverage=0.99,
        occupied_s=374_976.0,
        closed_s=0.0,
    )

    spot_id: str
    zone_id: str
    occupancy: float | None
    coverage: float | None
    occupied_s: float
    closed_s: float


class UseQuery(PeriodQuery, PageQuery):
    """366 days at most."""

    zone: str | None = None


class Utilisation(Page[SpotUse], Kept):
    """The spots of the layout, by their names."""


@router.get("/lots/{lot_id}/figures")
def figures(lot: TheLot, query: Annotated[ZonePeriodQuery, InQuery()]) -> Figures:
    """A period in a few figures."""
    spots, period = spots_of(lot, query.zone), query.period(lot, YEAR)
    week = lot.past.parts(period, query.zone, By.WEEK)
    whole, of_hours = Share(), {hour: Share() for hour in range(24)}
    for part in week:
        share = part.share(spots)
        _add(whole, share)
        _add(of_hours[part.key % 24], share)
    arrivals = sum(part.arrivals for part in week)
    return Figures(
        **kept(lot, period.begin),
        lot_id=lot.lot_id,
        zone_id=query.zone,
        begin=period.begin,
        end=period.end,
        occupancy=rounded(whole.occupancy()),
        coverage=rounded(whole.coverage),
        arrivals=arrivals,
        departures=sum(part.departures for part in week),
        turnover_per_bay_hour=rounded(
            arrivals / (whole.covered_s / 3600) if whole.covered_s else None
        ),
        dwell=DwellTold(**asdict(lot.past.dwell(period, query.zone))),
        peak_hours=peak_hours(of_hours),
    )


@router.get("/lots/{lot_id}/heatmap")
def heat_map(lot: TheLot, query: Annotated[ZonePeriodQuery, InQuery()]) -> HeatMap:
    """Occupancy by weekday and hour."""
    spots, period = spots_of(lot, query.zone), query.period(lot, YEAR)
    cells = []
    for part in lot.past.parts(period, query.zone, By.WEEK):
        share = part.share(spots)
        weekday, hour = divmod(part.key, 24)
        cells.append(
            HeatCell(
                weekday=weekday,
                wall_hour=hour,
                occupancy=rounded(share.occupancy()),
                coverage=rounded(share.coverage),
                arrivals=part.arrivals,
                departures=part.departures,
            )
        )
    return HeatMap(
        **kept(lot, period.begin),
        lot_id=lot.lot_id,
        zone_id=query.zone,
        time_zone=lot.settings.time_zone,
        cells=cells,
    )


@router.get("/lots/{lot_id}/utilisation")
def utilisation(lot: TheLot, query: Annotated[UseQuery, InQuery()]) -> Utilisation:
    """How much each spot was used."""
    spots_of(lot, query.zone)
    period = query.period(lot, YEAR)
    found = [
        SpotUse(
            spot_id=spot_id,
            zone_id=lot.layout[spot_id].zone_id,
            occupancy=rounded(share.occupancy()),
            coverage=rounded(share.coverage),
            occupied_s=round(share.occupied_s, 3),
            closed_s=round(share.closed_s, 3),
        )
        for spot_id, share in lot.past.by_spot(period).items()
        if query.zone in (None, lot.layout[spot_id].zone_id)
    ]
    part = Page[SpotUse].of(found, query)
    return Utilisation(**dict(part), **kept(lot, period.begin))


def _add(share: Share, other: Share) -> None:
    share.occupied_s += other.occupied_s
    share.free_s += other.free_s
    share.unknown_s += other.unknown_s
    share.closed_s += other.closed_s
