"""What every operation is answered from, and who may ask: the dependencies of the routes."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from fastapi.security.utils import get_authorization_scheme_param

from console.audit import Audit
from console.fleet import Fleet
from console.hub import Hub
from console.lots import Lot
from console.people import People
from console.problems import Problem
from console.rate import Rate
from console.targets import Targets
from console.tokens import Scope, Token, Tokens

SESSION_COOKIE = "lotkeeper_session"


@dataclass(frozen=True, slots=True)
class Desk:
    """What a console process works with; but for `hub`, all is in files and at the gateways."""

    lots: dict[str, Lot]
    tokens: Tokens
    rate: Rate
    audit: Audit
    hub: Hub
    people: People
    logins: Rate
    """How often a name is tried to log in with, and from an address."""
    targets: Targets
    fleet: Fleet | None = None

    def chosen(self, facility: str | None, lot: str | None) -> list[Lot]:
        """The lots that a filter leaves."""
        return [
            each
            for each in self.lots.values()
            if facility in (None, each.settings.facility_id) and lot in (None, each.lot_id)
        ]


def desk_of(request: Request) -> Desk:
    """The process's desk."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


TheDesk = Annotated[Desk, Depends(desk_of)]


def lot_of(lot_id: str, desk: TheDesk) -> Lot:
    """The lot of the path. Raises Problem 404."""
    if lot_id not in desk.lots:
        raise Problem(
            HTTPStatus.NOT_FOUND, f"lot_id = {lot_id!r}: no such lot; GET /api/v1/lots lists them"
        )
    return desk.lots[lot_id]


TheLot = Annotated[Lot, Depends(lot_of)]


def holder(request: Request, desk: Desk) -> Token | None:
    """Who asks: by the token, or where only something is read by the session of the pages.

    A session changes nothing here, so that no other site's form can have a browser do it.
    """
    given = request.headers.get("Authorization")
    if given is None and request.method == "GET" and SESSION_COOKIE in request.cookies:
        return desk.people.find(request.cookies[SESSION_COOKIE])
    scheme, token = get_authorization_scheme_param(given)
    return desk.tokens.find(token) if scheme.lower() == "bearer" else None


class Needs(SecurityBase):
    """A dependency: the token of the request, which must allow `scope`. Raises Problem."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.scheme_name = scope.value
        self.model = HTTPBearer(description=f"A token of the scope {scope}, or of a wider one.")

    def __call__(self, request: Request, desk: TheDesk) -> Token:
        """The token."""
        token = holder(request, desk)
        address = request.client.host if request.client else "nobody"
        _count(desk, f"token {token.token_id}" if token else f"address {address}")
        if token is None:
            what = "is wrong, revoked or past" if _is_given(request) else "is missing"
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                f"the token {what}: send Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )
        if not token.scope.allows(self.scope):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                f"the token {token.name!r} allows {token.scope}, this needs {self.scope}",
            )
        return token


def _is_given(request: Request) -> bool:
    return bool(get_authorization_scheme_param(request.headers.get("Authorization"))[1])


def _count(desk: Desk, subject: str) -> None:
    if wait_s := desk.rate.wait_s(subject):
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"more than {desk.rate.per_minute} requests in a minute: wait {wait_s} s",
            {"Retry-After": str(wait_s)},
        )


viewer, operator, admin, device = (Depends(Needs(scope)) for scope in Scope)
Operator = Annotated[Token, operator]
Admin = Annotated[Token, admin]
DeviceToken = Annotated[Token, device]
