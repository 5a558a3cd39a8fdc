"""The agent's database: its spool, the last record of each spot, the clock pairs of its boots.

An event is committed here before anything is published. What the gateway acknowledged stays
inside the byte limit, for a gateway that is replaced and has to be told again.
"""

import json
import logging
import os
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.requests import mark_of
from spool import Depth, Entry, Row, Spool, Transaction, open_database
from spool.log import SCHEMA
from spool.reserve import Reserve
from spool.salvage import salvage

log = logging.getLogger(__name__)

GATEWAY = "gateway"
MIGRATIONS = [
    SCHEMA
    + """
    CREATE TABLE agent (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE watched (
        name TEXT PRIMARY KEY, seq INTEGER NOT NULL, record TEXT, detector TEXT NOT NULL
    );
    CREATE TABLE boots (
        boot_id TEXT PRIMARY KEY, monotonic_ms INTEGER NOT NULL, wall TEXT NOT NULL
    );
    """
]


POSITION_ROWS = 64
"""The acknowledged position is kept each so many rows: it costs a page of the card. A crash before
sends them again, unless the gateway's retained ack says that it has them."""


@dataclass(eq=False, slots=True)
class _Appending:
    """What one thread wants committed, and the seqs once it is."""

    name: str
    entries: Sequence[Entry]
    detector: str
    seqs: range | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What is kept of a spot or lane across restarts: its last record and its detector."""

    seq: int
    record: dict[str, Any] | None
    detector: str


class AgentStore:
    """One agent's durable state; every method may be called from any thread."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._db, damaged = open_database(path, MIGRATIONS)
        self._lock = threading.RLock()
        self._waiting: list[_Appending] = []
        self.spool = Spool(self._db, limit_bytes, _gap)
        self.reserve = Reserve(self._db, path, self.spool)
        with self._transaction():
            self.spool.register(GATEWAY)
            self.epoch = self._remember("epoch", uuid.uuid4().hex[:16])
        self.store_id: str | None = self._recall("store_id")
        self.acked_seq = self.spool.cursors()[GATEWAY]
        self.salvaged = self._salvage(damaged) if damaged else 0

    def close(self) -> None:
        """Keep the acknowledged position and close the file."""
        self.keep_position()
        with self._lock:
            self._db.close()

    def append(self, name: str, entries: Sequence[Entry], detector: str) -> range:
        """Commit what a spot or lane gave, with its detector's state. Returns the seqs.

        Threads that wait here while another's commit is synced share the next one.
        """
        mine = _Appending(name, entries, detector)
        self._waiting.append(mine)
        with self._lock:
            if mine.seqs is None:
                try:
                    self._commit_waiting()
                except BaseException:
                    self._waiting.remove(mine)
                    raise
        assert mine.seqs is not None
        return mine.seqs

    def _commit_waiting(self) -> None:
        together = list(self._waiting)
        with self._transaction():
            self._move_cursor_for([entry for each in together for entry in each.entries])
            done = [self._write(each) for each in together]
        for each, seqs in zip(together, done, strict=True):
            each.seqs = seqs
            self._waiting.remove(each)

    def _write(self, what: _Appending) -> range:
        seqs = self.spool.append(what.entries)
        states = [
            (seq, e.payload.decode()) for seq, e in zip(seqs, what.entries, strict=True) if e.key
        ]
        seq, record = states[-1] if states else (0, None)
        self._db.execute(
            "INSERT INTO watched (name, seq, record, detector) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET detector=excluded.detector, "
            "seq=CASE WHEN excluded.seq > 0 THEN excluded.seq ELSE seq END, "
            "record=COALESCE(excluded.record, record)",
            (what.name, seq, record, what.detector),
        )
        return seqs

    def append_birth(self, payload: bytes) -> int:
        """Commit the record of this start."""
        with self._transaction():
            return self.spool.append([Entry("", payload, durable=True)])[0]

    def watched(self, name: str) -> Watched | None:
        """What is kept of a spot or lane."""
        with self._lock:
            row = self._db.execute(
                "SELECT seq, record, detector FROM watched WHERE name=?", (name,)
            ).fetchone()
        return Watched(row[0], json.loads(row[1]) if row[1] else None, row[2]) if row else None

    def names(self) -> list[str]:
        """Spots and lanes of which anything is kept, configured or not."""
        with self._lock:
            return [row[0] for row in self._db.execute("SELECT name FROM watched ORDER BY name")]

    def keep_detector(self, name: str, detector: str) -> None:
        """Keep a detector's learnt state although no event came of it."""
        self.append(name, [], detector)

    def read(self, after: int, limit: int) -> list[Row]:
        """Rows to publish; a damaged one is set aside and its gap row read in its place."""
        with self._lock:
            rows = self.spool.read(after, limit)
        damaged = [row.seq for row in rows if not row.intact]
        if not damaged:
            return rows
        log.error("spool rows %s are damaged: set aside", damaged)
        with self._transaction():
            for seq in damaged:
                self.spool.quarantine(seq)
        with self._lock:
            return self.spool.read(after, limit)

    def mark_at(self, seq: int) -> str | None:
        """What tells the record `seq` from another's of that seq; None where that cannot be told:
        it is no longer kept, or was given up."""
        with self._lock:
            rows = self.spool.read(seq - 1, 1)
        if not rows or rows[0].seq != seq or rows[0].lost or not rows[0].intact:
            return None
        body = json.loads(rows[0].payload)
        return mark_of(body["boot_id"], body["monotonic_ms"]) if "boot_id" in body else None

    def protect(self, seq: int) -> None:
        """Rows up to `seq` are on their way: they are not thinned."""
        with self._lock:
            self.spool.in_flight = max(self.acked_seq, seq)

    def acknowledge(self, seq: int) -> None:
        """The gateway has committed all up to `seq`; kept by a later commit or `keep_position`."""
        with self._lock:
            self.acked_seq = min(max(self.acked_seq, seq), self.spool.last_seq)

    def keep_position(self) -> None:
        """Commit the acknowledged position; a crash before costs a resend, no record."""
        with self._lock:
            if self.spool.cursors()[GATEWAY] < self.acked_seq:
                with self._transaction():
                    self._move_cursor()

    def meet(self, store_id: str) -> bool:
        """A gateway's store. Where another was known, all that is retained is offered again."""
        with self._transaction():
            replaced = self.store_id is not None
            if replaced:
                log.warning("the gateway's store is new: offering all retained records again")
                self.spool.rewind(GATEWAY)
                self.acked_seq = self.spool.cursors()[GATEWAY]
            self.store_id = store_id
            self._db.execute("INSERT OR REPLACE INTO agent VALUES ('store_id', ?)", (store_id,))
        return replaced

    def begin_epoch(self) -> None:
        """Use the seqs anew under another epoch; what was acknowledged under the old one goes."""
        with self._transaction():
            self._move_cursor()
            self.spool.forget()
            self.epoch = uuid.uuid4().hex[:16]
            self._db.execute("UPDATE agent SET value=? WHERE name='epoch'", (self.epoch,))

    def depth(self) -> Depth:
        """How much waits for the gateway, as acknowledged up to this moment."""
        with self._lock:
            kept = self.spool.depth(GATEWAY)
            waiting = self.spool.records_after(self.acked_seq)
        passed = kept.waiting - waiting
        return replace(kept, waiting=waiting, delivered=kept.delivered + passed)

    def keep_clock_pair(self, boot_id: str, monotonic_ms: int, wall: datetime) -> None:
        """The first synced pair of a boot: what was seen earlier in it gets its time from this."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO boots VALUES (?, ?, ?)",
                (boot_id, monotonic_ms, wall.astimezone(UTC).isoformat()),
            )

    def clock_pair(self, boot_id: str) -> tuple[int, datetime] | None:
        """(monotonic ms, wall) of a boot whose clock was synced once."""
        with self._lock:
            row = self._db.execute(
                "SELECT monotonic_ms, wall FROM boots WHERE boot_id=?", (boot_id,)
            ).fetchone()
        return (row[0], datetime.fromisoformat(row[1])) if row else None

    def _transaction(self) -> Transaction:
        self.reserve.look()
        return Transaction(self._db, self._lock, self.spool.reload)

    def _move_cursor_for(self, entries: Sequence[Entry]) -> None:
        """Before an append: what was acknowledged gives way first, so a full spool must know it."""
        behind = self.acked_seq - self.spool.cursors()[GATEWAY]
        if behind >= POSITION_ROWS or not self.spool.has_room(entries):
            self._move_cursor()

    def _move_cursor(self) -> None:
        passed = self.spool.cursors()[GATEWAY]
        if self.acked_seq > passed:
            count = self.spool.records_after(passed) - self.spool.records_after(self.acked_seq)
            self.spool.advance(GATEWAY, self.acked_seq, delivered=count)

    def _remember(self, name: str, value: str) -> str:
        self._db.execute("INSERT OR IGNORE INTO agent VALUES (?, ?)", (name, value))
        kept = self._recall(name)
        assert kept is not None
        return kept

    def _recall(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM agent WHERE name=?", (name,)).fetchone()
        return row[0] if row else None

    def _salvage(self, damaged: Path) -> int:
        """Take over what can be read of a damaged database, under the new epoch."""
        rows = [row for row in salvage(damaged) if not row.lost]
        with self._transaction():
            self.spool.append([Entry(row.key, row.payload, row.durable) for row in rows])
        log.error("%d records salvaged from %s", len(rows), os.fspath(damaged))
        return len(rows)


def _gap(first: int, last: int, count: int, reason: str) -> bytes:
    """A gap's body. It has no time of its own: the publisher gives it the moment of sending."""
    body = {
        "type": "gap",
        "first_seq": first,
        "last_seq": last,
        "count": count,
        "reason": reason,
    }
    return json.dumps(body).encode()
