"""The wire: message models, topics and status words.

Imports pydantic alone; everyone may import it.

Readers ignore fields they do not know; a change that would break a reader is a new topic
version. Golden messages stand in `contract/examples/`.
"""

from contract.alerts import Alert
from contract.commands import (
    CommandResponse,
    Configure,
    Identify,
    Recalibrate,
    Report,
)
from contract.events import (
    Birth,
    Gap,
    HealthChanged,
    Snapshot,
    SpotChanged,
    TicketClosed,
    VehicleCounted,
)
from contract.health import AgentHealth, GatewayHealth
from contract.occupancy import Occupancy, SpotState
from contract.requests import Ack, Request, Response
from contract.spots import Spot
from contract.words import ClockState, EventType, HealthState, Kind, Size, Status

__all__ = [
    "Ack",
    "AgentHealth",
    "Alert",
    "Birth",
    "ClockState",
    "CommandResponse",
    "Configure",
    "EventType",
    "Gap",
    "GatewayHealth",
    "HealthChanged",
    "HealthState",
    "Identify",
    "Kind",
    "Occupancy",
    "Recalibrate",
    "Report",
    "Request",
    "Response",
    "Size",
    "Snapshot",
    "Spot",
    "SpotChanged",
    "SpotState",
    "Status",
    "TicketClosed",
    "VehicleCounted",
]
