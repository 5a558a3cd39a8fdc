"""The front door as a plain server; behind API Gateway it is `cloud.lambdas.door`."""

import asyncio
import signal

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from cloud.door.desk import BadRequest
from cloud.door.outlet import Door, Unknown

MAX_BYTES = 2 * 1024 * 1024
"""Of a request's body: a thousand records of some two kilobytes."""


def make_app(door: Door) -> FastAPI:
    """The server over `door`."""
    app = FastAPI(title="Lotkeeper front door", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/v1/events")
    async def events(request: Request) -> JSONResponse:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                return problem(413, f"the body is over {MAX_BYTES} bytes: send fewer records")
        header = request.headers.get("authorization")
        status, said = await asyncio.to_thread(answer, door, header, bytes(body))
        return JSONResponse(said, status)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def answer(door: Door, authorization: str | None, body: bytes) -> tuple[int, dict[str, object]]:
    """Status and reply of one POST."""
    try:
        return 200, {"results": door.take(authorization, body)}
    except Unknown as error:
        return 401, {"title": "Unauthorized", "status": 401, "detail": str(error)}
    except BadRequest as error:
        return 400, {"title": "Bad Request", "status": 400, "detail": str(error)}


def problem(status: int, detail: str) -> JSONResponse:
    """RFC 9457, as far as it needs."""
    return JSONResponse({"status": status, "detail": detail}, status)


def serve(door: Door, host: str, port: int) -> None:
    """Until SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises it again once it has stopped
    uvicorn.run(
        make_app(door),
        host=host,
        port=port,
        log_config=None,  # ours
        log_level="warning",
        server_header=False,
    )
