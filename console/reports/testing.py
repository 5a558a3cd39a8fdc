"""Tables for tests of what writes and shows them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.reports.table import Chart, Column, Kind, Table

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)
WEEK = timedelta(days=7)
MADE = datetime(2026, 4, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

TABLE = Table(
    name="zones",
    title="Zones",
    about="Größe & Söhne (north), \u0141\u00f3d\u017a",
    begin=BEGIN,
    end=BEGIN + WEEK,
    zone=BERLIN,
    made=MADE,
    columns=(
        Column("zone_id", "Zone"),
        Column("spots", "Spots", Kind.COUNT),
        Column("occupancy", "Occupancy", Kind.SHARE),
        Column("target", "Target", Kind.SHARE),
        Column("turnover", "Turnover", Kind.NUMBER, "per spot and day"),
        Column("stay_s", "Average stay", Kind.SECONDS),
        Column("peak_at", "It began", Kind.TIME),
    ),
    rows=(
        ("A", 1200, 0.6251, 0.8, 3.25, 3900.4, BEGIN + timedelta(hours=9)),
        ('=HYPERLINK("http://x","y")', 3, None, 0.8, None, None, None),
        ('+1,\n"two"', 0, 0.0, None, 0.0, 0.0, BEGIN),
        ("-1", 7, 1.0, 0.85, 12.0, 90061.0, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("@sum\tB", 5, 0.5, 0.85, 1.0, 59.0, BEGIN),
        ("'quoted", 5, 0.25, 0.85, 1.0, 61.0, BEGIN),
        ("\tK\u00e4fer", 5, 0.75, 0.85, 1.0, 3600.0, BEGIN),
    ),
    charts=(Chart("Occupancy by zone", ("zone_id",), ("occupancy",), limit="target"),),
    notes=("Nothing is kept before 21 March.",),
)
"""Every kind of cell, without a value too, and text that a spreadsheet would take for a formula."""


def hours(count: int) -> Table:
    """So many hours, from BEGIN on."""
    return Table(
        name="hourly",
        title="Hourly trends",
        about="north",
        begin=BEGIN,
        end=BEGIN + timedelta(hours=count),
        zone=BERLIN,
        made=MADE,
        columns=(
            Column("hour", "Hour", Kind.TIME),
            Column("occupancy", "Occupancy", Kind.SHARE),
            Column("arrivals", "Arrivals", Kind.COUNT),
        ),
        rows=[
            (BEGIN + timedelta(hours=each), None if each % 9 == 4 else each % 24 / 24, each % 7)
            for each in range(count)
        ],
        charts=(Chart("Occupancy by the hour", ("hour",), ("occupancy",), line=True),),
    )
