"""What one transaction of ingest will write, and what follows from it once it is committed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from contract.events import (
    Birth,
    Gap,
    HealthChanged,
    Snapshot,
    SpotChanged,
    StreamRecord,
    VehicleCounted,
)
from contract.requests import Ack
from contract.upstream import rfc3339
from contract.words import EventType, HealthState
from gateway.books import EXTRA, KNOWN, SPOOLED, of_agent
from gateway.decode import Poison
from gateway.occupancy import Believed
from gateway.store import GatewayStore
from spool import Entry

Stream = tuple[str, str]
"""(agent id, epoch)."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An `events` message as it came, or a dead letter with what it came from."""

    agent_id: str
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Buried:
    """A letter to be written. `counted`: it is a record that was accepted from its agent."""

    topic: str
    agent_id: str
    poison: Poison
    counted: bool


@dataclass(slots=True)
class Outcome:
    """What a committed batch calls for."""

    changed_spots: dict[str, None] = field(default_factory=dict)
    heard: dict[str, None] = field(default_factory=dict)
    """Agents that said something new; what comes again says nothing of whether they live."""
    counted: bool = False
    acks: dict[Stream, Ack] = field(default_factory=dict)
    appended: int = 0


@dataclass(slots=True)
class Batch:
    """What the transaction will write; `now` and `trusted` are our clock's when it was begun."""

    now: datetime
    trusted: bool
    again: bool = False
    """A dead letter: its place in the stream is long committed."""
    again_counted: bool = False
    """And it stands in its agent's account."""
    outcome: Outcome = field(default_factory=Outcome)
    entries: list[Entry] = field(default_factory=list)
    spots: dict[str, Believed] = field(default_factory=dict)
    counts: list[VehicleCounted] = field(default_factory=list)
    letters: list[Buried] = field(default_factory=list)
    booked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What goes into the books: (owner, what)."""
    holes: list[tuple[Stream, int, int]] = field(default_factory=list)
    """Streams that go on without the records behind one seq up to another."""
    streams: dict[Stream, int] = field(default_factory=dict)
    marks: dict[Stream, str] = field(default_factory=dict)
    """What tells the newest record of each of `streams` from another's; "" where it cannot be."""
    taken: Counter[Stream] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)

    def spool(self, record: StreamRecord | Snapshot, entry: Entry) -> None:
        """Append `entry`, which the record made."""
        self.entries.append(entry)
        uncounted = self.again and not self.again_counted
        what = EXTRA if isinstance(record, Snapshot) or uncounted else SPOOLED
        self.booked[of_agent(record.agent_id), what] += 1

    def know(self, agent_id: str) -> None:
        """An accepted record was salvaged before it came."""
        self.booked[of_agent(agent_id), KNOWN] += 1


def write(store: GatewayStore, batch: Batch, boot_id: str, heard_ms: int) -> None:
    """In a transaction: the records of `batch` and all that follows from them."""
    store.spool.append(batch.entries)
    store.put_spots(batch.spots)
    for stream, seq in batch.streams.items():
        store.move_stream(
            stream,
            seq,
            batch.marks.get(stream, ""),
            accepted=batch.taken[stream],
            boot_id=boot_id,
            heard_ms=heard_ms,
        )
    for count in batch.counts:
        delta = 1 if count.event_type is EventType.ARRIVAL else -1
        store.enter_count(
            count.event_id, count.zone_id, count.lane_id, delta, rfc3339(count.timestamp)
        )
    for (agent_id, epoch), after, last in batch.holes:
        store.note_hole(agent_id, epoch, after, last)
    for (owner, what), number in batch.booked.items():
        store.books.note(owner, what, number)
    for buried in batch.letters:
        poison = buried.poison
        store.letters.bury(
            batch.now,
            buried.topic,
            buried.agent_id,
            poison.reason,
            poison.detail,
            poison.payload,
            counted=buried.counted,
        )


def spool_key(record: StreamRecord | Snapshot) -> str:
    """The spot, and behind a slash what is kept apart from its status when the spool thins out."""
    match record:
        case SpotChanged():
            return record.spot_id
        case HealthChanged() | Snapshot():
            return f"{record.spot_id}/{record.type}"
        case _:
            return ""


def is_durable(record: StreamRecord | Snapshot) -> bool:
    """What thinning must keep: births, gaps, counts, alarms."""
    if isinstance(record, HealthChanged):
        return record.health is not HealthState.OK
    return isinstance(record, Birth | Gap | VehicleCounted)
