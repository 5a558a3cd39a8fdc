"""Changes as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Query as InQuery
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from console.desk import Desk, TheDesk, holder, viewer
from console.hub import Change, Listener
from console.models import Query
from console.problems import Problem

router = APIRouter(tags=["events"], dependencies=[viewer])

ALIVE_S = 15.0
"""So often a line goes out, that proxies leave the connection open, and the token is looked at."""
RETRY_MS = 3000
HELLO = f"retry: {RETRY_MS}\nevent: hello\ndata: {{}}\n\n"
EXAMPLE = (
    "event: spot\n"
    'data: {"lot_id": "lot-1", "name": "A1", "now": {"spot_id": "A1", "status": "free"}}\n\n'
)


class EventQuery(Query):
    """Of which lot; of all where it is left out."""

    lot: str | None = None


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events `hello`, `spot`, `zone`, `lot`, `alert`, `gateway`.",
            "content": {"text/event-stream": {"example": EXAMPLE}},
        }
    },
)
async def events(
    request: Request, desk: TheDesk, query: Annotated[EventQuery, InQuery()]
) -> StreamingResponse:
    """Changes from now on; `now` is null of an alert that is over.

    Read the present behind `hello`, and again behind each reconnection: nothing is repeated.
    """
    if query.lot is not None and query.lot not in desk.lots:
        raise Problem(HTTPStatus.NOT_FOUND, f"lot = {query.lot!r}: no such lot")
    return StreamingResponse(
        _stream(request, desk, query.lot),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(request: Request, desk: Desk, lot_id: str | None) -> AsyncIterator[str]:
    with desk.hub.listening() as listener:
        yield HELLO
        while not listener.too_slow and await run_in_threadpool(_is_let_in, request, desk):
            async for change in _for_a_while(listener):
                if lot_id in (None, change.lot_id):
                    yield _event(change)
            yield ": alive\n\n"


def _is_let_in(request: Request, desk: Desk) -> bool:
    return holder(request, desk) is not None


async def _for_a_while(listener: Listener) -> AsyncIterator[Change]:
    """What changes within `ALIVE_S`."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + ALIVE_S
    while not listener.too_slow and (left_s := end_s - loop.time()) > 0:
        try:
            yield await asyncio.wait_for(listener.waiting.get(), left_s)
        except TimeoutError:
            return


def _event(change: Change) -> str:
    data = {"lot_id": change.lot_id, "name": change.name, "now": change.now}
    return f"event: {change.kind}\ndata: {json.dumps(data)}\n\n"
