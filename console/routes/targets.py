"""Targets: the occupancy that people aim at, for a lot or a zone, by weekday and hour."""

from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Self, TypeVar

from fastapi import APIRouter, Path
from fastapi import Query as InQuery
from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.desk import Desk, Operator, TheDesk, TheLot, operator, viewer
from console.lots import Lot
from console.models import Page, PageQuery, shows
from console.problems import Problem
from console.routes.past import spots_of
from console.targets import Aim, Overlap, TargetRow
from console.tokens import Token
from contract.words import Id

TargetId = Annotated[int, Path(ge=0, le=2**63 - 1)]
"""No larger one is in SQLite."""
router = APIRouter(tags=["targets"], dependencies=[viewer])
orders = APIRouter(tags=["targets"], dependencies=[operator])
"""Who may order is asked before what the order is about."""

Done = TypeVar("Done")
AIM: dict[str, Any] = {
    "zone_id": "A",
    "weekdays": [0, 1, 2, 3, 4],
    "from_hour": 8,
    "to_hour": 18,
    "occupancy": 0.8,
}


class TargetBody(BaseModel):
    """What is aimed at: from an hour to before another of the lot's wall clock, on some weekdays
    (0 is Monday). Of the lot as a whole where no zone is named.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [AIM]})

    zone_id: Id | None = None
    weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(min_length=1, max_length=7)
    from_hour: int = Field(ge=0, le=23)
    to_hour: int = Field(ge=1, le=24)
    occupancy: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise ValueError("to_hour must be behind from_hour: make two targets over midnight")
        if len({*self.weekdays}) < len(self.weekdays):
            raise ValueError("weekdays: name each once")
        return self

    @property
    def aim(self) -> Aim:
        """What is kept."""
        return Aim(
            self.zone_id,
            tuple(sorted(self.weekdays)),
            self.from_hour,
            self.to_hour,
            self.occupancy,
        )


class Target(BaseModel):
    """A target, by its number."""

    model_config = shows(target_id=1, lot_id="lot-1", **AIM)

    target_id: int
    lot_id: str
    zone_id: str | None
    weekdays: list[int]
    from_hour: int
    to_hour: int
    occupancy: float


@router.get("/lots/{lot_id}/targets")
def targets(desk: TheDesk, lot: TheLot, query: Annotated[PageQuery, InQuery()]) -> Page[Target]:
    """Every target of the lot and its zones."""
    return Page[Target].of([_target(each) for each in desk.targets.all(lot.lot_id)], query)


@router.get("/lots/{lot_id}/targets/{target_id}")
def target(desk: TheDesk, lot: TheLot, target_id: TargetId) -> Target:
    """One target."""
    found = [each for each in desk.targets.all(lot.lot_id) if each.target_id == target_id]
    return _target(found[0] if found else _none(target_id))


@orders.post("/lots/{lot_id}/targets", status_code=HTTPStatus.CREATED)
def create(desk: TheDesk, lot: TheLot, token: Operator, body: TargetBody) -> Target:
    """Set a target; no two may be for one hour of one zone."""
    spots_of(lot, body.zone_id)

    def done() -> TargetRow:
        return desk.targets.add(lot.lot_id, body.aim)

    return _target(_audited(desk, lot, token, "target-create", asdict(body.aim), done))


@orders.put("/lots/{lot_id}/targets/{target_id}")
def change(
    desk: TheDesk, lot: TheLot, target_id: TargetId, token: Operator, body: TargetBody
) -> Target:
    """Put another in its place."""
    spots_of(lot, body.zone_id)
    data = {"target_id": target_id, **asdict(body.aim)}

    def done() -> TargetRow:
        return desk.targets.change(lot.lot_id, target_id, body.aim) or _none(target_id)

    return _target(_audited(desk, lot, token, "target-change", data, done))


@orders.delete("/lots/{lot_id}/targets/{target_id}")
def remove(desk: TheDesk, lot: TheLot, target_id: TargetId, token: Operator) -> Target:
    """Take one away; answers what it was."""
    was = target(desk, lot, target_id)
    data = {"target_id": target_id}

    def done() -> bool:
        return desk.targets.remove(lot.lot_id, target_id) or _none(target_id)

    _audited(desk, lot, token, "target-remove", data, done)
    return was


def _audited(
    desk: Desk, lot: Lot, token: Token, action: str, data: dict[str, Any], do: Callable[[], Done]
) -> Done:
    """Do it between the two words of the audit log. Raises Problem where it is refused."""
    entry = desk.audit.begin(token, lot.lot_id, action, data)
    try:
        done = do()
    except Overlap as error:
        desk.audit.end(entry, f"refused: {error}")
        raise Problem(HTTPStatus.CONFLICT, str(error)) from None
    except Problem as problem:
        desk.audit.end(entry, f"refused: {problem.detail}")
        raise
    desk.audit.end(entry, "done")
    return done


def _none(target_id: int) -> Any:
    raise Problem(
        HTTPStatus.NOT_FOUND,
        f"target_id = {target_id}: no such target; GET /api/v1/lots/.../targets lists them",
    )


def _target(row: TargetRow) -> Target:
    return Target(target_id=row.target_id, lot_id=row.lot_id, **asdict(row.aim))
