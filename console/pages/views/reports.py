"""Reports: one over a lot and a range, as charts and a table, and as files to take away.

What is chosen is in the address, so that a report can be sent to somebody as a link. The files are
the API's, for the same range to the second.
"""

from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.pages.choices import address, hidden, pills, select
from console.pages.ranges import PRESETS, Range, range_of
from console.pages.shell import Here, Part, Visit, has_lots, heading, page
from console.pages.shown import charts, rows
from console.problems import Problem
from console.reports.catalogue import REPORTS, Report
from console.reports.making import lots_of, made, report_of
from console.reports.table import Table
from console.routes.past import PeriodQuery

FILES = {"csv": "CSV", "xlsx": "Excel", "pdf": "PDF"}


@page("/reports", "Reports", icon="report", order=40, when=has_lots)
async def show(
    visit: Here,
    report: str = "zones",
    lot: str = "",
    span: str = "7d",
    begin: str = "",
    end: str = "",
) -> None:
    """A report; `lot` is all where it is left out, `begin` and `end` are days, both within."""
    wanted, lots = report_of(report), lots_of(visit.desk, None, lot or None)
    ui.add_head_html('<link rel="stylesheet" href="/static/reports.css">')
    heading("Reports", wanted.tells)
    chosen = range_of(span, begin, end, lots[0].settings.zone)
    _choice(visit, wanted, lot, chosen)
    try:
        query = PeriodQuery(begin=chosen.begin, end=chosen.end)
        table = await run_in_threadpool(made, visit.desk, wanted, lots, query)
    except Problem as problem:
        Part("p", "refusal", problem.detail, role="alert")
        return
    _told(table, lot)


def _choice(visit: Visit, wanted: Report, lot: str, chosen: Range) -> None:
    kept = {"report": wanted.name, "lot": lot, **chosen.asked}
    with Part("div", "card report-choice"):
        pills(
            "/reports",
            "Report",
            "report",
            {each.name: each.title for each in REPORTS.values()},
            kept,
        )
        spans = {name: preset.title for name, preset in PRESETS.items()}
        pills("/reports", "Range", "span", spans, {**kept, "begin": "", "end": ""})
        with Part("form", "report-form", method="get", action="/reports"):
            hidden("report", wanted.name)
            hidden("span", "custom")
            names = {each.lot_id: each.name or each.lot_id for each in visit.lots}
            select("Lot", "lot", {"": "All lots", **names}, lot)
            _day("From", "begin", chosen.first_day)
            _day("To, inclusive", "end", chosen.last_day)
            Part("button", "button strong", "Show", type="submit")


def _day(title: str, name: str, value: str) -> None:
    with Part("label", "report-field"):
        Part("span", text=title)
        Part("input", "field", type="date", name=name, value=value, required="required")


def _told(table: Table, lot: str) -> None:
    with Part("div", "line between report-title"):
        with Part("div"):
            Part("h2", text=f"{table.title}: {table.about}")
            Part("p", "quiet", table.range_words())
        with Part("div", "line", role="group", aria_label="Download"):
            for form, title in FILES.items():
                Part("a", "button", title, href=_file(table, lot, form), download="")
    if not table.rows:
        Part("p", "card", "Nothing is known of this range.")
        return
    charts([(table, chart) for chart in table.charts])
    rows(table)
    for note in table.notes:
        Part("p", "quiet small", note)


def _file(table: Table, lot: str, form: str) -> str:
    asked: dict[str, Any] = {
        "lot": lot,
        "begin": table.begin.isoformat(),
        "end": table.end.isoformat(),
        "format": form,
    }
    return address(f"/api/v1/reports/{table.name}", asked)
