"""Every refusal and failure as problem details: RFC 9457, application/problem+json."""

import logging
import sqlite3
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from console.answers import Away
from gateway.ask import NoAnswer
from gateway.tools.reading import Unreadable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Fault(BaseModel):
    """One field that is wrong."""

    where: str
    what: str


class ProblemDetails(BaseModel):
    """RFC 9457, section 3. `type` is about:blank: the status says what kind it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "lot_id = 'lot-9': no such lot; GET /api/v1/lots lists them",
                    "instance": "/api/v1/lots/lot-9",
                    "faults": [],
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    faults: list[Fault] = []


class Problem(Exception):
    """A refusal; `detail` names the field and the mend."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def add_to(app: FastAPI) -> None:
    """Have every error of `app` told as problem details."""

    @app.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> JSONResponse:
        return told(request, problem.status, problem.detail, headers=problem.headers)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        status = HTTPStatus(error.status_code)
        return told(request, status, str(error.detail), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            Fault(where=".".join(map(str, each["loc"])), what=each["msg"])
            for each in error.errors()
        ]
        words = "; ".join(f"{each.where}: {each.what}" for each in faults)
        return told(request, HTTPStatus.UNPROCESSABLE_ENTITY, words, faults)

    @app.exception_handler(NoAnswer)
    async def silent(request: Request, error: NoAnswer) -> JSONResponse:
        return told(request, HTTPStatus.GATEWAY_TIMEOUT, f"the lot's gateway: {error}")

    @app.exception_handler(Away)
    async def away(request: Request, error: Away) -> JSONResponse:
        return told(request, HTTPStatus.SERVICE_UNAVAILABLE, f"{error}; the log says why")

    @app.exception_handler(Unreadable)
    @app.exception_handler(sqlite3.Error)
    async def unreadable(request: Request, error: Exception) -> JSONResponse:
        log.error("%s: %s", request.url.path, error)
        return told(request, HTTPStatus.SERVICE_UNAVAILABLE, f"a database: {error}")


def told(
    request: Request,
    status: HTTPStatus,
    detail: str,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The response."""
    body = ProblemDetails(
        title=status.phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        faults=faults or [],
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)
