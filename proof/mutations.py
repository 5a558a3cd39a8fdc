"""Promises broken on purpose, to see that the simulation finds it.

Each is the smallest change that a careless hand could make to the code; `FOUND_BY` names a seed
whose world shows it, and that passes without it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from agent.publisher import Publisher
from contract.events import HealthChanged, Snapshot, SpotChanged
from contract.requests import Ack
from contract.words import ClockState, EventType
from gateway.batch import Arrived, Batch, Outcome, Stream
from gateway.decode import Record, from_the_future
from gateway.forwarder import Forwarder
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.occupancy import Term
from gateway.presence import Presence
from gateway.service import Service
from gateway.sinks import ACCEPTED, Answer, Outgoing
from gateway.witness import tell_agent
from spool import Spool

Mutation = Callable[[ExitStack], None]


def _ack_before_commit(stack: ExitStack) -> None:
    """The gateway acknowledges what it is about to commit."""
    begin = Service.__init__

    def init(self: Service, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        ingest = self.ingest

        def take(arrived: Sequence[Arrived]) -> Outcome:
            batch = Batch(ingest.clock.wall(), ingest.clock.synced())
            for message in arrived:
                ingest._read(batch, message)
            self._follow(Outcome(acks=dict(batch.outcome.acks)), {})
            with ingest.store.transaction():
                ingest._write(batch)
            return ingest.settle(batch)

        self.ingest.take = take  # type: ignore[method-assign]

    stack.enter_context(patch.object(Service, "__init__", init))


def _cursor_before_delivery(stack: ExitStack) -> None:
    """A sink's cursor moves over what is about to be sent."""
    call = Forwarder._call

    def early(self: Forwarder, batch: Sequence[Outgoing]) -> list[Answer]:
        self._advance(self._rows, {out.seq: ACCEPTED for out in batch})
        return call(self, batch)

    stack.enter_context(patch.object(Forwarder, "_call", early))


def _dedupe_off(stack: ExitStack) -> None:
    """What comes again is taken in again."""
    in_turn = Ingest._in_turn

    def lenient(
        self: Ingest, batch: Batch, stream: Stream, seq: int, prev_seq: int, mark: str
    ) -> bool:
        committed = batch.streams.get(stream, self.streams.get(stream, 0))
        if seq > committed:
            return in_turn(self, batch, stream, seq, prev_seq, mark)
        batch.streams[stream] = committed
        batch.taken[stream] += 1
        self._ack(batch, stream, committed)
        return True

    stack.enter_context(patch.object(Ingest, "_in_turn", lenient))


def _puback_trusted(stack: ExitStack) -> None:
    """The agent takes the broker's PUBACK for the gateway's acknowledgement."""
    publish, take = Publisher._publish_events, Publisher._take_puback
    sent: dict[tuple[int, int], int] = {}

    def publish_events(self: Publisher, wires: list[dict[str, Any]]) -> None:
        before = set(self._under_way)
        publish(self, wires)
        for mid in self._under_way - before:
            if "prev_seq" in wires[-1]:
                sent[id(self), mid] = wires[-1]["seq"]

    def take_puback(self: Publisher, mid: int) -> None:
        take(self, mid)
        if seq := sent.pop((id(self), mid), None):
            self.store.acknowledge(seq)
            self.window.acknowledged(seq, self.store.spool.last_seq, self.monotonic())

    stack.enter_context(patch.object(Publisher, "_publish_events", publish_events))
    stack.enter_context(patch.object(Publisher, "_take_puback", take_puback))


def _seq_reused(stack: ExitStack) -> None:
    """After a start the spool goes on behind the newest row that is left."""
    reload = Spool.reload

    def forgetful(self: Spool) -> None:
        reload(self)
        newest = self._db.execute("SELECT IFNULL(MAX(seq), 0) FROM spool").fetchone()[0]
        self.last_seq = newest

    stack.enter_context(patch.object(Spool, "reload", forgetful))


Told = SpotChanged | Snapshot | HealthChanged


def _snapshot_back_in_time(stack: ExitStack) -> None:
    """A snapshot is believed whatever its seq."""
    says_more = Ingest._says_more

    def credulous(self: Ingest, batch: Batch, record: Told) -> bool:
        return isinstance(record, Snapshot) or says_more(self, batch, record)

    stack.enter_context(patch.object(Ingest, "_says_more", credulous))


def _clock_orders(stack: ExitStack) -> None:
    """The newer timestamp is the newer word."""

    def by_time(self: Ingest, batch: Batch, record: Told) -> bool:
        current = batch.spots.get(record.spot_id) or self.believed.get(record.spot_id)
        return current is None or record.timestamp > current.since

    stack.enter_context(patch.object(Ingest, "_says_more", by_time))


def _words_unsaid(stack: ExitStack) -> None:
    """That an agent is heard again is not told to the sinks."""

    def untold(lot: Lot, kind: EventType, agent_id: str, at: datetime) -> None:
        if kind is not EventType.AGENT_HEARD:
            tell_agent(lot, kind, agent_id, at)

    stack.enter_context(patch("gateway.witness.tell_agent", untold))


def _silence_ignored(stack: ExitStack) -> None:
    """A spot stays as it was last heard."""
    stack.enter_context(patch.object(Presence, "silence", lambda *_: ""))


def _replacement_ignored(stack: ExitStack) -> None:
    """An agent keeps to what was acknowledged, whatever gateway there is now."""
    take_ack = Publisher._take_ack

    def proud(self: Publisher, ack: Ack) -> None:
        if ack.seq >= self.window.acked:
            take_ack(self, ack)

    stack.enter_context(patch.object(Publisher, "_take_ack", proud))


def _past_before_present(stack: ExitStack) -> None:
    """A backlog drains without a snapshot before it."""
    stack.enter_context(patch.object(Publisher, "_send_all_snapshots", lambda self: None))


def _replays_heard(stack: ExitStack) -> None:
    """Whatever comes in an agent's name is a sign that it lives."""
    take = Ingest.take

    def hearing(self: Ingest, arrived: Sequence[Arrived]) -> Outcome:
        outcome = take(self, arrived)
        outcome.heard.update(dict.fromkeys(each.agent_id for each in arrived))
        return outcome

    stack.enter_context(patch.object(Ingest, "take", hearing))


def _future_refused(stack: ExitStack) -> None:
    """What a clock dates ahead of the gateway's is a dead letter."""
    fault = Ingest._fault

    def strict(self: Ingest, batch: Batch, record: Record) -> tuple[str, str] | None:
        late = batch.trusted and from_the_future(record, batch.now, 300.0)
        return ("future_timestamp", "") if late else fault(self, batch, record)

    stack.enter_context(patch.object(Ingest, "_fault", strict))


def _clock_blanks(stack: ExitStack) -> None:
    """A gateway without a clock tells displays until when it is valid by that clock."""
    term = Lot.term

    def certain(self: Lot, now: datetime) -> Term:
        return {**term(self, now), "clock": ClockState.SYNCED}

    stack.enter_context(patch.object(Lot, "term", certain))


MUTATIONS: dict[str, Mutation] = {
    "ack-before-commit": _ack_before_commit,
    "cursor-before-delivery": _cursor_before_delivery,
    "dedupe-off": _dedupe_off,
    "future-refused": _future_refused,
    "puback-trusted": _puback_trusted,
    "replacement-ignored": _replacement_ignored,
    "replays-heard": _replays_heard,
    "seq-reused": _seq_reused,
    "snapshot-back-in-time": _snapshot_back_in_time,
    "clock-blanks": _clock_blanks,
    "clock-orders": _clock_orders,
    "silence-ignored": _silence_ignored,
    "past-before-present": _past_before_present,
    "words-unsaid": _words_unsaid,
}


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """With the promise `name` broken; None breaks none."""
    with ExitStack() as stack:
        if name is not None:
            MUTATIONS[name](stack)
        yield
