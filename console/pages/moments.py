"""How a page writes a moment: by the lot's clock, its day only where it is not today."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def moment(at: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> moment(noon, ZoneInfo("Europe/Paris"), noon)
    '13:00:00'
    >>> moment(noon, ZoneInfo("Pacific/Auckland"), noon.replace(hour=10))
    '02 Mar 01:00'
    """
    local, today = at.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone).date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%d %b %H:%M}"
