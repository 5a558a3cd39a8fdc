"""The console's SQLite files: what several processes of it share.

A connection is opened for each use: nothing is held between requests, and a process that is
killed leaves at most a transaction that SQLite rolls back.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

KEPT = """
CREATE TABLE IF NOT EXISTS tokens (
    token_id TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, hash BLOB NOT NULL,
    created TEXT NOT NULL, expires TEXT, revoked TEXT
);
CREATE TABLE IF NOT EXISTS token_devices (
    token_id TEXT NOT NULL, device TEXT NOT NULL, PRIMARY KEY (token_id, device)
);
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, token_id TEXT NOT NULL,
    who TEXT NOT NULL, lot_id TEXT NOT NULL, action TEXT NOT NULL, data TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS targets (
    target_id INTEGER PRIMARY KEY AUTOINCREMENT, lot_id TEXT NOT NULL, zone_id TEXT,
    weekdays TEXT NOT NULL, from_hour INTEGER NOT NULL, to_hour INTEGER NOT NULL,
    occupancy REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS people (
    name TEXT PRIMARY KEY, scope TEXT NOT NULL, hash BLOB NOT NULL, created TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS sessions (
    hash BLOB PRIMARY KEY, name TEXT NOT NULL, expires TEXT NOT NULL
);
"""
COUNTED = """
CREATE TABLE IF NOT EXISTS windows (
    subject TEXT PRIMARY KEY, minute INTEGER NOT NULL, count INTEGER NOT NULL
) WITHOUT ROWID;
"""
BUSY_S = 5.0


def make(path: Path, schema: str) -> None:
    """Make the file with `schema` if it is absent, for its owner alone. Raises sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(schema)


@contextmanager
def opened(path: Path, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
    """A connection whose statements are one transaction: committed, or undone by an exception."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=BUSY_S)) as connection:
        connection.execute(f"PRAGMA synchronous={synchronous}")
        with connection:
            yield connection
