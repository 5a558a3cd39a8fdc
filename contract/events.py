"""What happened: the records of an agent's stream, and the gate's.

Identity is (agent_id, epoch, seq). The epoch is born with the agent's spool and seq is never
used twice, so a record that comes again is known. `prev_seq` is the seq of the record before
it in the stream: a gateway that has not committed that one asks for a resend, and seqs that
the agent had to drop leave no hole in the chain. A `Snapshot` stands outside the stream: it
repeats the state that the record `seq` made, for readers that the backlog has not reached yet.
"""

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from contract.words import ClockState, EventType, HealthState, Id, Status

Seq = Annotated[int, Field(ge=1, lt=2**63)]


class _Stamped(BaseModel):
    """Where and when a record was made. `timestamp` is UTC, RFC 3339."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    agent_id: Id
    epoch: Id
    seq: Seq
    timestamp: AwareDatetime
    clock: ClockState
    monotonic_ms: Annotated[int, Field(ge=0)]
    boot_id: Id
    historical: bool = False


class _StreamRecord(_Stamped):
    prev_seq: Annotated[int, Field(ge=0, lt=2**63)]


class SpotChanged(_StreamRecord):
    """A spot's status changed. `timestamp` is the FIRST crossing, not its confirmation.

    `previous` is the last settled `free` or `occupied` (`unknown` if there was none), so that
    occupied -> unknown -> occupied is no second arrival.
    """

    type: Literal["spot_changed"] = "spot_changed"
    spot_id: Id
    status: Status
    previous: Status
    confidence: Annotated[float, Field(ge=0, le=1)]
    health: HealthState = HealthState.OK
    health_reason: str = ""

    @property
    def event_type(self) -> EventType:
        """ARRIVAL or DEPARTURE where a vehicle came or went, else STATUS."""
        if self.status is Status.OCCUPIED and self.previous is Status.FREE:
            return EventType.ARRIVAL
        if self.status is Status.FREE and self.previous is Status.OCCUPIED:
            return EventType.DEPARTURE
        return EventType.STATUS


class Snapshot(_Stamped):
    """The state of a spot now. `seq` is that of the record that made it, `timestamp` its time."""

    type: Literal["snapshot"] = "snapshot"
    spot_id: Id
    status: Status
    confidence: Annotated[float, Field(ge=0, le=1)]
    health: HealthState = HealthState.OK
    health_reason: str = ""


class HealthChanged(_StreamRecord):
    """A sensor's health changed while the status of its spot may stand."""

    type: Literal["health_changed"] = "health_changed"
    spot_id: Id
    health: HealthState
    health_reason: str = ""


class VehicleCounted(_StreamRecord):
    """One vehicle passed a lane: an entry of the count's ledger, known by `event_id`.

    A lot or zone may be counted by its gates as well as by its spots. The count is the sum of
    the ledger, so an entry that comes twice changes nothing.
    """

    type: Literal["vehicle_counted"] = "vehicle_counted"
    event_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
    event_type: Literal[EventType.ARRIVAL, EventType.DEPARTURE]
    lane_id: Id
    zone_id: Id | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0


class Birth(_StreamRecord):
    """An agent process started: which software, which spots."""

    type: Literal["birth"] = "birth"
    session_id: Id
    version: str
    spots: list[Id]


class Gap(_StreamRecord):
    """`count` records between `first_seq` and `last_seq` were given up, and why.

    It takes the place, and the seq, of the last of them.
    """

    type: Literal["gap"] = "gap"
    first_seq: Seq
    last_seq: Seq
    count: Annotated[int, Field(ge=1)]
    reason: Literal["spool_full", "corrupt", "unreadable"]


class TicketClosed(BaseModel):
    """A stay was paid for or closed at the gate. Money in integer minor units of `currency`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["ticket_closed"] = "ticket_closed"
    event_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
    ticket_id: Id
    lot_id: Id
    zone_id: Id | None = None
    spot_id: Id | None = None
    vehicle_class: str
    entered_at: AwareDatetime
    exited_at: AwareDatetime
    timestamp: AwareDatetime
    amount_minor: Annotated[int, Field(ge=0)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    state: Literal["paid", "lost", "waived"]


StreamRecord = SpotChanged | HealthChanged | VehicleCounted | Birth | Gap
AgentRecord = Annotated[StreamRecord | Snapshot, Field(discriminator="type")]
"""What an agent may publish under its `events` topic: one, or an array of them."""

agent_record: TypeAdapter[StreamRecord | Snapshot] = TypeAdapter(AgentRecord)
agent_records: TypeAdapter[list[StreamRecord | Snapshot]] = TypeAdapter(list[AgentRecord])
