"""The console's process. The only module of the console that knows concrete classes."""

import logging

import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from console import database, problems
from console.config import ConsoleSettings
from console.desk import Desk
from console.lots import open_lots
from console.models import shows
from console.openapi import document
from console.rate import Rate
from console.routes import lots, spots
from console.tokens import Tokens
from lotkeeper import __version__

log = logging.getLogger(__name__)

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
    return Desk(
        open_lots(settings),
        Tokens(settings.store.path),
        Rate(settings.rate.path, settings.rate.per_minute),
    )


def make_app(desk: Desk) -> FastAPI:
    """The API over `desk`."""
    app = FastAPI(
        title="Lotkeeper console",
        version=__version__,
        description="What parking lots are like now and were before; docs/console.md.",
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    problems.add_to(app)
    root = APIRouter(prefix=ROOT)
    for group in (lots, spots):
        root.include_router(group.router)

    @root.get("/health", tags=["console"])
    async def health() -> Alive:
        """Whether the console answers; needs no token."""
        return Alive(status="ok", version=__version__)

    app.include_router(root)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    return app


def run(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises ConfigError, sqlite3.Error, OSError."""
    http = settings.http
    uvicorn.run(
        make_app(make_desk(settings)),
        host=http.host,
        port=http.port,
        ssl_certfile=http.cert_file,
        ssl_keyfile=http.key_file,
        log_level="warning",
        access_log=False,
        server_header=False,
    )
