"""What a person has done from an open page, by the session that stands at that moment."""

from http import HTTPStatus
from typing import Any

from fastapi.concurrency import run_in_threadpool
from nicegui import ui

from console.lots import Lot
from console.orders import order
from console.pages.shell import Visit
from console.problems import Problem
from console.tokens import Scope, Token
from gateway.ask import NoAnswer


def person_now(visit: Visit, needed: Scope) -> Token:
    """Who looks at the page, where the session still allows it. Raises Problem 403."""
    person = visit.desk.people.find(visit.session)
    if person is None or not person.scope.allows(needed):
        raise Problem(HTTPStatus.FORBIDDEN, "your session has ended: log in again")
    return person


async def act(
    visit: Visit,
    lot: Lot,
    name: str,
    data: dict[str, Any],
    *,
    signed: bool = False,
    takes_s: float = 0.0,
) -> dict[str, Any] | None:
    """Have the gateway do it, which may take it `takes_s`; None where it did not, which the page
    says. `signed`: with `by`.
    """

    def ordered() -> dict[str, Any]:
        person = person_now(visit, Scope.OPERATOR)
        said = {**data, "by": person.name} if signed else data
        return order(visit.desk, lot, person, name, said, None, takes_s)

    try:
        return await run_in_threadpool(ordered)
    except (Problem, NoAnswer) as error:
        ui.notify(f"Not done: {error}", type="negative")
        return None
