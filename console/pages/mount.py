"""The pages and the API as one application."""

import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from http import HTTPStatus
from importlib import import_module
from pathlib import Path

import nicegui
from fastapi import FastAPI, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from console.desk import Desk
from console.pages import display, login, views
from console.pages.gatekeeper import Gatekeeper
from console.problems import Problem
from gateway.tools.reading import Unreadable

STATIC = Path(__file__).parent / "static"
RECONNECT_S = 10.0
"""A browser that was away for less than this goes on with its page; a longer one reloads it."""


def with_pages(api: FastAPI, desk: Desk) -> FastAPI:
    """The application that serves both. NiceGUI knows one a process, so call it once."""

    @asynccontextmanager
    async def lasting(app: FastAPI) -> AsyncIterator[None]:
        async with api.router.lifespan_context(api):
            yield

    app = FastAPI(openapi_url=None, lifespan=lasting)
    app.state.desk = nicegui.app.state.desk = desk
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(login.router)
    app.include_router(display.router)
    _add_refusals(app)
    for module in pkgutil.iter_modules(views.__path__):
        import_module(f"{views.__name__}.{module.name}")
    _add_refusals(nicegui.app)
    ui.run_with(
        app,
        title="Lotkeeper",
        favicon=STATIC / "favicon.svg",
        dark=None,
        language="en-US",
        reconnect_timeout=RECONNECT_S,
        tailwind=False,
        gzip_middleware_factory=lambda app: GZipMiddleware(app, compresslevel=4),
        show_welcome_message=False,
    )
    app.add_middleware(Gatekeeper, api=api, desk=desk)
    return app


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> HTMLResponse:
        return _told(problem.status, problem.detail)

    @app.exception_handler(Unreadable)
    async def unreadable(request: Request, error: Unreadable) -> HTMLResponse:
        return _told(HTTPStatus.SERVICE_UNAVAILABLE, f"A database cannot be read: {error}")

    @app.exception_handler(HTTPStatus.NOT_FOUND)
    async def absent(request: Request, error: Exception) -> HTMLResponse:
        return _told(HTTPStatus.NOT_FOUND, f"There is no page {request.url.path}.")


def _told(status: HTTPStatus, words: str) -> HTMLResponse:
    title = f"{status.value} {status.phrase}"
    body = login.filled("refused.html", title=title, words=escape(words))
    return HTMLResponse(body, status)
