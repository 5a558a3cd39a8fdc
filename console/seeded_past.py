"""The past of an invented lot, brought into its store and its history as a gateway would.

visits -> records in the order of their times -> [the gateway's own transaction] -> spool
       -> the sink `history`
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from console.seeded_days import visits
from console.seeded_lots import CAMERA, SeededLot
from contract.events import Birth, SpotChanged, StreamRecord
from contract.requests import mark_of
from contract.upstream import Teller, cloud_record, rfc3339
from contract.words import ClockState, EventType, Status
from gateway.addresses import addressed
from gateway.batch import Batch, is_durable, spool_key, write
from gateway.books import OWN, STORE
from gateway.config import GatewaySettings
from gateway.devices import Device, Place
from gateway.occupancy import Believed, arrival
from gateway.sinks import Outgoing, Sink, Verdict, registry
from gateway.store import GatewayStore
from lotkeeper import __version__

AT_ONCE = 500
"""Records in one transaction."""
EPOCH = BOOT = "seed"
LONG_STAY = timedelta(hours=6, minutes=15)
"""Of the vehicle that stands longer than it may, at the first spot of the last zone."""
POWERLESS = (timedelta(days=3), timedelta(days=3) - timedelta(hours=5))
"""From when until when (before now) the last agent was without power."""
CLOSED_FOR = timedelta(days=1)
SILENT_AFTER_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Saying:
    """What an agent says: of a spot, or of its own birth."""

    at: datetime
    agent_id: str
    spot_id: str = ""
    status: Status = Status.UNKNOWN
    previous: Status = Status.UNKNOWN


class SeededPast:
    """One lot's store and history while they are filled."""

    def __init__(self, folder: Path, lot: SeededLot, settings: GatewaySettings) -> None:
        self._lot = lot
        self._settings = settings
        self.store = GatewayStore(folder / "gateway.db", settings.store.limit_bytes)
        self._sink: Sink = registry.build("history", {"path": folder / "history.db", "days": 0})
        self._sink.open()
        self.store.register_sinks(["history"])
        self._seqs: Counter[str] = Counter()
        self._believed: dict[str, Believed] = {}

    def close(self) -> None:
        """Close both files."""
        self._sink.close()
        self.store.close()

    def fill(self, begin: datetime, now: datetime) -> int:
        """All that was said from `begin` to `now`; answers how many records."""
        if any(row.agent_id == CAMERA for row in self._lot.rows):
            self._register(begin)
        sayings = sorted(self._sayings(begin, now), key=lambda each: each.at)
        dark, light = (now - each for each in POWERLESS)
        last, was_dark = self._lot.rows[-1].agent_id, self._was_dark(begin, now)
        self._take([each for each in sayings if each.at < light], begin, now)
        if was_dark:
            self._tell(EventType.AGENT_SILENT, dark, agent_id=last)
        self._take([each for each in sayings if each.at >= light], begin, now)
        if was_dark:
            self._tell(EventType.AGENT_HEARD, light, agent_id=last)
        self._deliver()
        with self.store.transaction():
            self.store.devices.move(self._places())
        return self._seqs.total()

    # What is said ----------------------------------------------------------------------------

    def _sayings(self, begin: datetime, now: datetime) -> Iterator[Saying]:
        last = self._lot.rows[-1].agent_id
        hole = now - POWERLESS[0], now - POWERLESS[1]
        for agent_id in dict.fromkeys(row.agent_id for row in self._lot.rows):
            if agent_id != CAMERA:
                yield Saying(begin, agent_id)
        if self._was_dark(begin, now):
            yield Saying(hole[1], last)
        for row in self._lot.rows:
            hidden = hole if row.agent_id == last != CAMERA else (now, now)
            for spot in row.spots():
                spot_id = spot["spot_id"]
                yield Saying(begin, row.agent_id, spot_id, Status.FREE)
                for at, status in self._moves(spot_id, row.zone_id, begin, now, hidden):
                    other = Status.FREE if status is Status.OCCUPIED else Status.OCCUPIED
                    yield Saying(at, row.agent_id, spot_id, status, other)

    def _moves(
        self,
        spot_id: str,
        zone_id: str,
        begin: datetime,
        now: datetime,
        hidden: tuple[datetime, datetime],
    ) -> Iterator[tuple[datetime, Status]]:
        """Arrivals and departures up to now, without the visits that meet what is hidden."""
        rng = random.Random(f"{self._lot.lot_id}/{spot_id}")
        stay_s, gap_s = self._lot.zones[zone_id]
        long = spot_id == self.overstayed
        end = now - LONG_STAY if long else now
        for came, left in visits(rng, begin, end, stay_s=stay_s, gap_s=gap_s):
            if came < hidden[1] and left > hidden[0]:
                continue
            if long and left >= end:
                break
            yield came, Status.OCCUPIED
            if left < now:
                yield left, Status.FREE
        if long:
            yield end, Status.OCCUPIED

    @property
    def overstayed(self) -> str:
        """Where somebody stands for too long."""
        zone = list(self._lot.zones)[-1]
        row = next(each for each in self._lot.rows if each.zone_id == zone)
        return str(row.spots()[0]["spot_id"])

    def _record(self, said: Saying, begin: datetime) -> StreamRecord:
        self._seqs[said.agent_id] += 1
        seq = self._seqs[said.agent_id]
        stamp = {
            "agent_id": said.agent_id,
            "epoch": self._epoch(said.agent_id),
            "seq": seq,
            "prev_seq": seq - 1,
            "timestamp": said.at,
            "clock": ClockState.SYNCED,
            "monotonic_ms": round((said.at - begin).total_seconds() * 1000),
            "boot_id": BOOT,
        }
        if not said.spot_id:
            spots = [
                spot.spot_id for spot in self._settings.spots if spot.agent_id == said.agent_id
            ]
            birth = {"session_id": f"{BOOT}-{seq}", "version": __version__, "spots": spots}
            return Birth.model_validate(stamp | birth)
        of_spot = {"spot_id": said.spot_id, "status": said.status, "previous": said.previous}
        return SpotChanged.model_validate(stamp | of_spot | {"confidence": 1.0})

    def _epoch(self, agent_id: str) -> str:
        return self.store.devices.epoch() if agent_id == CAMERA else EPOCH

    # How it is taken -------------------------------------------------------------------------

    def _take(self, sayings: Sequence[Saying], begin: datetime, now: datetime) -> None:
        waiting = iter(sayings)
        while some := list(islice(waiting, AT_ONCE)):
            batch = Batch(now, trusted=True)
            for each in some:
                self._put(batch, self._record(each, begin))
            with self.store.transaction():
                write(self.store, batch, BOOT, 0)

    def _put(self, batch: Batch, record: StreamRecord) -> None:
        spot_id = getattr(record, "spot_id", None)
        zones = {spot.spot_id: spot.zone_id for spot in self._settings.spots}
        cloud = cloud_record(
            record,
            facility_id=self._settings.facility_id,
            lot_id=self._lot.lot_id,
            zone_id=zones.get(spot_id or ""),
        )
        entry = self.store.entry(cloud, spool_key(record), durable=is_durable(record))
        batch.spool(record, entry)
        stream = record.agent_id, record.epoch
        batch.streams[stream] = record.seq
        batch.marks[stream] = mark_of(BOOT, record.monotonic_ms)
        batch.taken[stream] += 1
        if isinstance(record, SpotChanged):
            batch.spots[record.spot_id] = self._believe(record)

    def _believe(self, record: SpotChanged) -> Believed:
        known = self._believed.get(record.spot_id)
        came = arrival(
            record.status, record.previous, record.timestamp, known.arrived if known else None
        )
        found = self._believed[record.spot_id] = Believed(
            record.status,
            record.timestamp,
            record.confidence,
            record.health,
            record.health_reason,
            record.agent_id,
            record.epoch,
            record.seq,
            came,
        )
        return found

    def _register(self, begin: datetime) -> None:
        spots = [s["spot_id"] for r in self._lot.rows if r.agent_id == CAMERA for s in r.spots()]
        camera = Device(
            CAMERA, "http", "Camera of the upper row", "", SILENT_AFTER_S, rfc3339(begin), None,
            tuple(spots),
        )  # fmt: skip
        with self.store.transaction():
            self.store.devices.put(camera)
            self.store.devices.epoch()

    def _places(self) -> dict[str, Place]:
        return {
            spot_id: Place(CAMERA, known.status, rfc3339(known.since))
            for spot_id, known in self._believed.items()
            if known.agent_id == CAMERA
        }

    def close_spot(self, spot_id: str, now: datetime, note: str) -> None:
        """As people do over the API."""
        at = now - CLOSED_FOR
        with self.store.transaction():
            self.store.db.execute(
                "INSERT INTO closed_spots VALUES (?, ?, ?)", (spot_id, rfc3339(at), note)
            )
        self._tell(EventType.SPOT_CLOSED, at, spot_id=spot_id)
        self._deliver()

    def _was_dark(self, begin: datetime, now: datetime) -> bool:
        """Whether the last agent was without power since `begin`."""
        return self._lot.rows[-1].agent_id != CAMERA and begin < now - POWERLESS[0]

    def _tell(self, kind: EventType, at: datetime, **of: str) -> None:
        """What a gateway says itself (`gateway.witness`), to the history alone."""
        zones = {spot.spot_id: spot.zone_id for spot in self._settings.spots}
        spot_id = of.get("spot_id", "")
        place = self._settings.facility_id, self._lot.lot_id
        key = addressed(spot_id, ["history"])
        with self.store.transaction():
            teller = Teller(*place, self.store.devices.epoch(), self.store.spool.last_seq + 1)
            body = teller.word(kind, at, zone_id=zones.get(spot_id), **of)
            self.store.spool.append([self.store.entry(body, key, durable=True)])
            self.store.books.note(STORE, OWN)

    def _deliver(self) -> None:
        """As the forwarder does: the cursor moves over what the sink has taken."""
        store, sink = self.store, self._sink
        while rows := store.read(
            store.spool.cursors()["history"], sink.max_records, sink.max_bytes
        ):
            answers = sink.send(
                [
                    Outgoing(
                        row.seq, f"{self._lot.lot_id}/{row.key.partition('/')[0]}", row.payload
                    )
                    for row in rows
                ]
            )
            refused = [each.reason for each in answers if each.verdict is not Verdict.ACCEPTED]
            assert not refused, refused
            with store.transaction():
                store.spool.advance("history", rows[-1].seq, delivered=len(rows))
                store.spool.forget()
