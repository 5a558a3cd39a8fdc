"""A lot's past as a `Past`: what the log, the usage and every measure are answered from."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from console.folding import By, Part
from contract.words import ClockState, EventType, Status
from measures import Dwell, Period, Share


class Cursor(NamedTuple):
    """A place in the log: what stands there and before it was read."""

    at_ms: int
    stream: int
    seq: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of the log, the newest first."""

    begin: datetime
    end: datetime
    limit: int
    offset: int = 0
    zone_id: str | None = None
    spot_id: str | None = None
    type: EventType | None = None
    behind: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What a spot's agent said. `stay_s`: of the vehicle that left, where it was seen to come."""

    event_id: str
    event_type: EventType
    spot_id: str
    zone_id: str
    status: Status
    at: datetime
    agent_id: str
    clock: ClockState
    stay_s: int | None


class Found(NamedTuple):
    """A part of the log. `total` is counted up to `COUNTED`; `next` is None at the end."""

    records: list[Record]
    total: int
    next: Cursor | None


COUNTED = 10_000


class Past(Protocol):
    """What is kept of a lot's past. Where nothing is kept, everything is empty.

    A period's `known_until` bounds what a spot's newest record is believed for. Zones are by their
    ids, None is the whole lot. Raises `gateway.tools.reading.Unreadable`, sqlite3.Error.
    """

    def kept_from(self) -> datetime | None:
        """Since when everything is kept; None where nothing is."""
        ...

    def newest(self) -> datetime | None:
        """The time of the newest record."""
        ...

    def log(self, wanted: Wanted) -> Found:
        """What agents said."""
        ...

    def parts(self, period: Period, zone_id: str | None, by: By) -> list[Part]:
        """The period by parts of the lot's wall clock, widened to whole quarters of an hour.

        In order; by HOUR, one that comes twice since the clocks were put back is there twice.
        """
        ...

    def dwell(self, period: Period, zone_id: str | None) -> Dwell:
        """How long the vehicles stayed that left in the period."""
        ...

    def by_spot(self, period: Period) -> dict[str, Share]:
        """The share of each spot of the layout."""
        ...
