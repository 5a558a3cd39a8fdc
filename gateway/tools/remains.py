"""What can be read of a damaged gateway database besides its spool, table by table."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

MAX_FAILURES = 10_000
"""Reads that may fail before the rest of a table is given up."""

Columns = tuple[Any, ...]


@dataclass(slots=True)
class Remains:
    """What was read. A table of which nothing can be read is empty, and is told in `unread`."""

    cursors: dict[str, int] = field(default_factory=dict)
    letters: list[Columns] = field(default_factory=list)
    """(received_at, origin, agent_id, reason, detail, payload)."""
    closed: list[Columns] = field(default_factory=list)
    ledger: list[Columns] = field(default_factory=list)
    spots: list[Columns] = field(default_factory=list)
    devices: list[Columns] = field(default_factory=list)
    device_spots: list[Columns] = field(default_factory=list)
    device_events: list[Columns] = field(default_factory=list)
    configs: list[Columns] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def remains_of(damaged: Path) -> Remains:
    """Read what can be read of the file `damaged`, which is not changed."""
    found = Remains()
    with _opened(damaged) as db:
        cursors = _table(db, found, "spool_cursors", "name, seq")
        found.cursors = {
            name: seq for name, seq in cursors if isinstance(name, str) and isinstance(seq, int)
        }
        letters = "received_at, origin, agent_id, reason, detail, CAST(payload AS BLOB)"
        found.letters = _table(db, found, "dead_letters", letters)
        found.closed = _table(db, found, "closed_spots", "spot_id, since, note")
        found.ledger = _table(
            db, found, "ledger", "event_id, zone_id, lane_id, delta, timestamp, note"
        )
        found.spots = _table(
            db,
            found,
            "spots",
            "spot_id, status, since, confidence, health, health_reason, agent_id, epoch, seq",
        )
        found.devices = _table(
            db, found, "devices", "device_id, kind, name, note, silent_after_s, created, retired"
        )
        found.device_spots = _table(
            db, found, "device_spots", "spot_id, device_id, settled, newest"
        )
        found.device_events = _table(
            db, found, "device_events", "device_id, event_id, at, CAST(print AS BLOB)"
        )
        found.configs = _table(
            db, found, "configs", "agent_id, number, command, said_by, at, state, reason"
        )
    return found


@contextmanager
def _opened(damaged: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{damaged.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        db.text_factory = lambda raw: raw.decode(errors="replace")
        yield db


def _table(db: sqlite3.Connection, found: Remains, table: str, columns: str) -> list[Columns]:
    """The table's rows in the order of their rowids; a span that fails is read in halves."""
    try:
        (first, last) = db.execute(f"SELECT MIN(rowid), MAX(rowid) FROM {table}").fetchone()
    except sqlite3.DatabaseError as error:
        found.unread.append(f"{table}: {error}")
        return []
    if first is None:
        return []
    rows: list[Columns] = []
    spans, failures = [(first, last)], 0
    while spans and failures < MAX_FAILURES:
        low, high = spans.pop()
        try:
            rows += _span(db, table, columns, low, high)
        except sqlite3.DatabaseError:
            failures += 1
            middle = (low + high) // 2
            spans.extend([(middle + 1, high), (low, middle)] if low < high else [])
    if failures:
        found.unread.append(f"{table}: parts of it cannot be read")
    return rows


def _span(db: sqlite3.Connection, table: str, columns: str, low: int, high: int) -> list[Columns]:
    return db.execute(
        f"SELECT {columns} FROM {table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?",
        (low, high, high - low + 1),
    ).fetchall()
