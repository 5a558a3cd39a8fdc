"""A range of days on a lot's clock, as people choose it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A range that ends with today or before: its first day and its last, by what today is."""

    title: str
    days: Callable[[date], tuple[date, date]]


PRESETS = {
    "today": Preset("Today", lambda today: (today, today)),
    "yesterday": Preset("Yesterday", lambda today: (today - DAY, today - DAY)),
    "7d": Preset("7 days", lambda today: (today - 6 * DAY, today)),
    "30d": Preset("30 days", lambda today: (today - 29 * DAY, today)),
}


@dataclass(frozen=True, slots=True)
class Range:
    """From the midnight before `first_day` to the one behind `last_day`, but not beyond now."""

    span: str
    first_day: str
    last_day: str
    begin: datetime
    end: datetime

    @property
    def asked(self) -> dict[str, str]:
        """How to ask for it again."""
        if self.span in PRESETS:
            return {"span": self.span}
        return {"span": self.span, "begin": self.first_day, "end": self.last_day}


def range_of(span: str, begin: str, end: str, zone: ZoneInfo, now: datetime | None = None) -> Range:
    """The range of a preset, or of two days; of 7 days where it is neither.

    >>> noon = datetime(2026, 3, 29, 12, tzinfo=UTC)
    >>> found = range_of("today", "", "", ZoneInfo("Europe/Berlin"), noon)
    >>> found.begin.isoformat(), found.end.isoformat()
    ('2026-03-28T23:00:00+00:00', '2026-03-29T12:00:00+00:00')
    """
    now = (now or datetime.now(UTC)).replace(microsecond=0)
    days = _days(begin, end) if span == "custom" else None
    if days is None:
        span = span if span in PRESETS else "7d"
        days = PRESETS[span].days(now.astimezone(zone).date())
    first, last = days
    low, high = _midnight(first, zone), _midnight(last + DAY, zone)
    until = min(high, now) if low < now else high
    return Range(span, first.isoformat(), last.isoformat(), low, until)


def _days(begin: str, end: str) -> tuple[date, date] | None:
    try:
        first, last = date.fromisoformat(begin), date.fromisoformat(end)
        return (first, last) if date(1, 1, 2) < last < date(9999, 1, 1) else None
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)
