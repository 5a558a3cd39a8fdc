"""Logging in and out: plain HTML, quick on any browser, without a script."""

from functools import cache
from html import escape
from http import HTTPStatus
from pathlib import Path
from string import Template
from typing import Annotated
from urllib.parse import parse_qs

import nicegui
from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from console.desk import SESSION_COOKIE, Desk, TheDesk
from console.people import SESSION
from console.tokens import Scope, Token

router = APIRouter()

FORM_BYTES = 4096
STATIC = Path(__file__).parent / "static"
FONTS = f"/_nicegui/{nicegui.__version__}/static/fonts.css"
"""The fonts that NiceGUI brings: none is fetched from elsewhere."""


@cache
def _template(name: str) -> Template:
    return Template((STATIC / name).read_text())


def filled(name: str, /, **values: str) -> str:
    """An HTML file of ours with `values`, which are to be escaped already."""
    return _template(name).substitute(values, fonts=FONTS)


@router.get("/login")
def form(to: Annotated[str, Query(max_length=500)] = "/") -> HTMLResponse:
    """Ask for name and password."""
    return _form(to, "", HTTPStatus.OK)


@router.post("/login")
async def log_in(request: Request, desk: TheDesk) -> Response:
    """Begin a session, or ask again."""
    fields = await _fields(request)
    name, to = fields.get("name", ""), fields.get("to", "/")
    address = request.client.host if request.client else "nobody"
    answer = await run_in_threadpool(_try, desk, name, fields.get("password", ""), address)
    if isinstance(answer, int):
        words = f"Too many tries: wait {answer} s."
        return _form(to, words, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(answer)})
    if answer is None:
        return _form(to, "Name or password is wrong.", HTTPStatus.UNAUTHORIZED)
    done = RedirectResponse(_of_ours(to), HTTPStatus.SEE_OTHER)
    done.set_cookie(
        SESSION_COOKIE,
        answer,
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return done


@router.post("/logout")
def log_out(request: Request, desk: TheDesk) -> RedirectResponse:
    """End the session, in every process."""
    desk.people.log_out(request.cookies.get(SESSION_COOKIE, ""))
    done = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    done.delete_cookie(SESSION_COOKIE)
    return done


def _try(desk: Desk, name: str, password: str, address: str) -> str | int | None:
    """A session; None where it is refused; the seconds to wait where there were too many tries."""
    waits = [desk.logins.wait_s(f"login {what}") for what in (f"of {name}", f"from {address}")]
    if wait_s := max(waits):
        return wait_s
    session = desk.people.log_in(name, password)
    who = Token("", name[:64], Scope.VIEWER, "", None, None)
    entry = desk.audit.begin(who, "", "login", {"address": address})
    desk.audit.end(entry, "done" if session else "refused: wrong name or password")
    return session


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            return {}
    return {key: values[0] for key, values in parse_qs(body.decode(errors="replace")).items()}


def _of_ours(to: str) -> str:
    """Never another site: a link to the login must not lead away."""
    return to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"


def _form(
    to: str, words: str, status: HTTPStatus, headers: dict[str, str] | None = None
) -> HTMLResponse:
    refusal = f'<p class="refusal" role="alert">{escape(words)}</p>' if words else ""
    page = filled("login.html", to=escape(_of_ours(to), quote=True), refusal=refusal)
    return HTMLResponse(page, status, {"Cache-Control": "no-store", **(headers or {})})
