"""The reports there are, and how each is made of some lots and a range."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from console.reports import devices, efficiency, hourly, zones
from console.reports.sight import Sight
from console.reports.table import Cell, Chart, Column, Table

MONTH, YEAR = timedelta(days=31), timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Report:
    """One report; `longest` is how long a range may be."""

    name: str
    title: str
    tells: str
    longest: timedelta
    columns: Sequence[Column]
    rows: Callable[[Sequence[Sight]], list[Sequence[Cell]]]
    charts: Callable[[Sequence[Sight]], tuple[Chart, ...]]
    notes: Callable[[Sequence[Sight]], tuple[str, ...]]

    def table(self, sights: Sequence[Sight], begin: datetime, end: datetime) -> Table:
        """The report over some lots, at least one; on the clock of the first."""
        return Table(
            name=self.name,
            title=self.title,
            about=", ".join(_named(sight) for sight in sights),
            begin=begin,
            end=end,
            zone=sights[0].lot.settings.zone,
            made=datetime.now(UTC),
            columns=self.columns,
            rows=self.rows(sights),
            charts=self.charts(sights),
            notes=self.notes(sights),
        )


def _named(sight: Sight) -> str:
    lot = sight.lot
    return f"{lot.name} ({lot.lot_id})" if lot.name else lot.lot_id


REPORTS = {
    report.name: report
    for report in (
        Report(
            "zones",
            "Zones",
            "How full each zone was, how many came and how long they stayed",
            YEAR,
            zones.COLUMNS,
            zones.rows,
            zones.charts,
            zones.notes,
        ),
        Report(
            "devices",
            "Devices",
            "How much of the time each device knew its spots, and how it is now",
            YEAR,
            devices.COLUMNS,
            devices.rows,
            devices.charts,
            devices.notes,
        ),
        Report(
            "efficiency",
            "Efficiency against target",
            "How full each zone was in the hours that have a target, and how full it should be",
            YEAR,
            efficiency.COLUMNS,
            efficiency.rows,
            efficiency.charts,
            efficiency.notes,
        ),
        Report(
            "hourly",
            "Hourly trends",
            "How full each hour was, how many came and left",
            MONTH,
            hourly.COLUMNS,
            hourly.rows,
            hourly.charts,
            hourly.notes,
        ),
    )
}
