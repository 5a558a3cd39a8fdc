"""What is older than is kept goes: whole months of events and stays, and what belongs to them.

Nothing that old is taken in any more (`cloud.present.sort`), so no month comes back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from psycopg import sql

from cloud.statements import PARTITIONS_LOCK

PATIENCE_S = 5
"""For a lock: who waits for it makes the consumers wait behind."""
MARGIN = timedelta(days=1)
"""Consumers' clocks are not ours: what one of them still takes must find its month."""
AHEAD = timedelta(days=31)

_MONTHS = """
SELECT c.relname, pg_total_relation_size(c.oid), a.months_end FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month')
    AT TIME ZONE 'UTC' AS months_end) a
WHERE i.inhparent IN ('events'::regclass, 'sessions'::regclass) AND a.months_end <= %s
ORDER BY a.months_end, c.relname
"""
_ROWS = {
    "count_ledger": "at < %s",  # their sums stay in counts
    "alerts": "state = 'resolved' AND at < %s",
    "dead_letters": "at < %s",
}


@dataclass(frozen=True, slots=True)
class Gone:
    """What goes, or would: a month's table with its bytes, or so many rows of a table."""

    table: str
    bytes: int | None = None
    rows: int | None = None

    def __str__(self) -> str:
        size = f"{self.rows} rows" if self.bytes is None else f"{self.bytes / 1e6:.1f} MB"
        return f"{self.table}: {size}"


def stale(conn: psycopg.Connection, keep: timedelta, now: datetime) -> list[Gone]:
    """What is older than `keep`. Raises psycopg.Error."""
    before = now - keep - MARGIN
    months = [Gone(name, bytes=size) for name, size, _ in conn.execute(_MONTHS, (before,))]
    return months + [
        Gone(table, rows=count)
        for table, old in _ROWS.items()
        for (count,) in conn.execute(
            f"SELECT count(*) FROM {table} WHERE {old}".encode(), (before,)
        )
        if count
    ]


def retain(conn: psycopg.Connection, keep: timedelta, now: datetime) -> list[Gone]:
    """Let go what is older than `keep`, and make this month's tables and the next's.

    A month a transaction: what is done stays done. Raises psycopg.Error; LockNotAvailable where a
    consumer holds a month for longer than `PATIENCE_S`.
    """
    gone = stale(conn, keep, now)
    for each in gone:
        if each.bytes is not None:
            _drop(conn, each.table)
        else:
            old = f"DELETE FROM {each.table} WHERE {_ROWS[each.table]}"
            conn.execute(old.encode(), (now - keep - MARGIN,))
    with conn.transaction():
        _be_alone(conn)
        conn.execute("SELECT make_partitions(%s, %s)", (now.date(), (now + AHEAD).date()))
    return gone


def _drop(conn: psycopg.Connection, table: str) -> None:
    with conn.transaction():
        _be_alone(conn)
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table)))


def _be_alone(conn: psycopg.Connection) -> None:
    """In a transaction: no other process makes or drops months meanwhile."""
    conn.execute(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'".encode())
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (PARTITIONS_LOCK,))
