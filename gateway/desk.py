"""What every request is answered from, and how it is refused."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.batch import Batch
from gateway.forwarder import Forwarder
from gateway.lot import Lot


class Refused(Exception):
    """The request cannot be done; the text names the field and the mend."""


@dataclass(slots=True)
class Desk:
    """What the answers are made from. Used by the service's thread alone."""

    lot: Lot
    forwarders: list[Forwarder]
    taken: list[Batch] = field(default_factory=list)
    """What a request took in, a dead letter again or telemetry, for the service to settle behind
    its commit.
    """


Answer = Callable[[Desk, dict[str, Any]], dict[str, Any]]


def text_of(data: dict[str, Any], name: str, most: int) -> str:
    """A text of at most `most` characters, "" if none is given. Raises Refused."""
    value = data.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise Refused(f"{name} = {value!r}: a text of at most {most} characters")
    return value.strip()


def limit_of(data: dict[str, Any]) -> int:
    """How many are asked for. Raises Refused."""
    limit = data.get("limit", 100)
    if type(limit) is not int or not 1 <= limit <= 1000:
        raise Refused(f"limit = {limit!r}: a whole number from 1 to 1000")
    return limit


def spot_of(desk: Desk, data: dict[str, Any]) -> str:
    """The spot that is meant. Raises Refused."""
    spot_id = data.get("spot_id")
    if not isinstance(spot_id, str) or spot_id not in desk.lot.ingest.spots:
        raise Refused(f"spot_id = {spot_id!r}: not in the lot's layout")
    return spot_id
