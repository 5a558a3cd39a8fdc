"""What changes, to open pages: gathered for a moment and pushed over the page's own socket."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from nicegui import ui

from console.hub import Change, Listener
from console.pages.shell import Visit, while_open
from gateway.tools.reading import Unreadable

log = logging.getLogger(__name__)

GATHER_S = 0.1
"""A burst is one message a page: a change is on the screen in well under a second."""

AGAIN_S = 5.0
"""Until a store that could not be read is tried again."""

Tell = Callable[[list[Change]], Awaitable[None]]


def follow(visit: Visit, lot_id: str | None, tell: Tell) -> None:
    """Call `tell` with changes of a lot (of all: None) as long as the page is open.

    First, and whenever changes were lost, it is called with none: read the present then. A lot's
    counts come each time that the gateway says them, so that a page knows until when they hold.
    """
    hub = visit.desk.hub

    async def following() -> None:
        while True:
            try:
                with hub.listening(again=True) as listener:
                    await _tell_all(listener, lot_id, tell)
            except (Unreadable, sqlite3.Error) as error:
                # What the page shows runs out by itself; it goes on when the store can be read.
                log.error("%s: %s", visit.path, error)
                await asyncio.sleep(AGAIN_S)

    while_open(ui.context.client, following)


async def _tell_all(listener: Listener, lot_id: str | None, tell: Tell) -> None:
    """Until changes are lost."""
    await tell([])
    while not listener.too_slow:
        changes = [await listener.waiting.get()]
        await asyncio.sleep(GATHER_S)
        while not listener.waiting.empty():
            changes.append(listener.waiting.get_nowait())
        if mine := [each for each in changes if lot_id in (None, each.lot_id)]:
            await tell(mine)
