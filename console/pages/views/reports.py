"""Reports: one over a lot and a range, as charts and a table, and as files to take away.

What is chosen is in the address, so that a report can be sent to somebody as a link. The files are
the API's, for the same range to the second.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.lots import Lot
from console.pages.choices import address, pills
from console.pages.drawn import option
from console.pages.ranges import PRESETS, Range, range_of
from console.pages.shell import Here, Part, Visit, heading, page
from console.problems import Problem
from console.reports.catalogue import REPORTS, Report
from console.reports.making import lots_of, made, report_of
from console.reports.table import Column, Kind, Table, words
from console.reports.table import heading as titled
from console.routes.past import PeriodQuery

FILES = {"csv": "CSV", "xlsx": "Excel", "pdf": "PDF"}
NUMBERS = (Kind.COUNT, Kind.NUMBER, Kind.SHARE, Kind.SECONDS)


@page("/reports", "Reports", icon="report", order=40)
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
            _hidden("report", wanted.name)
            _hidden("span", "custom")
            _lots(visit.lots, lot)
            _day("From", "begin", chosen.first_day)
            _day("To, inclusive", "end", chosen.last_day)
            Part("button", "button strong", "Show", type="submit")


def _hidden(name: str, value: str) -> None:
    Part("input", type="hidden", name=name, value=value)


def _lots(lots: Sequence[Lot], lot: str) -> None:
    with Part("label", "report-field"):
        Part("span", text="Lot")
        with Part("select", "field", name="lot"):
            names = {each.lot_id: each.name or each.lot_id for each in lots}
            for lot_id, name in {"": "All lots", **names}.items():
                option_of = Part("option", text=name, value=lot_id)
                if lot_id == lot:
                    option_of.props["selected"] = True


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
    with Part("div", "report-charts"):
        for chart in table.charts:
            with Part("figure", "card"):
                Part("figcaption", text=chart.title)
                ui.echart(option(table, chart)).classes("report-chart")
    with Part("div", "card scrolls report-table", tabindex="0", role="region", aria_label="Rows"):
        ui.html(_rows(table), sanitize=False)
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


def _rows(table: Table) -> str:
    """The rows as HTML: as elements, a month of hours would keep the browser for seconds."""
    head = "".join(
        f'<th scope="col"{_side(column)}>{escape(titled(column))}</th>' for column in table.columns
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_side(column)}>{escape(words(column, cell, table.zone))}</td>"
            for column, cell in zip(table.columns, row, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    return f'<table class="table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _side(column: Column) -> str:
    return ' class="figure"' if column.kind in NUMBERS else ""
