"""What the rules look at: the lot at one moment. Gathered by `gateway/facts.py`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from contract.health import AgentHealth, SpotHealth
from contract.occupancy import Occupancy
from contract.words import Kind, Status

Value = TypeVar("Value")


class Later(Mapping[str, Value]):
    """A mapping that is made when a rule first looks at it: most moments, none does."""

    def __init__(self, make: Callable[[], dict[str, Value]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> dict[str, Value]:
        return self._make()

    def __getitem__(self, key: str) -> Value:
        return self._made[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


@dataclass(frozen=True, slots=True)
class DesiredFacts:
    """The configuration that is desired of an agent, and what it last said of it."""

    revision: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One agent, of the layout or heard."""

    silence: str = ""
    """Why it cannot be believed now, "" if it can (`gateway.presence`)."""
    silent_s: float | None = None
    """Since it was last heard; None where it was not since the gateway started."""
    spots: int = 0
    """Of the layout, those that are its own."""
    clone_suspected: bool = False
    health: AgentHealth | None = None
    """Its newest heartbeat."""
    clock_off_s: float | None = None
    """How far its clock was ahead of the gateway's in that heartbeat; None where it did not say."""
    letters: int = 0
    """Messages and records of it that were refused in the last hour."""
    desired: DesiredFacts | None = None


@dataclass(frozen=True, slots=True)
class SpotFacts:
    """One spot of the layout."""

    zone_id: str
    status: Status = Status.UNKNOWN
    """As it is shown."""
    agent_id: str = ""
    """Who speaks for it, "" where nobody did yet."""
    arrived: datetime | None = None
    """When the vehicle came that stands there; what was not seen meanwhile is no new arrival."""
    max_stay_s: float | None = None
    sensor: SpotHealth | None = None
    """What its sensor said in the newest heartbeat."""
    sensed_at: datetime | None = None
    """The time of that reading."""
    kinds: frozenset[Kind] = frozenset()
    vehicle_kinds: frozenset[Kind] | None = None
    """What the vehicle that stands there may use, where somebody has said."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The lot at one moment."""

    now: datetime
    synced: bool = True
    """Whether `now` can be trusted."""
    up_s: float = 1e9
    """Since the gateway started."""
    linked: bool = True
    """Whether the gateway has its broker: without it, silence says nothing of the silent."""
    agents: Mapping[str, AgentFacts] = field(default_factory=dict)
    spots: Mapping[str, SpotFacts] = field(default_factory=dict)
    occupancies: Mapping[str, Occupancy] = field(default_factory=dict)
    """Each zone's by its id, and the lot's as ""."""
    spool_bytes: int = 0
    spool_limit_bytes: int = 1
    disk_free_bytes: int = 1
    disk_total_bytes: int = 1
    certificates: Mapping[str, datetime] = field(default_factory=dict)
    """When each certificate that the gateway uses expires, by its option's name."""
