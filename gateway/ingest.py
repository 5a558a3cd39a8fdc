"""Taking records in: one transaction holds a batch's records and all that follows from them.

Only after its commit do the MQTT and application acks go out. Each (agent, epoch) stream is
taken strictly in order: a record whose predecessor is not committed is refused and asked for
again, so that order and identity are one comparison of numbers.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contract.events import (
    Gap,
    HealthChanged,
    Snapshot,
    SpotChanged,
    StreamRecord,
    VehicleCounted,
)
from contract.requests import Ack, mark_of
from contract.upstream import cloud_record
from contract.words import ClockState
from gateway.batch import Arrived, Batch, Buried, Outcome, Stream, is_durable, spool_key, write
from gateway.books import REPLAYED, STORE
from gateway.config import GatewaySettings, SpotSettings
from gateway.decode import Poison, Record, decode, from_the_future
from gateway.letters import SINK
from gateway.occupancy import Believed, newer
from gateway.quota import Quota
from gateway.stays import Stays
from gateway.store import GatewayStore
from runtime.clock import Clock

log = logging.getLogger(__name__)

RESEND_PAUSE_S = 2.0
"""A hole is asked for once in this time: all that is under way behind it would ask again. Each
further request waits twice as long, for it or its answer may be on its way or lost as well."""
RESEND_PAUSE_MAX_S = 60.0
HOLES_UNTIL_SKIP = 10
"""After so many fruitless requests, six minutes or more, the hole is taken as lost: an agent must
not be wedged. One of ours can always fill it, so this is for those that are damaged."""
LETTERS_PER_S = 1.0
LETTERS_BURST = 100.0
"""What no stream of an agent accounts for is kept, and told in the log, so often: a flood of
rubbish must neither wear the disk nor keep it busy. The rest is counted."""
COPY_PAUSE_S = 10.0
"""An agent with a copied store is told so by an ack, which takes a while to reach it."""
LONGEST_MS = 10 * 365 * 86_400_000
"""No boot lasts longer: a monotonic time from further away is nonsense, and not to be reckoned."""


@dataclass(slots=True)
class _Hole:
    after: int
    asked: int
    asked_s: float


class Ingest:
    """The gateway's one writer of records. Not thread-safe: one thread calls it."""

    def __init__(self, settings: GatewaySettings, store: GatewayStore, clock: Clock) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock
        self.spots: dict[str, SpotSettings] = {spot.spot_id: spot for spot in settings.spots}
        self.streams = store.streams()
        self.believed = store.believed()
        self.clock_pairs: dict[tuple[str, str], tuple[int, datetime]] = {}
        self.totals: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self._rubbish = Quota(LETTERS_PER_S, LETTERS_BURST)
        self._holes: dict[Stream, _Hole] = {}
        self._stays = Stays()
        self._marks = store.marks()
        self._copies: dict[Stream, float] = {}
        self._salvaged = store.has_salvaged()

    def assign(self, owners: Mapping[str, str]) -> None:
        """Have none but these speak for their spots, where the layout names nobody."""
        self.spots = {
            spot.spot_id: spot.model_copy(update={"agent_id": owners[spot.spot_id]})
            if spot.agent_id is None and spot.spot_id in owners
            else spot
            for spot in self.settings.spots
        }

    def note_clock(self, agent_id: str, boot_id: str, monotonic_ms: int) -> None:
        """A live heartbeat's monotonic time: what its unsynced boot saw is dated by it."""
        if self.clock.synced():
            self.clock_pairs[agent_id, boot_id] = (monotonic_ms, self.clock.wall())

    def ack_of(self, agent_id: str, epoch: str) -> Ack:
        """What is committed of a stream now."""
        stream = agent_id, epoch
        return self._ack_at(stream, self.streams.get(stream, 0), self._marks.get(stream))

    def _ack_at(
        self, stream: Stream, seq: int, mark: str | None, resend_from: int | None = None
    ) -> Ack:
        return Ack(
            store_id=self.store.store_id,
            epoch=stream[1],
            seq=seq,
            resend_from=resend_from,
            mark=mark or None,
        )

    def take(self, arrived: Sequence[Arrived]) -> Outcome:
        """Take in a batch of messages, in order, and commit. Raises sqlite3.Error: stop then."""
        batch = Batch(self.clock.wall(), self.clock.synced())
        for message in arrived:
            self._read(batch, message)
        with self.store.transaction():
            self._write(batch)
        return self.settle(batch)

    def replay(self, letter: Arrived, *, counted: bool) -> Batch:
        """In the caller's transaction: take a dead letter in again; `settle` it once committed.

        What a sink refused goes to that sink alone, which knows a record by its event_id.
        """
        batch = Batch(self.clock.wall(), self.clock.synced(), again=True, again_counted=counted)
        if letter.topic.startswith(SINK):
            sink = letter.topic.removeprefix(SINK)
            batch.entries.append(self.store.entry_again(letter.payload, sink))
            batch.booked[STORE, REPLAYED] += 1
        else:
            self._read(batch, letter)
        batch.totals["replayed"] += len(batch.entries)
        self._write(batch)
        return batch

    def hand_in(self, records: Sequence[SpotChanged]) -> Batch:
        """In the caller's transaction: records whose places in their streams are given out here,
        so that nobody waits for an ack; `settle` it once committed.
        """
        batch = Batch(self.clock.wall(), self.clock.synced())
        for record in records:
            self._take_record(batch, Arrived(record.agent_id, "", b""), record)
        assert batch.taken.total() == len(records), "a place that was given out twice"
        batch.outcome.acks.clear()
        self._write(batch)
        return batch

    def settle(self, batch: Batch) -> Outcome:
        """After the commit: what `batch` wrote is believed; answers what it calls for."""
        self.streams.update(batch.streams)
        self._marks.update(batch.marks)
        self.believed.update(batch.spots)
        self.totals.update(batch.totals)  # += looks through all keys, and paho's thread adds some
        self.totals["accepted"] += batch.taken.total()
        self.totals["appended"] += len(batch.entries)
        self.reasons.update(letter.poison.reason for letter in batch.letters)
        batch.outcome.appended = len(batch.entries)
        return batch.outcome

    def _write(self, batch: Batch) -> None:
        write(self.store, batch, self.clock.boot_id, int(self.clock.monotonic() * 1000))

    def _read(self, batch: Batch, message: Arrived) -> None:
        limit = self.settings.ingest.max_payload_bytes
        for item in decode(message.payload, message.agent_id, limit):
            if isinstance(item, Poison):
                self._take_poison(batch, message, item)
            else:
                self._take_record(batch, message, item)

    # One item --------------------------------------------------------------------------------

    def _take_record(self, batch: Batch, message: Arrived, record: Record) -> None:
        if not isinstance(record, Snapshot) and not self._in_turn(
            batch, (record.agent_id, record.epoch), record.seq, record.prev_seq, _mark(record)
        ):
            return
        if fault := self._fault(batch, record):
            poison = Poison(*fault, record.model_dump_json().encode())
            place = None if isinstance(record, Snapshot) else (record.epoch, record.seq)
            self._bury(batch, message, poison, place)
            return
        if batch.trusted and self._is_misdated(batch, record):
            record = self._dated(record, batch.now)
        if batch.again:
            record = record.model_copy(update={"historical": True})
        self._accept(batch, record)

    def _take_poison(self, batch: Batch, message: Arrived, poison: Poison) -> None:
        if poison.place:
            epoch, seq, prev = poison.place
            if not self._in_turn(batch, (message.agent_id, epoch), seq, prev, ""):
                return
        self._bury(batch, message, poison, poison.place and poison.place[:2])

    def _in_turn(self, batch: Batch, stream: Stream, seq: int, prev_seq: int, mark: str) -> bool:
        """Whether the record `seq` is the next of its stream; if so it now counts as committed."""
        if batch.again:
            return True
        committed = batch.streams.get(stream, self.streams.get(stream, 0))
        if seq == committed:
            self._look_for_a_copy(batch, stream, mark)
        if seq <= committed:
            self.totals["duplicates"] += 1
            self._ack(batch, stream, committed)
            return False
        if self.clock.monotonic() < self._copies.get(stream, 0.0):
            self.totals["refused_of_a_copy"] += 1
            return False
        if prev_seq > committed:
            if not self._may_skip(batch, stream, committed):
                self.totals["refused_out_of_turn"] += 1
                return False
            batch.holes.append((stream, committed, prev_seq))
        self._holes.pop(stream, None)
        batch.streams[stream] = seq
        batch.marks[stream] = mark
        batch.outcome.heard[stream[0]] = None
        batch.taken[stream] += 1
        self._ack(batch, stream, seq)
        return True

    def _mark_of(self, batch: Batch, stream: Stream) -> str:
        return batch.marks.get(stream, self._marks.get(stream, ""))

    def _look_for_a_copy(self, batch: Batch, stream: Stream, mark: str) -> None:
        """Two records with one identity: two stores go on from one, and lest either's records
        pass for the other's, nothing is taken of the stream until each has been told."""
        known = self._mark_of(batch, stream)
        if mark and known and mark != known:
            log.error("agent %s: two stores go on from one epoch, %s", *stream)
            self._copies[stream] = self.clock.monotonic() + COPY_PAUSE_S

    def _may_skip(self, batch: Batch, stream: Stream, committed: int) -> bool:
        """Ask for a hole's records; after some fruitless requests, go on without them."""
        now_s = self.clock.monotonic()
        hole = self._holes.get(stream)
        if hole is None or hole.after != committed:
            hole = self._holes[stream] = _Hole(committed, 0, -RESEND_PAUSE_S)
        pause_s = min(RESEND_PAUSE_S * 2 ** (hole.asked - 1), RESEND_PAUSE_MAX_S)
        if hole.asked and now_s - hole.asked_s < pause_s:
            return False
        if hole.asked >= HOLES_UNTIL_SKIP:
            log.error("agent %s cannot give what follows %d: skipped", stream[0], committed)
            self.totals["holes_skipped"] += 1
            return True
        hole.asked += 1
        hole.asked_s = now_s
        self.totals["resends_asked"] += 1
        mark = self._mark_of(batch, stream)
        batch.outcome.acks[stream] = self._ack_at(stream, committed, mark, committed)
        return False

    def _ack(self, batch: Batch, stream: Stream, seq: int) -> None:
        asked = batch.outcome.acks.get(stream)
        if asked and asked.resend_from is not None and seq <= asked.resend_from:
            return
        batch.outcome.acks[stream] = self._ack_at(stream, seq, self._mark_of(batch, stream))

    def _fault(self, batch: Batch, record: Record) -> tuple[str, str] | None:
        spot_id = getattr(record, "spot_id", None)
        if spot_id is not None:
            spot = self.spots.get(spot_id)
            if spot is None:
                return "unknown_spot", f"{spot_id} is not in the lot's layout"
            if spot.agent_id not in (None, record.agent_id):
                return "foreign_spot", f"{spot_id} belongs to agent {spot.agent_id}"
        return None

    def _is_misdated(self, batch: Batch, record: Record) -> bool:
        """Whether the agent did not know the time, or believed in one that is to come.

        That is no reason to refuse what it saw: its clock lies, not its sensor.
        """
        if record.clock is ClockState.UNSYNCED:
            return True
        if not from_the_future(record, batch.now, self.settings.ingest.future_s):
            return False
        batch.totals["from_the_future"] += 1
        return True

    def _dated(self, record: Record, now: datetime) -> Record:
        """A record with a time from our clock and the monotonic difference."""
        pair = self.clock_pairs.get((record.agent_id, record.boot_id))
        moment = now
        if pair:
            age_ms = min(max(pair[0] - record.monotonic_ms, -LONGEST_MS), LONGEST_MS)
            moment = min(now, pair[1] - timedelta(milliseconds=age_ms))
        return record.model_copy(update={"timestamp": moment, "clock": ClockState.ESTIMATED})

    def _accept(self, batch: Batch, record: Record) -> None:
        spot_id = getattr(record, "spot_id", None)
        if isinstance(record, SpotChanged | Snapshot):
            believed = self._believe(batch, record)
            if isinstance(record, Snapshot) and not believed:
                return
            if isinstance(record, Snapshot) and not batch.again:
                batch.outcome.heard[record.agent_id] = None
                batch.totals["snapshots"] += 1
        if isinstance(record, HealthChanged):
            self._note_health(batch, record)
        if isinstance(record, VehicleCounted):
            batch.counts.append(record)
            batch.outcome.counted = True
        zone_id = self.spots[spot_id].zone_id if spot_id else getattr(record, "zone_id", None)
        cloud = cloud_record(
            record,
            facility_id=self.settings.facility_id,
            lot_id=self.settings.lot_id,
            zone_id=zone_id,
        )
        of_stream = not batch.again and not isinstance(record, Snapshot)
        if of_stream and self._was_salvaged(record.agent_id, record.epoch, record.seq):
            batch.know(record.agent_id)
            return
        batch.spool(record, self.store.entry(cloud, spool_key(record), durable=is_durable(record)))

    def _was_salvaged(self, agent_id: str, epoch: str, seq: int) -> bool:
        return self._salvaged and self.store.was_salvaged(f"{agent_id}:{epoch}:{seq}")

    def _believe(self, batch: Batch, record: SpotChanged | Snapshot) -> bool:
        """Take the record as its spot's state if it says more than what is believed."""
        spot_id = record.spot_id
        current = batch.spots.get(spot_id) or self.believed.get(spot_id)
        if not self._says_more(batch, record):
            if current and isinstance(record, SpotChanged):
                batch.spots.update(self._stays.follow(record, current))
            return False
        batch.spots[spot_id] = Believed(
            record.status,
            record.timestamp,
            record.confidence,
            record.health,
            record.health_reason,
            record.agent_id,
            record.epoch,
            record.seq,
            self._stays.began(record, current),
        )
        batch.outcome.changed_spots[spot_id] = None
        return True

    def _note_health(self, batch: Batch, record: HealthChanged) -> None:
        """The status of the spot stands; its sensor's health is another."""
        current = batch.spots.get(record.spot_id) or self.believed.get(record.spot_id)
        if current and self._says_more(batch, record):
            batch.spots[record.spot_id] = replace(
                current, health=record.health, health_reason=record.health_reason, seq=record.seq
            )
            batch.outcome.changed_spots[record.spot_id] = None

    def _says_more(self, batch: Batch, record: SpotChanged | Snapshot | HealthChanged) -> bool:
        current = batch.spots.get(record.spot_id) or self.believed.get(record.spot_id)
        batch.streams.setdefault(
            (record.agent_id, record.epoch), self.streams.get((record.agent_id, record.epoch), 0)
        )
        known = [*self.streams, *(each for each in batch.streams if each not in self.streams)]
        epochs = [epoch for agent, epoch in known if agent == record.agent_id]
        return newer(record.agent_id, record.epoch, record.seq, current, epochs)

    def _bury(
        self, batch: Batch, message: Arrived, poison: Poison, place: tuple[str, int] | None
    ) -> None:
        """Keep what was refused; with a `place` in its stream it is a record that was accepted."""
        if not (batch.again or place) and not self.keeps_rubbish_of(message.agent_id):
            self.reasons[poison.reason] += 1
            batch.totals["letters_not_kept"] += 1
            return
        log.warning("%s: %s: %s", message.topic, poison.reason, poison.detail)
        if batch.again:
            counted = batch.again_counted
        elif place and self._was_salvaged(message.agent_id, *place):
            batch.know(message.agent_id)
            return
        else:
            counted = place is not None
            batch.totals["dead_lettered"] += counted
        batch.letters.append(Buried(message.topic, message.agent_id, poison, counted))

    def keeps_rubbish_of(self, agent_id: str) -> bool:
        """Whether one more thing that an agent said and nobody can read is worth keeping."""
        return self._rubbish.allows(agent_id, self.clock.monotonic())


def _mark(record: StreamRecord) -> str:
    """A gap's time is that of its sending: it has no mark."""
    return "" if isinstance(record, Gap) else mark_of(record.boot_id, record.monotonic_ms)
