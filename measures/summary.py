"""Everything at once, for a page or a report."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from measures.calendar import cells
from measures.heat import PEAK, by_day, by_hour, heat_map, peak_hours
from measures.share import LEAST_COVERAGE, Share, by_spot, overall
from measures.spans import Event, Period, silenced, spans
from measures.stays import Dwell, dwell, stays, turnover


@dataclass(frozen=True, slots=True)
class Summary:
    """A period of a lot. Shares are 0 to 1; None is no value, never 0."""

    occupancy: float | None
    coverage: float | None
    turnover_per_bay_hour: float | None
    dwell: Dwell
    peak_hours: list[int]
    """Hours of the day on the lot's wall clock, the fullest first."""
    by_hour: dict[int, float | None]
    by_day: dict[date, float | None]
    heat_map: dict[tuple[int, int], float | None]
    """By (weekday, hour); Monday is 0."""
    utilisation: dict[str, float | None]
    """By spot."""


def summary(
    events: Iterable[Event],
    period: Period,
    zone: ZoneInfo,
    spot_ids: Collection[str] | None = None,
    silences: Mapping[str, Sequence[tuple[datetime, datetime]]] | None = None,
    *,
    peak: float = PEAK,
    least: float = LEAST_COVERAGE,
) -> Summary:
    """Reckon a period; a share of which less than `least` is covered has no value."""
    given = list(events)
    known = silenced(spans(given, period, spot_ids), silences or {})
    before = silenced(spans(given, _from_the_first(given, period), spot_ids), silences or {})
    hours = cells(period, zone)
    share, found, of_hours = overall(known), stays(before), by_hour(known, hours)

    def value(each: Share) -> float | None:
        return each.occupancy(least)

    return Summary(
        occupancy=value(share),
        coverage=share.coverage,
        turnover_per_bay_hour=turnover(found, share, period),
        dwell=dwell(found, period),
        peak_hours=peak_hours(of_hours, peak, least),
        by_hour={hour: value(each) for hour, each in of_hours.items()},
        by_day={day: value(each) for day, each in by_day(known, hours).items()},
        heat_map={key: value(each) for key, each in heat_map(known, hours).items()},
        utilisation={spot_id: value(each) for spot_id, each in by_spot(known).items()},
    )


def _from_the_first(events: Sequence[Event], period: Period) -> Period:
    """The period with all that was known before it."""
    first = min((event.since for event in events), default=period.begin, key=datetime.timestamp)
    if first.timestamp() >= period.begin.timestamp():
        return period
    return replace(period, begin=first)
