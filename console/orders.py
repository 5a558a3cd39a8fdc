"""Having a gateway change something: audited, done once, refused in its own words."""

import hashlib
import json
import uuid
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header

from console.desk import Desk
from console.lots import Lot
from console.problems import Problem
from console.tokens import Token
from gateway.ask import NoAnswer

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same order with the same key is done once and answered alike.",
    ),
]


def order(
    desk: Desk,
    lot: Lot,
    token: Token,
    name: str,
    data: dict[str, Any],
    key: str | None,
    takes_s: float = 0.0,
) -> dict[str, Any]:
    """What the gateway answers, of something that takes it so long. Raises Problem 409 where it
    refuses, NoAnswer.
    """
    entry = desk.audit.begin(token, lot.lot_id, name, data)
    try:
        response = lot.live.order(name, data, _transaction(token, name, data, key), takes_s)
    except NoAnswer:
        desk.audit.end(entry, "no_answer")
        raise
    if response.status == "error":
        words = response.error or "refused without a word"
        desk.audit.end(entry, f"refused: {words}")
        raise Problem(HTTPStatus.CONFLICT, words)
    desk.audit.end(entry, "done")
    return response.data or {}


def _transaction(token: Token, name: str, data: dict[str, Any], key: str | None) -> str:
    """The gateway's transaction: of 64 characters at most, and not another token's."""
    if key is None:
        return uuid.uuid4().hex
    same = json.dumps([token.token_id, key, name, data], sort_keys=True)
    return hashlib.sha256(same.encode()).hexdigest()
