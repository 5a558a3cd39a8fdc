"""The fleet as the cloud knows it: a row a lot, asked of the database again while it is looked at.

Nobody pushes here what changes; but all who look share one question in `[live] cache_s`.
"""

import asyncio
from html import escape
from zoneinfo import ZoneInfo

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.answers import Away
from console.fleet import Fleet
from console.fleet_models import FleetLot
from console.models import arranged
from console.pages.choices import address, pills
from console.pages.moments import moment
from console.pages.shell import Here, Part, has_fleet, heading, page, while_open
from console.reports.table import NONE, span

AGAIN_S = 5.0
UTC_ZONE = ZoneInfo("UTC")
COLUMNS = {
    "lot_id": ("Lot", ""),
    "occupancy_rate": ("Occupancy", "-"),
    "free": ("Free", "-"),
    "unknown": ("Unknown", "-"),
    "open_alerts": ("Alerts", "-"),
    "gateway_age_s": ("Gateway heard", "-"),
    "last_updated": ("Updated, UTC", "-"),
}
"""By what the rows are sorted: the column's title, and which way first."""
FIGURES = ("free", "unknown", "open_alerts")


@page("/fleet", "Fleet", icon="fleet", order=5, when=has_fleet)
async def show(visit: Here, sort: str = "lot_id", facility: str = "") -> None:
    """Every lot; what is chosen is in the address."""
    assert visit.desk.fleet is not None
    ui.add_head_html('<link rel="stylesheet" href="/static/fleet.css">')
    heading("Fleet", "Every lot, as its gateway told the cloud last.")
    board = Board(visit.desk.fleet, sort, facility)
    await board.fill()

    async def following() -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            await board.fill()

    while_open(ui.context.client, following)


class Board:
    """The lots in a table, which is filled anew; its head, where the keyboard may be, stays."""

    def __init__(self, fleet: Fleet, sort: str, facility: str) -> None:
        self._fleet = fleet
        self._sort = sort if sort.removeprefix("-") in COLUMNS else "lot_id"
        self._facility = facility
        self._facilities: list[str] = []
        self._away = Part("p", "banner", role="alert")
        self._status = Part("p", "quiet", role="status")
        self._choice = Part("div")
        self._card = Part(
            "div", "card scrolls fleet", tabindex="0", role="region", aria_label="Lots"
        )
        with self._card, Part("table", "table"):
            with Part("thead"), Part("tr"):
                for key, (title, way) in COLUMNS.items():
                    self._head(key, title, way)
            self._rows = ui.html("", sanitize=False, tag="tbody")

    def _head(self, key: str, title: str, way: str) -> None:
        by, is_mine = self._sort.removeprefix("-"), self._sort.removeprefix("-") == key
        is_down = self._sort.startswith("-")
        towards = f"-{key}" if (not is_down if is_mine else way) else key
        head = Part("th", "figure" if key in FIGURES else "", scope="col")
        if by == key:
            head.props["aria-sort"] = "descending" if is_down else "ascending"
        chosen = {"sort": towards, "facility": self._facility}
        with head, Part("a", href=address("/fleet", chosen)):
            Part("span", text=title)
            if by == key:
                Part("span", text="\u25be" if is_down else "\u25b4", aria_hidden="true")

    async def fill(self) -> None:
        """Ask and show; where nobody answers, no row is shown at all."""
        try:
            found = await run_in_threadpool(self._fleet.lots)
        except Away as away:
            self._away.text = f"{away}. Nothing of the fleet is known here."
            self._show([], is_there=False)
            return
        self._choose(sorted({each.facility_id for each in found if each.facility_id}))
        mine = [each for each in found if self._facility in ("", each.facility_id)]
        self._status.text = _summary(mine)
        self._show(arranged(mine, self._sort, getattr), is_there=True)

    def _show(self, found: list[FleetLot], *, is_there: bool) -> None:
        self._rows.content = "".join(_row(each) for each in found)
        self._away.set_visibility(not is_there)
        for each in (self._status, self._choice, self._card):
            each.set_visibility(is_there)

    def _choose(self, facilities: list[str]) -> None:
        if facilities == self._facilities:
            return
        self._facilities = facilities
        self._choice.clear()
        if len(facilities) > 1:
            titles = {"": "All facilities"} | {each: each for each in facilities}
            now = {"facility": self._facility, "sort": self._sort}
            with self._choice:
                pills("/fleet", "Facility", "facility", titles, now)


def _summary(lots: list[FleetLot]) -> str:
    """What is known of all together; what is not known is in no sum."""
    words = {
        "Lots": len(lots),
        "free": sum(each.free or 0 for each in lots),
        "occupied": sum(each.current_occupancy or 0 for each in lots),
        "unknown": sum(each.unknown or 0 for each in lots),
        "silent gateways": sum(each.gateway_heard is False for each in lots),
        "alerts": sum(each.open_alerts for each in lots),
    }
    return " · ".join(f"{what} {count}" for what, count in words.items())


def _row(lot: FleetLot) -> str:
    """Nothing in it takes the keyboard, which would be lost when it is filled anew."""
    name = escape(lot.lot_id)
    of = f" of {lot.capacity}" if lot.free is not None and lot.capacity is not None else ""
    alerts = str(lot.open_alerts)
    return (
        f'<tr data-lot="{name}"><th scope="row">{name}'
        f'<span class="quiet small">{escape(lot.facility_id or "")}</span></th>'
        f"<td>{_bar(lot.occupancy_rate)}</td>"
        f'<td class="figure"><strong>{_figure(lot.free)}</strong>'
        f'<span class="quiet small">{of}</span></td>'
        f'<td class="figure">{_figure(lot.unknown)}</td>'
        f'<td class="figure">{_pill("warning", alerts) if lot.open_alerts else alerts}</td>'
        f"<td>{_heard(lot)}</td>"
        f"<td>{moment(lot.last_updated, UTC_ZONE) if lot.last_updated else NONE}</td></tr>"
    )


def _bar(rate: float | None) -> str:
    """The words say what the bar does."""
    if rate is None:
        return NONE
    return (
        f'<span class="rate"><span class="track"><span style="width:{rate:.1%}"></span></span>'
        f'<span class="number">{rate:.0%}</span></span>'
    )


def _figure(value: int | None) -> str:
    return NONE if value is None else str(value)


def _heard(lot: FleetLot) -> str:
    if lot.gateway_age_s is None:
        return '<span class="quiet">no gateway</span>'
    age = span(lot.gateway_age_s)
    return f"{age} ago" if lot.gateway_heard else _pill("bad", f"\u2715 silent for {age}")


def _pill(looks: str, words: str) -> str:
    return f'<span class="pill {looks}">{escape(words)}</span>'
