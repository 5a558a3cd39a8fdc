"""The screen at a lot's entrance: counts for everybody, without a login, where the lot says so.

It is our own HTML and a stream of its own, so that the smallest board shows it. Each message says
for how many seconds it holds; the screen counts them by its own clock and blanks, whoever is dead.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from html import escape
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, StreamingResponse

from console.desk import Desk, TheDesk, lot_of
from console.hub import Listener
from console.lots import Lot
from console.pages.live import GATHER_S
from console.pages.login import filled
from console.pages.picture import delta, picture
from console.problems import Problem

router = APIRouter(prefix="/display/{lot_id}")

ALIVE_S = 15.0
AT_MOST = 100
"""Streams of one process: who needs no login must not be able to use it up."""


@dataclass(slots=True)
class Screens:
    """How many screens look now, in this process."""

    open: int = 0


@cache
def screens() -> Screens:
    """Those of this process."""
    return Screens()


def shown_lot(lot_id: str, desk: TheDesk) -> Lot:
    """A lot that everybody may look at. Raises Problem 404: it says not which lots there are."""
    if lot_id not in desk.lots or not desk.lots[lot_id].display:
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no display of {lot_id!r} here.")
    return lot_of(lot_id, desk)


Shown = Annotated[Lot, Depends(shown_lot)]


@router.get("")
def display(lot: Shown) -> HTMLResponse:
    """The page."""
    zones = [[zone.zone_id, zone.name or zone.zone_id] for zone in lot.settings.zones]
    page = filled(
        "display.html",
        name=escape(lot.name or lot.lot_id),
        zones=escape(json.dumps(zones), quote=True),
        time_zone=escape(lot.settings.time_zone, quote=True),
        events=escape(f"/display/{lot.lot_id}/events", quote=True),
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


@router.get("/events")
async def events(lot: Shown, desk: TheDesk) -> StreamingResponse:
    """Its counts as they change."""
    if screens().open >= AT_MOST:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{AT_MOST} screens look already.")
    return StreamingResponse(
        _stream(desk, lot),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(desk: Desk, lot: Lot) -> AsyncIterator[str]:
    screens().open += 1
    try:
        with desk.hub.listening(again=True) as listener:
            now = await run_in_threadpool(picture, lot)
            yield _event(now)
            while not listener.too_slow:
                news = await _news(listener, lot)
                yield _event(news) if news else ": alive\n\n"
    finally:
        screens().open -= 1


async def _news(listener: Listener, lot: Lot) -> dict[str, Any] | None:
    """What the next changes make of the counts; None if there were none for a while."""
    try:
        changes = [await asyncio.wait_for(listener.waiting.get(), ALIVE_S)]
    except TimeoutError:
        return None
    await asyncio.sleep(GATHER_S)
    while not listener.waiting.empty():
        changes.append(listener.waiting.get_nowait())
    mine = [each for each in changes if each.lot_id == lot.lot_id]
    if any(each.kind == "gateway" for each in mine):
        return await run_in_threadpool(picture, lot)
    return delta(mine, datetime.now(UTC))


def _event(drawn: dict[str, Any]) -> str:
    told = {key: value for key, value in drawn.items() if key != "spots"}
    return f"data: {json.dumps(told)}\n\n" if any(told.values()) else ""
