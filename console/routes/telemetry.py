"""What devices without MQTT say, single and in bulk: answered when the gateway has committed it."""

from collections import Counter
from http import HTTPStatus
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.desk import DeviceToken, TheDesk, TheLot, device
from console.intake import send
from console.models import shows
from console.problems import Problem
from console.tokens import Token, speaks_for
from contract.devices import DeviceEvent, DeviceResult, Reason

router = APIRouter(tags=["telemetry"], dependencies=[device])

MOST_ITEMS = 1000
EVENT: dict[str, Any] = {
    "device_id": "cam-1",
    "event_id": "4711",
    "spot_id": "B1",
    "status": "occupied",
    "timestamp": "2026-03-01T11:58:21Z",
    "confidence": 0.97,
}
TAKEN: dict[str, Any] = {
    "device_id": "cam-1",
    "event_id": "4711",
    "outcome": "accepted",
    "reason": "",
    "detail": "",
    "record": "cam-1:http-9f2c4b7e1a3d5f60:17",
}
Reasons = Reason | Literal["not_yours"]


class Item(DeviceEvent):
    """A spot's status as a device saw it. `event_id` is the device's own: the same again is the
    same event. The events of one spot are to come in the order of their times.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [EVENT]})


class Bulk(BaseModel):
    """Items as of a single one; each is judged for itself."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"items": [EVENT]}]})

    items: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_ITEMS)


class Taken(BaseModel):
    """What became of an item. `accepted`: committed, as `record` upstream; `duplicate`: it was
    before; `unchanged`: it says nothing new; `refused`: why is in `reason`; `no_answer`: the
    gateway did not say, so send it again.
    """

    model_config = shows(**TAKEN)

    device_id: str
    event_id: str
    outcome: Literal["accepted", "duplicate", "unchanged", "refused", "no_answer"]
    reason: Reasons
    detail: str
    record: str | None


class BulkTaken(BaseModel):
    """What became of each item, in their order, and how many there are of each."""

    model_config = shows(
        accepted=1, duplicate=0, unchanged=0, refused=0, no_answer=0, items=[TAKEN]
    )

    accepted: int = 0
    duplicate: int = 0
    unchanged: int = 0
    refused: int = 0
    no_answer: int = 0
    items: list[Taken]


@router.post("/lots/{lot_id}/telemetry")
def telemetry(desk: TheDesk, lot: TheLot, token: DeviceToken, item: Item) -> Taken:
    """One item; one that is refused is a problem."""
    if not speaks_for(desk.tokens.devices_of(token), lot.lot_id, item.device_id):
        raise Problem(HTTPStatus.FORBIDDEN, _not_yours(token, item.device_id))
    (result,) = send(lot, [item])
    assert result is not None  # nobody having answered is NoAnswer
    if result.outcome == "refused":
        raise Problem(HTTPStatus.CONFLICT, f"{result.reason}: {result.detail}")
    return _taken(item.device_id, item.event_id, result)


@router.post("/lots/{lot_id}/telemetry/bulk")
def bulk(desk: TheDesk, lot: TheLot, token: DeviceToken, given: Bulk) -> BulkTaken:
    """Up to 1,000 items, each answered for itself. What comes again is taken once."""
    mine = desk.tokens.devices_of(token)
    judged = [_judged(lot.lot_id, token, mine, each) for each in given.items]
    good = [each for each in judged if isinstance(each, Item)]
    told = iter(send(lot, good))
    items = [
        _taken(each.device_id, each.event_id, next(told)) if isinstance(each, Item) else each
        for each in judged
    ]
    counts: Counter[str] = Counter(each.outcome for each in items)
    return BulkTaken(**counts, items=items)


def _judged(lot_id: str, token: Token, mine: frozenset[str], given: dict[str, Any]) -> Item | Taken:
    try:
        item = Item.model_validate(given)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        return _refused(given, "invalid", "; ".join(faults))
    if not speaks_for(mine, lot_id, item.device_id):
        return _refused(given, "not_yours", _not_yours(token, item.device_id))
    return item


def _refused(given: dict[str, Any], reason: Reasons, detail: str) -> Taken:
    return Taken(
        device_id=str(given.get("device_id", ""))[:64],
        event_id=str(given.get("event_id", ""))[:128],
        outcome="refused",
        reason=reason,
        detail=detail[:500],
        record=None,
    )


def _not_yours(token: Token, device_id: str) -> str:
    return f"the token {token.name!r} was not made for the device {device_id!r}"


def _taken(device_id: str, event_id: str, result: DeviceResult | None) -> Taken:
    if result is None:
        result_ = {"outcome": "no_answer", "reason": "", "detail": "send it again", "record": None}
    else:
        result_ = result.model_dump()
    return Taken.model_validate({"device_id": device_id, "event_id": event_id, **result_})
