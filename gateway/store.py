"""The gateway's database: spool, spot states, stream positions, dead letters, in ONE file.

One file, because one transaction must hold a record and all that follows from it.
"""

import json
import logging
import os
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.upstream import rfc3339
from contract.words import HealthState, Status
from gateway.addresses import addressed
from gateway.alertbook import SCHEMA as ALERTS
from gateway.alertbook import AlertBook
from gateway.books import SCHEMA as BOOKS
from gateway.books import Books
from gateway.configs import SCHEMA as CONFIGS
from gateway.configs import Configs
from gateway.devices import SCHEMA as DEVICES
from gateway.devices import Devices
from gateway.letters import COUNTED, DeadLetters
from gateway.letters import SCHEMA as LETTERS
from gateway.notices import SCHEMA as NOTICES
from gateway.notices import Outbox
from gateway.occupancy import Believed
from spool import Depth, Entry, Row, Spool, Transaction, open_database
from spool.log import SCHEMA
from spool.reserve import Reserve

log = logging.getLogger(__name__)

MIGRATIONS = [
    SCHEMA
    + LETTERS
    + """
    CREATE TABLE gateway (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE streams (
        born INTEGER PRIMARY KEY AUTOINCREMENT,
        agent_id TEXT NOT NULL, epoch TEXT NOT NULL,
        seq INTEGER NOT NULL, accepted INTEGER NOT NULL,
        boot_id TEXT NOT NULL, heard_ms INTEGER NOT NULL,
        UNIQUE (agent_id, epoch)
    );
    CREATE TABLE spots (
        spot_id TEXT PRIMARY KEY, status TEXT NOT NULL, since TEXT NOT NULL,
        confidence REAL NOT NULL, health TEXT NOT NULL, health_reason TEXT NOT NULL,
        agent_id TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL
    );
    CREATE TABLE closed_spots (spot_id TEXT PRIMARY KEY, since TEXT NOT NULL, note TEXT NOT NULL);
    CREATE TABLE ledger (
        event_id TEXT PRIMARY KEY, zone_id TEXT, lane_id TEXT NOT NULL,
        delta INTEGER NOT NULL, timestamp TEXT NOT NULL, note TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE transactions (
        name TEXT NOT NULL, transaction_id TEXT NOT NULL, response TEXT NOT NULL,
        PRIMARY KEY (name, transaction_id)
    );
    """,
    COUNTED
    + BOOKS
    + """
    CREATE TABLE stream_holes (
        agent_id TEXT NOT NULL, epoch TEXT NOT NULL, after INTEGER NOT NULL, last INTEGER NOT NULL
    );
    CREATE TABLE salvaged (id TEXT PRIMARY KEY) WITHOUT ROWID;
    """,
    """
    ALTER TABLE spots ADD COLUMN arrived TEXT;
    """
    + ALERTS,
    NOTICES,
    "ALTER TABLE streams ADD COLUMN mark TEXT NOT NULL DEFAULT '';",
    DEVICES,
    CONFIGS,
]
TRANSACTIONS_KEPT = 10_000
LEDGER_KEPT = 10_000
LEDGER_FOLDED = 1_000
"""So many entries of the ledger are known by their ids; older ones are folded, so many at once."""


class GatewayStore:
    """The lot's durable state. Its lock lets one thread use the connection at a time."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        # The console reads it as a user of its own; what the umask says, goes.
        self.db, self.damaged = open_database(path, MIGRATIONS, mode=0o640)
        self.lock = threading.RLock()
        self.spool = Spool(self.db, limit_bytes, self._gap)
        self.reserve = Reserve(self.db, path, self.spool)
        self.letters = DeadLetters(self.db)
        self.books = Books(self.db)
        self.alerts = AlertBook(self.db)
        self.outbox = Outbox(self.db)
        self.configs = Configs(self.db)
        self.devices = Devices(self.db)
        with self.transaction():
            self.store_id = self._remember("store_id", uuid.uuid4().hex[:16])

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self.db.close()

    def transaction(self) -> Transaction:
        """All or nothing, one writer at a time."""
        self.reserve.look()
        return Transaction(self.db, self.lock, self._reload)

    def _read(self, sql: str, *values: int | str) -> list[tuple[Any, ...]]:
        """Rows, read while no other thread uses the connection, which has a function of ours.

        Who runs it holds SQLite's mutex and waits for the interpreter; CPython asks for a column's
        name with the interpreter held, and waits for the mutex: two would wait for ever.
        """
        with self.lock:
            return self.db.execute(sql, values).fetchall()

    def _reload(self) -> None:
        self.spool.reload()
        self.letters.reload()
        self.alerts.reload()
        self.configs.reload()
        self.devices.reload()

    # Streams ---------------------------------------------------------------------------------

    def streams(self) -> dict[tuple[str, str], int]:
        """The committed seq of each (agent, epoch), in the order of the epochs' births."""
        rows = self._read("SELECT agent_id, epoch, seq FROM streams ORDER BY born")
        return {(agent, epoch): seq for agent, epoch, seq in rows}

    def marks(self) -> dict[tuple[str, str], str]:
        """The mark of the record at each stream's committed seq, where one is known."""
        rows = self._read("SELECT agent_id, epoch, mark FROM streams WHERE mark != ''")
        return {(agent, epoch): mark for agent, epoch, mark in rows}

    def accepted(self) -> dict[str, int]:
        """Records taken in from each agent since this store was made."""
        return dict(self._read("SELECT agent_id, SUM(accepted) FROM streams GROUP BY agent_id"))

    def last_heard(self, boot_id: str) -> dict[str, int]:
        """When (monotonic ms of this boot) a record of each agent was last committed."""
        asked = "SELECT agent_id, MAX(heard_ms) FROM streams WHERE boot_id=? GROUP BY agent_id"
        return dict(self._read(asked, boot_id))

    def move_stream(
        self,
        stream: tuple[str, str],
        seq: int,
        mark: str,
        *,
        accepted: int,
        boot_id: str,
        heard_ms: int,
    ) -> None:
        """In a transaction: the (agent, epoch) is committed up to `seq`, whose mark is `mark`."""
        self.db.execute(
            "INSERT INTO streams (agent_id, epoch, seq, mark, accepted, boot_id, heard_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent_id, epoch) DO UPDATE SET "
            "seq=excluded.seq, mark=excluded.mark, accepted=accepted+excluded.accepted, "
            "boot_id=excluded.boot_id, heard_ms=excluded.heard_ms",
            (*stream, seq, mark, accepted, boot_id, heard_ms),
        )

    def note_hole(self, agent_id: str, epoch: str, after: int, last: int) -> None:
        """In a transaction: the stream's records behind `after` up to `last` never came."""
        self.db.execute(
            "INSERT INTO stream_holes VALUES (?, ?, ?, ?)", (agent_id, epoch, after, last)
        )

    def has(self, agent_id: str, epoch: str, seq: int) -> bool:
        """Whether this store ever took that record in."""
        found = self._read(
            "SELECT 1 FROM streams WHERE agent_id=?1 AND epoch=?2 AND seq >= ?3 AND NOT EXISTS ("
            "SELECT 1 FROM stream_holes WHERE agent_id=?1 AND epoch=?2 "
            "AND after < ?3 AND last >= ?3)",
            agent_id,
            epoch,
            seq,
        )
        return bool(found)

    def note_salvaged(self, identity: str) -> bool:
        """In a transaction: a salvage brought this in; False if one did so before."""
        noted = self.db.execute("INSERT OR IGNORE INTO salvaged VALUES (?)", (identity,))
        return bool(noted.rowcount)

    def has_salvaged(self) -> bool:
        """Whether anything was ever salvaged into this store."""
        return bool(self._read("SELECT 1 FROM salvaged LIMIT 1"))

    def was_salvaged(self, identity: str) -> bool:
        """Whether a salvage brought this in."""
        return bool(self._read("SELECT 1 FROM salvaged WHERE id=?", identity))

    # Spots -----------------------------------------------------------------------------------

    def believed(self) -> dict[str, Believed]:
        """The last record of each spot."""
        with self.lock:
            return believed_in(self.db)

    def put_spots(self, spots: dict[str, Believed]) -> None:
        """In a transaction: keep the last record of each of `spots`."""
        self.db.executemany(
            # REPLACE would write the index too: a page of every commit, on a card.
            "INSERT INTO spots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (spot_id) DO UPDATE "
            "SET status=excluded.status, since=excluded.since, confidence=excluded.confidence, "
            "health=excluded.health, health_reason=excluded.health_reason, "
            "agent_id=excluded.agent_id, epoch=excluded.epoch, seq=excluded.seq, "
            "arrived=excluded.arrived",
            [
                (
                    spot_id,
                    b.status.value,
                    rfc3339(b.since),
                    b.confidence,
                    b.health.value,
                    b.health_reason,
                    b.agent_id,
                    b.epoch,
                    b.seq,
                    rfc3339(b.arrived) if b.arrived else None,
                )
                for spot_id, b in spots.items()
            ],
        )

    def closed_spots(self) -> set[str]:
        """Spots that people have closed."""
        with self.lock:
            return closed_in(self.db)

    def counts(self) -> dict[str | None, int]:
        """Each counted zone's sum of its ledger."""
        return dict(self._read("SELECT zone_id, SUM(delta) FROM ledger GROUP BY zone_id"))

    def enter_count(
        self, event_id: str, zone_id: str | None, lane_id: str, delta: int, at: str, note: str = ""
    ) -> None:
        """In a transaction: one entry of the ledger; one that is there already changes nothing."""
        entered = self.db.execute(
            "INSERT OR IGNORE INTO ledger VALUES (?, ?, ?, ?, ?, ?)",
            (event_id, zone_id, lane_id, delta, at, note),
        )
        if entered.rowcount and (entered.lastrowid or 0) % LEDGER_FOLDED == 0:
            self._fold_ledger((entered.lastrowid or 0) - LEDGER_KEPT)

    def _fold_ledger(self, last: int) -> None:
        """Make the entries up to the row `last` one a zone: the sums stay."""
        self.db.execute(
            "INSERT INTO ledger SELECT 'folded:' || ? || ':' || IFNULL(zone_id, ''), zone_id, '', "
            "SUM(delta), MAX(timestamp), 'folded' FROM ledger WHERE rowid <= ? GROUP BY zone_id",
            (last, last),
        )
        self.db.execute("DELETE FROM ledger WHERE rowid <= ?", (last,))

    # Requests -----------------------------------------------------------------------------

    def answered(self, name: str, transaction_id: str) -> str | None:
        """The response that a request got before."""
        asked = "SELECT response FROM transactions WHERE name=? AND transaction_id=?"
        found = self._read(asked, name, transaction_id)
        return found[0][0] if found else None

    def keep_answer(self, name: str, transaction_id: str, response: str) -> None:
        """In a transaction: the response, for the request that comes again."""
        self.db.execute(
            "INSERT OR IGNORE INTO transactions VALUES (?, ?, ?)", (name, transaction_id, response)
        )
        self.db.execute(
            "DELETE FROM transactions WHERE rowid <= (SELECT MAX(rowid) FROM transactions) - ?",
            (TRANSACTIONS_KEPT,),
        )

    # Towards the sinks -----------------------------------------------------------------------

    def register_sinks(self, names: Sequence[str]) -> None:
        """Give each sink its cursor; that of a sink no longer configured is removed."""
        with self.transaction():
            for gone in self.spool.unregister_others(names):
                log.warning("sink %s is no longer configured: its cursor is removed", gone)
            for name in set(names) - self.spool.cursors().keys():
                self.letters.begin_sink(name)
            for name in names:
                self.spool.register(name)

    def read(self, after: int, limit: int, max_bytes: int) -> list[Row]:
        """Rows for a sink; a damaged one is set aside and its gap row read in its place."""
        with self.lock:
            rows = self.spool.read(after, limit, max_bytes)
        damaged = [row.seq for row in rows if not row.intact]
        if not damaged:
            return rows
        log.error("spool rows %s are damaged: set aside", damaged)
        with self.transaction():
            for seq in damaged:
                self.spool.quarantine(seq)
        with self.lock:
            return self.spool.read(after, limit, max_bytes)

    def records_between(self, after: int, last: int) -> set[int]:
        """The seqs behind `after` up to `last` that are still there as records, not as gaps."""
        rows = self._read(
            "SELECT seq FROM spool WHERE seq > ? AND seq <= ? AND lost = 0", after, last
        )
        return {row[0] for row in rows}

    def depth(self, name: str) -> Depth:
        """A sink's account."""
        with self.lock:
            return self.spool.depth(name)

    def entry(self, record: dict[str, Any], key: str, *, durable: bool) -> Entry:
        """A cloud record as it is spooled; it names this store, whose seqs it will carry."""
        body = {**record, "store_id": self.store_id}
        return Entry(key, json.dumps(body, separators=(",", ":")).encode(), durable)

    def entry_again(self, payload: bytes, sink: str) -> Entry:
        """A cloud record that `sink` refused, for it alone. Raises ValueError if it is none.

        It comes behind later ones of its spot, hence historical, and is not to be thinned.
        """
        body = {**json.loads(payload), "historical": True}
        return self.entry(body, addressed(body.get("spot_id") or "", [sink]), durable=True)

    def _gap(self, first: int, last: int, count: int, reason: str) -> bytes:
        record = {
            "event_id": f"{self.store_id}:gap:{last}",
            "event_type": "GAP",
            "timestamp": rfc3339(datetime.now(UTC)),
            "first_seq": first,
            "last_seq": last,
            "count": count,
            "reason": reason,
            "historical": False,
            "store_id": self.store_id,
        }
        return json.dumps(record, separators=(",", ":")).encode()

    def _remember(self, name: str, value: str) -> str:
        self.db.execute("INSERT OR IGNORE INTO gateway VALUES (?, ?)", (name, value))
        row = self.db.execute("SELECT value FROM gateway WHERE name=?", (name,)).fetchone()
        return str(row[0])


def believed_in(db: sqlite3.Connection) -> dict[str, Believed]:
    """The last record of each spot, for readers beside the gateway too."""
    rows = db.execute(
        "SELECT spot_id, status, since, confidence, health, health_reason, agent_id, epoch, "
        # One of an older release, or a salvaged one, is as old as its record.
        "seq, IFNULL(arrived, IIF(status = 'occupied', since, NULL)) FROM spots"
    )
    return {
        row[0]: Believed(
            Status(row[1]),
            datetime.fromisoformat(row[2]),
            row[3],
            HealthState(row[4]),
            row[5],
            row[6],
            row[7],
            row[8],
            datetime.fromisoformat(row[9]) if row[9] else None,
        )
        for row in rows
    }


def closed_in(db: sqlite3.Connection) -> set[str]:
    """Spots that people have closed."""
    return {row[0] for row in db.execute("SELECT spot_id FROM closed_spots")}


def read_only(path: Path) -> sqlite3.Connection:
    """The store for readers beside the gateway (CLI, console); keep transactions short.

    A gateway that stopped leaves no log beside the file. Who may not write into its folder, and so
    cannot make one, reads the file as it stands.
    """
    still = not _log_of(path).exists() and not os.access(path.parent, os.W_OK)
    return sqlite3.connect(
        f"file:{path}?mode=ro{'&immutable=1' if still else ''}", uri=True, timeout=5
    )


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
