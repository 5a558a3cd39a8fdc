"""The frame of every page: navigation, who is here, light and dark; and how a page is declared."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from nicegui import Client, background_tasks, ui
from nicegui.elements.mixins.text_element import TextElement

from console.desk import SESSION_COOKIE, Desk, desk_of
from console.lots import Lot
from console.pages.icons import svg
from console.problems import Problem
from console.tokens import Scope, Token

LOOK_AGAIN_S = 5.0
"""So often an open page's session is looked at: one that has ended ends the page."""
BUILD_S = 15.0
"""A gateway that does not answer keeps a page waiting for as long as [live] timeout_s says."""
HEAD = (
    '<link rel="stylesheet" href="/static/lotkeeper.css">'
    '<link rel="stylesheet" href="/static/frame.css">'
    '<script src="/static/shell.js"></script>'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation. `below`: paths that belong to it begin so; `when`: whether the
    console has what it is about.
    """

    path: str
    label: str
    icon: str
    order: int
    needs: Scope
    below: str
    when: Callable[[Desk], bool]

    def is_for(self, visit: "Visit") -> bool:
        """Whether it is there at all, and for this person."""
        return self.when(visit.desk) and visit.may(self.needs)


ENTRIES: list[Entry] = []


@dataclass(frozen=True, slots=True)
class Visit:
    """Who looks at a page, and from what it is answered."""

    desk: Desk
    person: Token
    path: str
    session: str

    @property
    def lots(self) -> list[Lot]:
        """All lots, by id."""
        return list(self.desk.lots.values())

    def lot(self, lot_id: str) -> Lot:
        """One lot. Raises Problem 404."""
        if lot_id not in self.desk.lots:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no lot {lot_id!r} here.")
        return self.desk.lots[lot_id]

    def may(self, needed: Scope) -> bool:
        """Whether the person's scope is enough where `needed` is asked for."""
        return self.person.scope.allows(needed)


def visit_of(request: Request) -> Visit:
    """The visit; the gatekeeper has let the person in."""
    return Visit(
        desk=desk_of(request),
        person=request.state.person,
        path=request.url.path,
        session=request.cookies[SESSION_COOKIE],
    )


def has_lots(desk: Desk) -> bool:
    """Whether there are lots whose gateways it reads."""
    return bool(desk.lots)


def has_fleet(desk: Desk) -> bool:
    """Whether there is a fleet."""
    return desk.fleet is not None


Here = Annotated[Visit, Depends(visit_of)]
Build = Callable[..., Awaitable[Any]]


def page(
    path: str,
    label: str = "",
    *,
    icon: str = "",
    order: int = 100,
    needs: Scope = Scope.VIEWER,
    below: str | None = None,
    when: Callable[[Desk], bool] = lambda desk: True,
) -> Callable[[Build], Build]:
    """Declare the page at `path`; with a label it is an entry of the navigation. Where `when` is
    not so, there is no such page.
    """
    if label:
        ENTRIES.append(Entry(path, label, icon, order, needs, below or path, when))
        ENTRIES.sort(key=lambda each: each.order)

    def declare(build: Build) -> Build:
        @wraps(build)
        async def shown(**given: Any) -> Any:
            visit = next(each for each in given.values() if isinstance(each, Visit))
            if not when(visit.desk):
                raise Problem(HTTPStatus.NOT_FOUND, f"This console has no {label or path}.")
            if not visit.may(needs):
                raise Problem(HTTPStatus.FORBIDDEN, f"{label or path} needs the scope {needs}.")
            with _frame(visit, ui.context.client):
                return await build(**given)

        ui.page(path, response_timeout=BUILD_S)(shown)
        return build

    return declare


class Part(TextElement):
    """An HTML element, with text that is never taken for HTML."""

    def __init__(self, tag: str, classes: str = "", text: str = "", **attributes: str) -> None:
        """`attributes`: aria_label="..." becomes aria-label, a trailing `_` is dropped."""
        super().__init__(tag=tag, text=text)
        self.classes(classes)
        for name, value in attributes.items():
            self.props[name.strip("_").replace("_", "-")] = value


def heading(words: str, below: str = "") -> Part:
    """The page's title, as the tab's too; `with` it, what stands beside the title."""
    ui.page_title(f"{words} · Lotkeeper")
    made = Part("div", "heading")
    with made:
        Part("h1", text=words)
        if below:
            Part("p", "quiet", below)
    return made


def icon(name: str) -> None:
    """An icon of `console.pages.icons`."""
    ui.html(svg(name), sanitize=False, tag="span").classes("icon-box")


@contextmanager
def _frame(visit: Visit, client: Client) -> Iterator[None]:
    ui.add_head_html(HEAD)
    _guard(visit, client)
    with client.layout:
        bar = Part("header", "bar")
        bar.move(target_index=0)
    with bar:
        with Part("a", "brand", href="/"):
            icon("brand")
            Part("span", text="Lotkeeper")
        _navigation(visit)
        _corner(visit)
    with Part("div", "page") as content:
        yield
    ui.skip_link("Skip to the page", target=content)


def _navigation(visit: Visit) -> None:
    with Part("nav", "navigation", aria_label="Pages"):
        for entry in ENTRIES:
            if not entry.is_for(visit):
                continue
            link = Part("a", href=entry.path)
            if visit.path == entry.path or visit.path.startswith(entry.below):
                link.props["aria-current"] = "page"
            with link:
                icon(entry.icon)
                Part("span", text=entry.label)


def _corner(visit: Visit) -> None:
    with Part("div", "corner"):
        with Part("button", "round", type="button", id="theme", aria_label="Light or dark"):
            icon("theme")
        Part("span", "person", visit.person.name, title=f"may: {visit.person.scope}")
        with (
            Part("form", method="post", action="/logout"),
            Part("button", "round", type="submit", aria_label="Log out", title="Log out"),
        ):
            icon("leave")


def _guard(visit: Visit, client: Client) -> None:
    """End the page when its session has ended: revoked, past, or logged out elsewhere."""

    async def look() -> None:
        with suppress(sqlite3.Error):  # where it cannot be told whether it stands, it does not
            while await run_in_threadpool(visit.desk.people.find, visit.session):
                await asyncio.sleep(LOOK_AGAIN_S)
        client.open("/login")

    while_open(client, look)


def while_open(client: Client, work: Callable[[], Awaitable[None]]) -> None:
    """Have `work` done from when the browser has connected until its page is gone."""
    tasks: list[asyncio.Future[None]] = []

    def begin() -> None:
        if not tasks:
            tasks.append(background_tasks.create(work()))  # which logs how it failed

    client.on_connect(begin)
    client.on_delete(lambda: [task.cancel() for task in tasks] and None)
