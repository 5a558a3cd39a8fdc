"""What a display shows, of what it heard and when. No clock, no socket: time comes in.

A message is judged once, when it arrives; from then on the display's monotonic clock counts:

    clocks of gateway and display both true   until `valid_until`, at most its span from now
    one of them not, the message live         its span (`valid_for_s`) from now
    one of them not, the message retained     not at all: nobody knows how old it is

A retained message that is the one we hold goes on with what that one has left. So a Pi without an
RTC shows the first count a third of its validity after it came up at the latest, when the gateway
says it again, and never one of yesterday.

A line is blank, too, while the broker is not there or the gateway is known to be gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.health import GatewayHealth
from contract.occupancy import Occupancy
from contract.topics import Topics
from contract.words import ClockState, Id

Arrow = Literal["none", "left", "right", "up", "down", "up-left", "up-right"]


class LineSettings(BaseModel):
    """One line; without a zone it is the whole lot's. FULL stands at `full_at` free or fewer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone_id: Id | None = None
    label: str = Field("", max_length=32)
    arrow: Arrow = "none"
    full_at: int = Field(0, ge=0)


class Shows(StrEnum):
    """What a line says. Only OPEN has a count, and an arrow if somebody knows of a free spot."""

    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line as it is now; `reason` says why it is blank."""

    zone_id: str | None
    label: str
    shows: Shows
    free: int | None = None
    arrow: Arrow = "none"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a message came: by the monotonic clock, by the wall clock, and if that is true."""

    at_s: float
    wall: datetime
    synced: bool
    retained: bool


@dataclass(frozen=True, slots=True)
class _Held:
    payload: bytes
    occupancy: Occupancy
    until_s: float
    aged: bool
    """Whether its age is known."""


def lasts_s(message: Occupancy, arrival: Arrival) -> float | None:
    """For how many seconds from its arrival a message may be shown; None if nobody can tell."""
    span_s = message.valid_for_s
    if span_s is None:
        span_s = (message.valid_until - message.as_of).total_seconds()
    if arrival.synced and message.clock is ClockState.SYNCED:
        return min(span_s, (message.valid_until - arrival.wall).total_seconds())
    return None if arrival.retained else span_s


class Board:
    """The newest message of each line, and whether anybody still speaks to us."""

    def __init__(self, lot_id: str, lines: Sequence[LineSettings]) -> None:
        topics = Topics(lot_id)
        self._health = topics.gateway_health
        self._lines = {
            index: (line, topics.zone(line.zone_id) if line.zone_id else topics.occupancy)
            for index, line in enumerate(lines)
        }
        self._held: dict[str, _Held] = {}
        self._connected = False
        self._session: str | None = None
        self._gateway_gone = False

    @property
    def topics(self) -> list[str]:
        """What to subscribe to at each connect: no more than is shown."""
        return [self._health, *dict.fromkeys(topic for _, topic in self._lines.values())]

    def connected(self) -> None:
        """The broker is there; which gateway speaks now is to be heard anew."""
        self._connected = True
        self._session = None
        self._gateway_gone = False

    def disconnected(self) -> None:
        """The broker is not there."""
        self._connected = False

    def take(self, topic: str, payload: bytes, arrival: Arrival) -> str:
        """A message; answers what is wrong with one that is ignored, "" of a good one."""
        try:
            if topic == self._health:
                self._take_health(payload)
            elif topic in self.topics:
                self._take_count(topic, payload, arrival)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return f"{where}: {first['msg']}" if where else first["msg"]
        return ""

    def _take_health(self, payload: bytes) -> None:
        """A will of a session that another has followed says nothing of that other."""
        if not payload:
            return
        health = GatewayHealth.model_validate_json(payload)
        if health.status == "up":
            self._session, self._gateway_gone = health.session_id, False
        elif self._session in (None, health.session_id):
            self._gateway_gone = True

    def _take_count(self, topic: str, payload: bytes, arrival: Arrival) -> None:
        if not payload:  # a retained message was cleared
            self._held.pop(topic, None)
            return
        held = self._held.get(topic)
        if arrival.retained and held and held.aged and held.payload == payload:
            return
        message = Occupancy.model_validate_json(payload)
        span_s = lasts_s(message, arrival)
        until_s = arrival.at_s + (span_s or 0.0)
        self._held[topic] = _Held(payload, message, until_s, span_s is not None)

    def shown(self, now_s: float) -> tuple[ShownLine, ...]:
        """Every line as it is at `now_s` (monotonic)."""
        return tuple(self._shown(line, topic, now_s) for line, topic in self._lines.values())

    def _shown(self, line: LineSettings, topic: str, now_s: float) -> ShownLine:
        held = self._held.get(topic)
        label = line.label or line.zone_id or ""
        reason = self._silence() or ("nothing heard" if held is None else _unfit(held, now_s))
        if held is None or reason:
            return ShownLine(line.zone_id, label, Shows.BLANK, reason=reason)
        return _counted(line, label, held.occupancy)

    def _silence(self) -> str:
        if not self._connected:
            return "no broker"
        return "gateway down" if self._gateway_gone else ""


def _unfit(held: _Held, now_s: float) -> str:
    if not held.aged:
        return "age unknown"
    if now_s >= held.until_s:
        return "run out"
    spots = held.occupancy
    return "sensors unknown" if 0 < spots.unknown == spots.total - spots.closed else ""


def _counted(line: LineSettings, label: str, spots: Occupancy) -> ShownLine:
    """FULL is a claim: the unknown spots must not be able to break it."""
    if spots.closed == spots.total:
        return ShownLine(line.zone_id, label, Shows.CLOSED)
    if spots.free + spots.unknown <= line.full_at:
        return ShownLine(line.zone_id, label, Shows.FULL)
    arrow: Arrow = line.arrow if spots.free else "none"
    return ShownLine(line.zone_id, label, Shows.OPEN, spots.free, arrow)
