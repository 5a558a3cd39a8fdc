"""What a request's records come to: which go to the stream, and the answers. Pure."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloud.record import BadRecord, CloudRecord, checked, standardised
from contract.upstream import rfc3339
from gateway.sinks import Outgoing

AHEAD = timedelta(minutes=5)
"""How far a sender's clock may be ahead of ours."""
MAX_RECORDS = 1000
_NO_SEQ = -1


class BadRequest(ValueError):
    """The request as a whole is refused; the text says what would be right."""


@dataclass(slots=True)
class Request:
    """The records that are to go to the stream, and the answers of all."""

    count: int
    going: list[tuple[int, Outgoing]] = field(default_factory=list)
    """With their places in the request."""
    results: dict[int, dict[str, str]] = field(default_factory=dict)

    def answer(self, place: int, status: str, reason: str = "") -> None:
        """Of one record: accepted, rejected or retry."""
        self.results[place] = {"status": status, "reason": reason}

    @property
    def answers(self) -> list[dict[str, str]]:
        """In the order of the request."""
        return [self.results[place] for place in range(self.count)]


def read(body: bytes, may: Callable[[str], bool], now: datetime) -> Request:
    """The records of `body`; `may` says which lots its sender speaks for. Raises BadRequest."""
    items = _items(body)
    request = Request(len(items))
    for place, item in enumerate(items):
        try:
            record, payload = _record(item, now)
            if not may(record.lot_id):
                raise BadRecord(f"lot_id = {record.lot_id!r}: this token does not speak for it")
        except BadRecord as error:
            request.answer(place, "rejected", str(error))
        else:
            # The stream's order is by spot; what is counted has the order of its lane.
            of = record.spot_id or record.lane_id or record.event_id
            request.going.append((place, Outgoing(_NO_SEQ, f"{record.lot_id}/{of}", payload)))
    return request


def calls(
    going: Sequence[tuple[int, Outgoing]], *, partial: bool, max_records: int, max_bytes: int
) -> Iterator[list[tuple[int, Outgoing]]]:
    """`going` in calls that a sink takes, in order: see `gateway.sinks.Sink` for its limits."""
    call: list[tuple[int, Outgoing]] = []
    size, keys = 0, set[str]()
    for place, record in going:
        full = len(call) == max_records or size + record.size > max_bytes
        if call and (full or (partial and record.key in keys)):
            yield call
            call, size, keys = [], 0, set()
        call.append((place, record))
        size += record.size
        keys.add(record.key)
    if call:
        yield call


def _items(body: bytes) -> list[Any]:
    try:
        items = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is no JSON: send an array of records") from None
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        raise BadRequest("the body is no array: send an array of records")
    if len(items) > MAX_RECORDS:
        raise BadRequest(f"{len(items)} records: send at most {MAX_RECORDS} in a request")
    return items


def _record(item: Any, now: datetime) -> tuple[CloudRecord, bytes]:
    if not isinstance(item, dict):
        raise BadRecord("the record is no JSON object")
    whole = standardised(item)
    record = checked(whole)
    if record.timestamp > now + AHEAD:
        raise BadRecord(
            f"timestamp = {rfc3339(record.timestamp)} lies more than 5 minutes ahead: "
            "mend the sender's clock"
        )
    return record, json.dumps(whole, separators=(",", ":"), default=str).encode()
