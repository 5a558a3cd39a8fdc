"""Bodies that are too large are refused before anybody holds them: the token is looked at later."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1_048_576
"""A thousand events of telemetry are some 300 kB."""


class BoundedBodies:
    """ASGI middleware: who reads more than `MOST_BYTES` of a body gets a 413 instead."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        size = 0

        async def bounded() -> Message:
            nonlocal size
            if not told.isdigit() or int(told) > MOST_BYTES:
                raise _too_large()
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                raise _too_large()
            return message

        await self._app(scope, bounded, send)


def _too_large() -> HTTPException:
    return HTTPException(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the body is larger than {MOST_BYTES} bytes: send it in parts",
    )
