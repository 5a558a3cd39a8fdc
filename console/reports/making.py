"""A report over some of the console's lots, for the API and for the page."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from console.desk import Desk
from console.lots import Lot
from console.problems import Problem
from console.reports.catalogue import REPORTS, Report
from console.reports.sight import Sight
from console.reports.table import Table
from console.routes.past import PeriodQuery, kept


def report_of(name: str) -> Report:
    """The report of that name. Raises Problem 404."""
    if name not in REPORTS:
        raise Problem(
            HTTPStatus.NOT_FOUND, f"name = {name!r}: no such report; GET /api/v1/reports lists them"
        )
    return REPORTS[name]


def lots_of(desk: Desk, facility: str | None, lot: str | None) -> list[Lot]:
    """The lots that a report is over. Raises Problem 404 where there is none."""
    found = desk.chosen(facility, lot)
    if not found:
        raise Problem(
            HTTPStatus.NOT_FOUND,
            f"lot = {lot!r}, facility = {facility!r}: no such lot; GET /api/v1/lots lists them",
        )
    return found


def made(desk: Desk, report: Report, lots: Sequence[Lot], query: PeriodQuery) -> Table:
    """The report. Raises Problem 422 for a bad range, Unreadable, sqlite3.Error."""
    begin, end = query.ends(report.longest)
    asked = PeriodQuery(begin=begin, end=end)  # of one moment for all lots
    sights = [_sight(desk, lot, asked, report, begin) for lot in lots]
    return report.table(sights, begin, end)


def _sight(desk: Desk, lot: Lot, asked: PeriodQuery, report: Report, begin: datetime) -> Sight:
    return Sight(
        lot,
        asked.period(lot, report.longest),
        desk.targets.all(lot.lot_id),
        kept(lot, begin)["hint"],
    )
