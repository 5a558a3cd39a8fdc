"""Analytics: what the cloud's job keeps of a fleet's past, as tables and, of series, as charts.

What is chosen is in the address. The file is the API's, with all rows.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.analytics import Analytics, Kept
from console.answers import Away
from console.desk import Desk
from console.pages.choices import address, hidden, pills, select
from console.pages.series import charts_of
from console.pages.shell import Here, Part, heading, page
from console.pages.shown import charts, rows
from console.reports.table import Column, Kind, Table, span
from console.routes.fleet import kept_of

MOST = 1000
"""Rows on the page."""
LATE = timedelta(days=1)
"""The job runs once an hour."""


def has_analytics(desk: Desk) -> bool:
    """Whether there is a fleet, and a lake behind it."""
    return desk.fleet is not None and desk.fleet.analytics is not None


@page("/analytics", "Analytics", icon="table", order=45, when=has_analytics)
async def show(visit: Here, table: str = "", lot: str = "") -> None:
    """A table; `lot` is all where it is left out."""
    assert visit.desk.fleet is not None
    kept = visit.desk.fleet.analytics
    assert kept is not None
    ui.add_head_html('<link rel="stylesheet" href="/static/reports.css">')
    heading("Analytics", "The past of the fleet, as the cloud's job reckoned it last.")
    try:
        await _filled(kept, table, lot)
    except Away as away:
        Part("p", "banner", f"{away}. Nothing of it can be shown.", role="alert")


async def _filled(analytics: Analytics, name: str, lot: str) -> None:
    tables = await run_in_threadpool(analytics.tables)
    if not tables:
        Part("p", "card", "No table is kept yet: `lotkeeper cloud analyse` makes them.")
        return
    chosen = await run_in_threadpool(kept_of, analytics, name) if name else tables[0]
    lots = await run_in_threadpool(analytics.lots, chosen)
    found = await run_in_threadpool(analytics.table, chosen, lot or None)
    _choice(tables, chosen, lots, lot)
    _told(chosen, found, lot)


def _choice(tables: list[Kept], chosen: Kept, lots: list[str], lot: str) -> None:
    titles = {each.about.query: each.title for each in tables}
    now = {"table": chosen.about.query, "lot": lot}
    with Part("div", "card report-choice"):
        pills("/analytics", "Table", "table", titles, now)
        if lots:
            with Part("form", "report-form", method="get", action="/analytics"):
                hidden("table", chosen.about.query)
                names = {each: each for each in lots}
                select("Lot", "lot", {"": "All lots", **names}, lot)
                Part("button", "button strong", "Show", type="submit")


def _told(kept: Kept, table: Table, lot: str) -> None:
    with Part("div", "line between report-title"):
        with Part("div"):
            Part("h2", text=f"{table.title}: {table.about}")
            Part("p", text=kept.about.says)
            with Part("p", "line quiet"):
                Part("span", text=table.range_words())
                _age(kept)
        file = address(f"/api/v1/fleet/tables/{table.name}", {"lot": lot, "format": "csv"})
        Part("a", "button", "CSV", href=file, download="", aria_label="Download as CSV")
    if not table.rows:
        Part("p", "card", "Nothing is known of this period.")
        return
    charts(charts_of(table))
    rows(replace(table, rows=table.rows[:MOST]))
    if len(table.rows) > MOST:
        Part("p", "quiet small", f"The first {MOST} of {len(table.rows)} rows: the CSV has all.")
    _columns(kept, table)


def _age(kept: Kept) -> None:
    age = datetime.now(UTC) - kept.about.until
    if age > LATE:
        words = f"! reckoned {span(age.total_seconds())} ago: the job has not run since"
        Part("span", "pill warning", words)


def _columns(kept: Kept, table: Table) -> None:
    with Part("section", "card report-columns", aria_label="Columns"):
        Part("h3", text="What the columns say")
        with Part("dl", "facts small"):
            for column in table.columns:
                Part("dt", text=column.title)
                Part("dd", text=_says(kept, column))


def _says(kept: Kept, column: Column) -> str:
    """The query's moments are UTC; what is shown here is on the lots' clock."""
    says = kept.about.columns.get(column.key, "")
    return says.replace("UTC", column.unit, 1) if column.kind is Kind.TIME else says
