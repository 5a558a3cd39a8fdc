"""What stands before every page: who is let in, from which site, and with which headers."""

from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.desk import SESSION_COOKIE, Desk

OPEN = ("/login", "/display/", "/static/", "/_nicegui/", "/favicon.ico")
"""What needs no session: the login, the display at the entrance, and files that tell nothing."""
POLICY = {
    "default-src": "'self'",
    # NiceGUI writes a page's elements into its script, and Vue compiles templates of components.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
STRICT = POLICY | {"script-src": "'self'", "style-src": "'self'"}
"""Of our own HTML."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
YEAR_S = 365 * 86400


class Gatekeeper:
    """ASGI: paths of the API go to `api`, all others to `app` with the person in their state."""

    def __init__(self, app: ASGIApp, api: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._api = api
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the class."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/api/"):
            await self._api(scope, receive, send)
        else:
            await self._page(scope, receive, _with_headers(HTTPConnection(scope), send))

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = HTTPConnection(scope)
        if not _is_of_this_site(asked):
            return await _refuse(scope, receive, send, HTTPStatus.FORBIDDEN)
        if not scope["path"].startswith(OPEN):
            person = await run_in_threadpool(
                self._desk.people.find, asked.cookies.get(SESSION_COOKIE, "")
            )
            if person is None:
                return await _refuse(scope, receive, send, HTTPStatus.SEE_OTHER)
            scope.setdefault("state", {})["person"] = person
        return await self._app(scope, receive, send)


def _is_of_this_site(asked: HTTPConnection) -> bool:
    """Whether no other site's page sends it: a browser says so of sockets and of forms."""
    origin = asked.headers.get("Origin")
    if origin is None or (asked.scope["type"] == "http" and asked.scope["method"] == "GET"):
        return True
    return urlsplit(origin).netloc == asked.headers.get("Host")


async def _refuse(scope: Scope, receive: Receive, send: Send, status: HTTPStatus) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    elif status is HTTPStatus.SEE_OTHER:
        to = f"/login?to={quote(scope['path'])}" if scope["path"] != "/" else "/login"
        await RedirectResponse(to, status)(scope, receive, send)
    else:
        words = "This was sent from another site's page: open the console itself."
        await PlainTextResponse(words, status)(scope, receive, send)


def _with_headers(asked: HTTPConnection, send: Send) -> Send:
    own = asked.url.path.startswith(("/login", "/display/"))
    policy = "; ".join(f"{key} {value}" for key, value in (STRICT if own else POLICY).items())

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = policy
            headers.update(HEADERS)
            if asked.url.scheme == "https":
                headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        await send(message)

    return sending
