"""Settings: what is aimed at, who may use the API, and what was changed by whom."""

from collections.abc import Callable
from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui
from pydantic import ValidationError

from console.audit import Entry
from console.lots import Lot
from console.pages.acting import person_now
from console.pages.fields import Field
from console.pages.shell import Here, Part, Visit, heading, page
from console.problems import Problem
from console.routes.targets import TargetBody, create, remove
from console.targets import TargetRow
from console.tokens import Scope, Token

DAYS = {"0,1,2,3,4": "Monday to Friday", "5,6": "Weekend", "0,1,2,3,4,5,6": "Every day"}
SHORT = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
ENTRIES = 50


@page("/settings", "Settings", icon="settings", order=90)
async def show(visit: Here) -> None:
    """What can be set here; the rest stands in files, and says so."""
    ui.add_head_html('<link rel="stylesheet" href="/static/settings.css">')
    heading("Settings", f"You are {visit.person.name}, who may: {visit.person.scope}.")
    with Part("div", "settings"):
        for lot in visit.lots:
            await Targets(visit, lot).fill()
        if visit.may(Scope.ADMIN):
            await Tokens(visit).fill()
            people = await run_in_threadpool(visit.desk.people.all)
            _people(people)
            entries, total = await run_in_threadpool(visit.desk.audit.newest, ENTRIES, 0)
            _audit(entries, total)


class Targets:
    """The occupancies that people aim at in a lot."""

    def __init__(self, visit: Visit, lot: Lot) -> None:
        self._visit = visit
        self._lot = lot
        with _section(f"Targets of {lot.name or lot.lot_id}", "reports compare with them"):
            self._list = Part("ul", "rows")
            if visit.may(Scope.OPERATOR):
                self._form()

    async def fill(self) -> None:
        """Read and show them."""
        rows = await run_in_threadpool(self._visit.desk.targets.all, self._lot.lot_id)
        self._list.clear()
        with self._list:
            if not rows:
                Part("li", "quiet", "None yet.")
            for each in rows:
                self._row(each)

    def _row(self, each: TargetRow) -> None:
        aim = each.aim
        days = ", ".join(SHORT[day] for day in aim.weekdays)
        words = f"{days}, {aim.from_hour:02}:00 to {aim.to_hour:02}:00: {aim.occupancy:.0%}"
        with Part("li", "line between"):
            Part("span", text=f"{aim.zone_id or 'The whole lot'}: {words}")
            if self._visit.may(Scope.OPERATOR):
                label = f"Remove the target of {aim.zone_id or 'the lot'}, {words}"
                Part("button", "button", "Remove", type="button", aria_label=label).on(
                    "click", lambda: self._do(self._remove, each.target_id)
                )

    def _form(self) -> None:
        zones = {"": "The whole lot"}
        zones |= {zone.zone_id: zone.name or zone.zone_id for zone in self._lot.settings.zones}
        of = self._lot.lot_id
        with Part("div", "line form"):
            self._zone = Field("Zone", f"zone-{of}", choices=zones)
            self._days = Field("Days", f"days-{of}", choices=DAYS, words="0,1,2,3,4")
            self._from = Field("From hour", f"from-{of}", words="8", type="number")
            self._to = Field("To hour", f"to-{of}", words="18", type="number")
            self._share = Field("Occupancy, %", f"share-{of}", words="80", type="number")
            Part("button", "button strong", "Add a target", type="button").on(
                "click", lambda: self._do(self._add)
            )

    async def _do(self, done: Callable[..., Any], *given: Any) -> None:
        try:
            await run_in_threadpool(done, *given)
        except (Problem, ValueError) as error:
            ui.notify(f"Not done: {_words(error)}", type="negative")
        await self.fill()

    def _add(self) -> None:
        person = person_now(self._visit, Scope.OPERATOR)
        body = TargetBody.model_validate(
            {
                "zone_id": self._zone.words or None,
                "weekdays": [int(day) for day in self._days.words.split(",")],
                "from_hour": self._from.words,
                "to_hour": self._to.words,
                "occupancy": float(self._share.words) / 100,
            }
        )
        create(self._visit.desk, self._lot, person, body)

    def _remove(self, target_id: int) -> None:
        person = person_now(self._visit, Scope.OPERATOR)
        remove(self._visit.desk, self._lot, target_id, person)


class Tokens:
    """Who may use the API."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        with _section("Tokens of the API", "for programs; a token is shown once"):
            self._made = Part("p", "made", role="status")
            self._list = Part("ul", "rows")
            with Part("div", "line form"):
                self._name = Field("Whose", "token-name", maxlength="64")
                scopes = {each.value: each.value for each in Scope if each is not Scope.DEVICE}
                self._scope = Field("May", "token-scope", choices=scopes, words="viewer")
                Part("button", "button strong", "Make a token", type="button").on(
                    "click", self._make
                )

    async def fill(self) -> None:
        """Read and show those that stand."""
        tokens = await run_in_threadpool(self._visit.desk.tokens.all)
        self._list.clear()
        with self._list:
            for each in tokens:
                if each.revoked is None:
                    self._row(each)

    def _row(self, each: Token) -> None:
        until = f"until {each.expires[:10]}" if each.expires else "without an end"
        with Part("li", "line between"):
            Part("span", text=f"{each.name}: {each.scope}, made {each.created[:10]}, {until}")
            label = f"Revoke the token of {each.name}, made {each.created[:10]}"
            Part("button", "button danger", "Revoke", type="button", aria_label=label).on(
                "click", lambda: self._revoke(each)
            )

    async def _make(self) -> None:
        def done() -> str:
            data = {"name": self._name.words, "scope": self._scope.words}
            with _audited(self._visit, "token-add", data):
                return self._visit.desk.tokens.add(self._name.words, Scope(self._scope.words))

        try:
            self._made.text = f"Shown once: {await run_in_threadpool(done)}"
            self._name.clear()
        except (Problem, ValueError) as error:
            ui.notify(f"Not done: {_words(error)}", type="negative")
        await self.fill()

    async def _revoke(self, each: Token) -> None:
        def done() -> None:
            data = {"token_id": each.token_id, "name": each.name}
            with _audited(self._visit, "token-revoke", data):
                self._visit.desk.tokens.revoke(each.token_id)

        try:
            await run_in_threadpool(done)
        except Problem as error:
            ui.notify(f"Not done: {error}", type="negative")
        await self.fill()


class _audited:
    """An administrator's change between the two words of the audit log. Raises Problem 403."""

    def __init__(self, visit: Visit, action: str, data: dict[str, Any]) -> None:
        self._audit = visit.desk.audit
        self._entry = self._audit.begin(person_now(visit, Scope.ADMIN), "", action, data)

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._audit.end(self._entry, f"refused: {error}" if error else "done")


def _people(people: list[Token]) -> None:
    told = "added on the machine: lotkeeper console user add NAME"
    with _section("People", told), Part("ul", "rows"):
        for each in people:
            Part("li", text=f"{each.name}: {each.scope}, since {each.created[:10]}")


def _audit(entries: list[Entry], total: int) -> None:
    told = f"the newest {len(entries)} of {total}; all by GET /api/v1/audit"
    table = Part("table", "table small")
    with _section("What was changed", told), Part("div", "scrolls", tabindex="0") as around:
        table.move(around)
    with table:
        with Part("thead"), Part("tr"):
            for words in ("When, UTC", "Who", "Lot", "What", "Outcome"):
                Part("th", text=words, scope="col")
        with Part("tbody"):
            for each in entries:
                with Part("tr"):
                    when = each.at[:19].replace("T", " ")
                    for words in (when, each.who, each.lot_id, each.action, each.outcome):
                        Part("td", text=words)


def _section(title: str, below: str) -> Part:
    made = Part("section", "card stack-small", aria_label=title)
    with made:
        Part("h2", text=title)
        Part("p", "quiet small", below)
    return made


def _words(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{' '.join(map(str, each['loc']))}: {each['msg'].removeprefix('Value error, ')}"
        for each in error.errors(include_url=False, include_input=False)
    )
