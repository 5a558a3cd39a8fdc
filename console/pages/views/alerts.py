"""Alerts: what a person should look at, and what people have done about it."""

import sqlite3
from collections.abc import Callable
from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.hub import Change
from console.pages.acting import act
from console.pages.choices import pills
from console.pages.fields import Field
from console.pages.live import follow
from console.pages.moments import moment
from console.pages.shell import Here, Part, Visit, has_lots, heading, page
from console.routes.alerts import NOTE_CHARACTERS, AlertNow, AlertQuery, alerts
from console.tokens import Scope
from contract.alerts import AlertState, Severity
from gateway.tools.reading import Unreadable

SHOWN = {"open": "Open", "raised": "Not yet seen", "past": "Past too"}
SIGNS = {Severity.CRITICAL: "\u2715", Severity.WARNING: "!", Severity.INFO: "i"}
KINDS = {Severity.CRITICAL: "bad", Severity.WARNING: "warning", Severity.INFO: ""}
MOST = 200


@page("/alerts", "Alerts", icon="bell", order=20, when=has_lots)
async def show(visit: Here, show: str = "open", severity: str = "", lot: str = "") -> None:
    """The alerts of every lot; what is chosen is in the address."""
    chosen = {
        "show": show if show in SHOWN else "open",
        "severity": severity if severity in list(Severity) else "",
        "lot": lot if lot in visit.desk.lots else "",
    }
    ui.add_head_html('<link rel="stylesheet" href="/static/alerts.css">')
    heading(
        "Alerts", "What a person should look at; an alert ends by itself when it is well again."
    )
    _choice(visit, chosen)
    board = Board(visit, chosen)

    async def tell(changes: list[Change]) -> None:
        if not changes or any(each.kind in ("alert", "gateway") for each in changes):
            await board.fill()

    follow(visit, chosen["lot"] or None, tell)


def _choice(visit: Visit, chosen: dict[str, str]) -> None:
    severities = {"": "Any severity"} | {each: each.capitalize() for each in reversed(Severity)}
    with Part("div", "alert-choice"):
        pills("/alerts", "Which alerts", "show", SHOWN, chosen)
        pills("/alerts", "Severity", "severity", severities, chosen)
        if len(visit.lots) > 1:
            lots = {"": "All lots"} | {each.lot_id: each.name or each.lot_id for each in visit.lots}
            pills("/alerts", "Lot", "lot", lots, chosen)


class Board:
    """The list, filled anew when an alert changes."""

    def __init__(self, visit: Visit, chosen: dict[str, str]) -> None:
        self._visit = visit
        self._chosen = chosen
        self._status = Part("p", "quiet", role="status")
        self._list = Part("ol", "alerts", aria_label="Alerts")
        self._note = Note(self._write)

    async def fill(self) -> None:
        """Read the stores and show them."""
        try:
            found = await run_in_threadpool(self._read)
        except (Unreadable, sqlite3.Error) as error:
            self._status.text = f"A lot's store cannot be read: {error}"
            return
        self._status.text = "Nothing to look at." if not found else f"{len(found)} shown"
        self._list.clear()
        with self._list:
            for each in found:
                self._alert(each)

    def _read(self) -> list[AlertNow]:
        query = AlertQuery(
            lot=self._chosen["lot"] or None,
            severity=Severity(self._chosen["severity"]) if self._chosen["severity"] else None,
            state=AlertState.RAISED if self._chosen["show"] == "raised" else None,
            past=self._chosen["show"] == "past",
            limit=MOST,
        )
        return list(alerts(self._visit.desk, query).items)

    def _alert(self, each: AlertNow) -> None:
        lot = self._visit.lot(each.lot_id)
        clock = lot.settings.zone
        item = Part("li", f"card alert {KINDS[each.severity]}", data_alert=each.alert_id)
        with item, Part("div", "alert-head"):
            Part("span", "sign", SIGNS[each.severity], aria_hidden="true")
            with Part("div"):
                Part("h2", text=each.text)
                with Part("p", "line quiet small"):
                    Part("span", text=each.severity.value.capitalize())
                    Part("a", text=lot.name or lot.lot_id, href=f"/lots/{lot.lot_id}")
                    Part("span", text=f"since {moment(each.since, clock)}")
                    if each.acknowledged_by:
                        Part("span", text=f"seen by {each.acknowledged_by}")
                    if each.resolved_at:
                        by = each.resolved_by or "itself"
                        Part("span", text=f"ended {moment(each.resolved_at, clock)} by {by}")
        with item:
            if each.notes:
                with Part("ul", "notes small"):
                    for note in each.notes:
                        Part("li", text=f"{moment(note.at, clock)} {note.by}: {note.text}")
            if each.state is not AlertState.RESOLVED and self._visit.may(Scope.OPERATOR):
                self._buttons(each)

    def _buttons(self, each: AlertNow) -> None:
        with Part("div", "line"):
            if each.state is AlertState.RAISED:
                self._button("Acknowledge", each, "alerts-acknowledge", "strong")
            self._button("Resolve", each, "alerts-resolve")
            label = f"Write a note to: {each.text}"
            Part("button", "button", "Note", type="button", aria_label=label).on(
                "click", lambda: self._note.open(each)
            )

    def _button(self, words: str, each: AlertNow, name: str, looks: str = "") -> None:
        async def clicked() -> None:
            button.props["disabled"] = True
            await self._order(each, name, "")

        label = f"{words}: {each.text}"
        button = Part("button", f"button {looks}", words, type="button", aria_label=label)
        button.on("click", clicked)

    async def _write(self, each: AlertNow, words: str) -> None:
        await self._order(each, "alerts-note", words)

    async def _order(self, each: AlertNow, name: str, words: str) -> None:
        data = {"alert_id": each.alert_id, "note": words}
        await act(self._visit, self._visit.lot(each.lot_id), name, data, signed=True)
        await self.fill()


class Note:
    """A dialog for a line to an alert, beside the list, which is filled anew meanwhile."""

    def __init__(self, write: Callable[[AlertNow, str], Any]) -> None:
        self._write = write
        self._of: AlertNow | None = None
        self._dialog = Part("dialog", "card note", id="note", aria_label="Note")
        with self._dialog, Part("form", method="dialog"):
            self._title = Part("h2")
            self._field = Field(
                "Note", "note-words", tag="textarea", maxlength=str(NOTE_CHARACTERS), rows="3"
            )
            with Part("div", "line"):
                save = Part("button", "button strong", "Save the note", type="submit")
                save.on("click", self._save)
                Part("button", "button", "Cancel", type="submit")

    def open(self, of: AlertNow) -> None:
        """Ask for a line to `of`."""
        self._of = of
        self._title.text = of.text
        self._field.clear()
        ui.run_javascript("document.getElementById('note').showModal()")

    async def _save(self) -> None:
        words = self._field.words.strip()
        if self._of is not None and words:
            await self._write(self._of, words[:NOTE_CHARACTERS])
