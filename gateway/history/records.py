"""What the history keeps of a cloud record. Pure."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from contract.words import EventType
from gateway.history.schema import CLOCKS, TYPES

_STATUSES = {"vacant": 0, "occupied": 1, "unknown": 2, "closed": 3}
_CHANGES = {each.value: code for code, each in enumerate(TYPES)}
_CLOCKS = {word: code for code, word in enumerate(CLOCKS)}


class Change(NamedTuple):
    """What an agent said of a spot. Its identity is (agent, epoch, seq)."""

    agent: str
    epoch: str
    seq: int
    at_ms: int
    spot: str
    zone: str
    type: int
    status: int
    clock: int


class Mark(NamedTuple):
    """A moment of an agent or a spot that bears on what is known; `kind` says which."""

    kind: EventType
    name: str
    at_ms: int


_MARKS = {
    EventType.BIRTH: "agent_id",
    EventType.AGENT_SILENT: "agent_id",
    EventType.AGENT_HEARD: "agent_id",
    EventType.SPOT_CLOSED: "spot_id",
    EventType.SPOT_OPENED: "spot_id",
}


class BadRecord(ValueError):
    """No cloud record; the text names the field."""


def record_of(payload: bytes) -> Change | Mark | None:
    """What is kept; None of a record that tells nothing of spots, or what its event tells too.

    Raises BadRecord.
    """
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"the payload is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRecord("the payload is not a JSON object")
    kind = body.get("event_type")
    try:
        if kind in _CHANGES and body.get("spot_id") is not None:
            return _change(body)
        if kind in _MARKS:
            kind = EventType(kind)
            return Mark(kind, _text(body, _MARKS[kind]), _at_ms(body))
    except KeyError as error:
        raise BadRecord(f"its field {error} is missing or has a value that is not known") from None
    return None


def _change(body: Mapping[str, Any]) -> Change:
    seq = body["seq"]
    if type(seq) is not int or not 0 < seq < 2**63:
        raise BadRecord(f"seq = {seq!r}: a whole number from 1 on")
    return Change(
        _text(body, "agent_id"),
        _text(body, "epoch"),
        seq,
        _at_ms(body),
        _text(body, "spot_id"),
        _text(body, "zone_id"),
        _CHANGES[body["event_type"]],
        _STATUSES[body["status"]],
        _CLOCKS[body["clock"]],
    )


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not value:
        raise BadRecord(f"{name} = {value!r}: a text")
    return value


def _at_ms(body: Mapping[str, Any]) -> int:
    told = _text(body, "timestamp")
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise BadRecord(f"timestamp = {told!r}: RFC 3339") from None
    if at.utcoffset() is None:
        raise BadRecord(f"timestamp = {told!r}: give it a time zone")
    return round(at.timestamp() * 1000)
