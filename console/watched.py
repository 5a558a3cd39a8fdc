"""The server as systemd sees it: ready when it listens, alive while its work gets done.

The watchdog is fed by what every request needs and a bare timer does not: a turn of the event loop,
a free worker thread, and a read of the console's own store.
"""

import asyncio
import contextlib
import logging
import socket
import sqlite3
from collections.abc import Callable

import uvicorn
from anyio import to_thread

from runtime.systemd import notify

log = logging.getLogger(__name__)

FEED_S = 5.0
"""Between two feeds; the unit's WatchdogSec= is several of them."""


class Watched(uvicorn.Server):
    """A server that tells systemd. `probe` reads the store, on a worker thread."""

    def __init__(self, config: uvicorn.Config, probe: Callable[[], object]) -> None:
        super().__init__(config)
        self._probe = probe
        self._feeding: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started:
            notify("READY=1")
            self._feeding = asyncio.create_task(self._feed())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, and end what runs."""
        notify("STOPPING=1")
        if self._feeding:
            self._feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._feeding
        await super().shutdown(sockets)

    async def _feed(self) -> None:
        while True:
            try:
                await to_thread.run_sync(self._probe, abandon_on_cancel=True)
                notify("WATCHDOG=1")
            except (OSError, sqlite3.Error) as error:
                log.error("the store cannot be read: %s", error)
            await asyncio.sleep(FEED_S)
