"""The words everyone uses: statuses, health, clock quality, event types, identifiers.

People may say *bay*; the wire says *spot*. Status and health are kept apart: a sensor that
cannot tell publishes `unknown` and says in its health why (FIWARE ParkingSpot's status words).
"""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""A lot, zone, spot, agent or sink name: one MQTT topic level, 1 to 64 characters."""


class Status(StrEnum):
    """What is known of a spot."""

    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"
    CLOSED = "closed"


class HealthState(StrEnum):
    """How well a sensor, agent or gateway can do its work."""

    OK = "ok"
    DEGRADED = "degraded"
    FAULT = "fault"


class ClockState(StrEnum):
    """How far a wall-clock time can be trusted.

    `synced`: disciplined by NTP or an RTC; `unsynced`: as the machine had it; `estimated`:
    reckoned from somebody else's synced clock and a monotonic difference.
    """

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    ESTIMATED = "estimated"


class EventType(StrEnum):
    """The upstream `event_type`. Existing tables hold ARRIVAL and DEPARTURE."""

    ARRIVAL = "ARRIVAL"
    DEPARTURE = "DEPARTURE"
    STATUS = "STATUS"
    SNAPSHOT = "SNAPSHOT"
    HEALTH = "HEALTH"
    BIRTH = "BIRTH"
    TICKET_CLOSED = "TICKET_CLOSED"
    GAP = "GAP"
    CORRECTION = "CORRECTION"
    AGENT_SILENT = "AGENT_SILENT"
    AGENT_HEARD = "AGENT_HEARD"
    SPOT_CLOSED = "SPOT_CLOSED"
    SPOT_OPENED = "SPOT_OPENED"
    ALERT = "ALERT"
    GATEWAY_HEALTH = "GATEWAY_HEALTH"


class Size(StrEnum):
    """The largest class of vehicle a spot takes."""

    MOTORCYCLE = "motorcycle"
    COMPACT = "compact"
    STANDARD = "standard"
    LARGE = "large"
    BUS = "bus"


class Kind(StrEnum):
    """Who a spot is kept for; a spot with none is for everybody."""

    EV = "ev"
    ACCESSIBLE = "accessible"
    PERMIT = "permit"
    VIP = "vip"
