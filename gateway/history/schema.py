"""The tables of the history file, its codes, and how it is opened for reading.

Times are milliseconds since 1970 (`_ms`); a quarter is 15 minutes and a day 24 hours, both UTC and
counted since 1970. Rows with the zone `LOT` are of all zones together.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from contract.words import EventType, Status
from gateway.store import read_only

KIND = "history"
"""The kind of the sinks that write such a file."""
QUARTER_MS = 900_000
"""Each zone's time differs from UTC by whole quarters of an hour, before and behind a change."""
DAY_MS = 86_400_000
LOT = 0

STATUSES = (Status.FREE, Status.OCCUPIED, Status.UNKNOWN, Status.CLOSED)
FREE, OCCUPIED, UNKNOWN, CLOSED = range(4)
TYPES = (EventType.ARRIVAL, EventType.DEPARTURE, EventType.STATUS)
ARRIVAL, DEPARTURE, STATUS = range(3)
CLOCKS = ("synced", "unsynced", "estimated")

MIGRATIONS = [
    """
    CREATE TABLE spots (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE zones (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE agents (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY, agent INTEGER NOT NULL, epoch TEXT NOT NULL, UNIQUE (agent, epoch)
    );
    CREATE TABLE watched (
        agent INTEGER NOT NULL, spot INTEGER NOT NULL, PRIMARY KEY (agent, spot)
    ) WITHOUT ROWID;
    CREATE TABLE events (
        stream INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
        spot INTEGER NOT NULL, zone INTEGER NOT NULL, type INTEGER NOT NULL,
        status INTEGER NOT NULL, clock INTEGER NOT NULL, stay_s INTEGER,
        PRIMARY KEY (stream, seq)
    ) WITHOUT ROWID;
    CREATE INDEX by_time ON events (at_ms, type);
    CREATE INDEX by_zone ON events (zone, at_ms, type);
    CREATE INDEX by_doubt ON events (at_ms) WHERE type = 2;
    CREATE INDEX by_spot ON events (spot, at_ms, status, zone);
    CREATE TABLE closures (
        spot INTEGER NOT NULL, begin_ms INTEGER NOT NULL, end_ms INTEGER,
        PRIMARY KEY (spot, begin_ms)
    ) WITHOUT ROWID;
    CREATE TABLE silences (
        agent INTEGER NOT NULL, begin_ms INTEGER NOT NULL, heard_ms INTEGER, born_ms INTEGER,
        PRIMARY KEY (agent, begin_ms)
    ) WITHOUT ROWID;
    CREATE TABLE quarters (
        zone INTEGER NOT NULL, quarter INTEGER NOT NULL,
        free_ms INTEGER NOT NULL, occupied_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL,
        arrivals INTEGER NOT NULL, departures INTEGER NOT NULL,
        PRIMARY KEY (zone, quarter)
    ) WITHOUT ROWID;
    CREATE TABLE spot_days (
        day INTEGER NOT NULL, spot INTEGER NOT NULL,
        free_ms INTEGER NOT NULL, occupied_ms INTEGER NOT NULL, closed_ms INTEGER NOT NULL,
        PRIMARY KEY (day, spot)
    ) WITHOUT ROWID;
    CREATE TABLE dwells (
        zone INTEGER NOT NULL, day INTEGER NOT NULL, bin INTEGER NOT NULL,
        stays INTEGER NOT NULL, sum_s INTEGER NOT NULL,
        PRIMARY KEY (zone, day, bin)
    ) WITHOUT ROWID;
    CREATE TABLE cut (before_ms INTEGER NOT NULL);
    INSERT INTO cut VALUES (0);
    """,
]
"""`silences`: of an agent, from its last sign of life. `heard_ms` ends one; only where the agent
was born anew in it (`born_ms`) had it stopped seeing. `cut`: nothing before is kept."""

SILENT = """
SELECT begin_ms, IFNULL(born_ms, 9223372036854775807) FROM silences
WHERE agent = ? AND begin_ms < ? AND (heard_ms IS NULL OR born_ms IS NOT NULL)
AND IFNULL(born_ms, 9223372036854775807) > ? ORDER BY begin_ms
"""
"""(agent, end, begin) -> when it saw nothing, between the two."""

SHUT = """
SELECT begin_ms, IFNULL(end_ms, 9223372036854775807) FROM closures
WHERE spot = ? AND begin_ms < ? AND IFNULL(end_ms, 9223372036854775807) > ? ORDER BY begin_ms
"""
"""(spot, end, begin) -> when people had closed it, between the two."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to a history file, at one moment of it. Keep it short.

    Raises FileNotFoundError, sqlite3.Error, and RuntimeError where another release wrote it.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with closing(read_only(path)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != len(MIGRATIONS):
            raise RuntimeError(
                f"{path} is of schema {version}, this release reads {len(MIGRATIONS)}: start the "
                "gateway of this release once, or use the console of the release that wrote it"
            )
        yield connection
