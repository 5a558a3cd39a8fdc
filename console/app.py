"""The console's process. The only module of the console that knows concrete classes."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from console import database, problems
from console.audit import Audit
from console.bodies import BoundedBodies
from console.config import ConsoleSettings
from console.desk import Desk
from console.fleet import Fleet
from console.hub import Hub
from console.lots import open_lots
from console.models import shows
from console.openapi import document
from console.people import TRIES_PER_MINUTE, People
from console.rate import Rate
from console.routes import (
    admin,
    alerts,
    devices,
    events,
    figures,
    fleet,
    lots,
    past,
    reports,
    spots,
    summary,
    targets,
    telemetry,
)
from console.targets import Targets
from console.tokens import Tokens
from console.watched import Watched
from lotkeeper import __version__

log = logging.getLogger(__name__)

GRACE_S = 3
"""Streams of events never end by themselves: they are cut when the process is to stop."""
ROOT = "/api/v1"


class Alive(BaseModel):
    """The console answers; it says nothing of the lots."""

    model_config = shows(status="ok", version=__version__)

    status: str
    version: str


def make_desk(settings: ConsoleSettings) -> Desk:
    """What the routes work with. Raises ConfigError, sqlite3.Error, OSError."""
    database.make(settings.store.path, database.KEPT)
    database.make(settings.rate.path, database.COUNTED)
    found = open_lots(settings)
    return Desk(
        found,
        Tokens(settings.store.path),
        Rate(settings.rate.path, settings.rate.per_minute),
        Audit(settings.store.path),
        Hub(found),
        People(settings.store.path),
        Rate(settings.rate.path, TRIES_PER_MINUTE),
        Targets(settings.store.path),
        Fleet(settings.fleet, settings.live) if settings.fleet else None,
    )


@asynccontextmanager
async def _listening(app: FastAPI) -> AsyncIterator[None]:
    hub = app.state.desk.hub
    hub.start(asyncio.get_running_loop())
    yield
    hub.stop()


def make_app(desk: Desk) -> FastAPI:
    """The API over `desk`."""
    app = FastAPI(
        title="Lotkeeper console",
        version=__version__,
        description="What parking lots are like now and were before; docs/console.md.",
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_listening,
    )
    app.state.desk = desk
    problems.add_to(app)
    app.add_middleware(BoundedBodies)
    root = APIRouter(prefix=ROOT)
    for group in (summary, lots, spots, past, figures, targets, reports, alerts, events, admin):
        root.include_router(group.router)
    root.include_router(alerts.orders)
    root.include_router(targets.orders)
    root.include_router(fleet.router)
    root.include_router(devices.router)
    root.include_router(telemetry.router)

    @root.get("/health", tags=["console"])
    async def health() -> Alive:
        """Whether the console answers; needs no token."""
        return Alive(status="ok", version=__version__)

    app.include_router(root)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


def run(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigError, sqlite3.Error, OSError."""
    from console.pages.mount import with_pages  # it takes a second, and the API needs none

    http = settings.http
    desk = make_desk(settings)
    config = uvicorn.Config(
        with_pages(make_app(desk), desk),
        host=http.host,
        port=http.port,
        ssl_certfile=http.cert_file,
        ssl_keyfile=http.key_file,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    # What is loaded stays loaded: walking through it in each full collection stood all requests
    # still for 0.2 s (bench/console_pages.py).
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        Watched(config, lambda: desk.tokens.find("")).run()
