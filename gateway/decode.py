"""From an MQTT message to records, or to the reason why it is none. Pure.

Poison is told item by item: one bad record of an array does not cost the others.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from contract.events import Snapshot, StreamRecord, agent_record, agent_records
from contract.words import ID_PATTERN

Record = StreamRecord | Snapshot
KNOWN_TYPES = {"spot_changed", "snapshot", "health_changed", "vehicle_counted", "birth", "gap"}


@dataclass(frozen=True, slots=True)
class Poison:
    """What could not be taken. `place` is (epoch, seq, prev_seq) where that much was readable."""

    reason: str
    detail: str
    payload: bytes
    place: tuple[str, int, int] | None = None


def decode(payload: bytes, agent_id: str, max_bytes: int) -> list[Record | Poison]:
    """The records of an `events` message of `agent_id`, in order."""
    if len(payload) > max_bytes:
        return [Poison("oversize", f"{len(payload)} bytes, at most {max_bytes}", payload[:1024])]
    if payload[:1] == b"{":
        return [_decode_one(payload, agent_id)]
    try:
        whole = agent_records.validate_json(payload)
        if whole and all(each.agent_id == agent_id and _datable(each) for each in whole):
            return list(whole)
    except ValidationError:
        pass  # told item by item below
    try:
        items = json.loads(payload)
    except (ValueError, RecursionError) as error:
        return [Poison("malformed_json", str(error), payload)]
    if isinstance(items, dict):
        return [_decode_one(payload, agent_id)]
    if not isinstance(items, list) or not items:
        return [Poison("malformed_json", "neither a record nor an array of records", payload)]
    return [_decode_one(json.dumps(item).encode(), agent_id) for item in items]


def _decode_one(payload: bytes, agent_id: str) -> Record | Poison:
    try:
        record = agent_record.validate_json(payload)
    except ValidationError as error:
        return _poison_of(payload, error)
    if record.agent_id != agent_id:
        return Poison(
            "foreign_agent",
            f"says {record.agent_id}, came from {agent_id}",
            payload,
            _place(record.model_dump()),
        )
    if not _datable(record):
        detail = f"timestamp: {record.timestamp} is at the end of time"
        return Poison("invalid", detail, payload, _place(record.model_dump()))
    return record


def _datable(record: Record) -> bool:
    """Whether the time can be told in UTC: an offset may carry it beyond Python's calendar."""
    return 1 < record.timestamp.year < 9999


def _poison_of(payload: bytes, error: ValidationError) -> Poison:
    try:
        item = json.loads(payload)
    except (ValueError, RecursionError) as fault:
        return Poison("malformed_json", str(fault), payload)
    if not isinstance(item, dict):
        return Poison("wrong_type", "a record is an object", payload)
    place = _place(item)
    kind = item.get("type")
    if not isinstance(kind, str) or kind not in KNOWN_TYPES:
        told = repr(kind) if isinstance(kind, str) else "missing or no text"
        return Poison("unknown_schema", f"type {told} is not known", payload, place)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    return Poison("invalid", f"{field}: {first['msg']}", payload, place)


def _place(item: dict[str, Any]) -> tuple[str, int, int] | None:
    """(epoch, seq, prev_seq) where they are what a record of a stream may say."""
    epoch, seq, prev = item.get("epoch"), item.get("seq"), item.get("prev_seq")
    if not isinstance(epoch, str) or not re.fullmatch(ID_PATTERN, epoch):
        return None
    if type(seq) is int and type(prev) is int and 0 <= prev < seq < 2**63:
        return epoch, seq, prev
    return None


def from_the_future(record: Record, now: datetime, allowed_s: float) -> bool:
    """Whether a record's time is further ahead than clocks may differ."""
    return record.timestamp > now + timedelta(seconds=allowed_s)
