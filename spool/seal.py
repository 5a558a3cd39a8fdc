"""The seal: one number over all rows, kept by every writer and reckoned anew at each start.

SQLite sees a page that is wrong in itself. It does not see a value that a flipped bit has made
another value, nor a page that is an older one: a disk that says it has synced, and has not,
leaves such a mixture behind a power cut. Both break the sum of the rows' CRCs.

    seal = sum of CRC-32 of each row of each table + CRC-32 of the schema and its version

The spool's rows count with their seqs alone: each has a CRC of its own, and one that is damaged
is set aside by itself. The number stands in `sqlite_sequence`, on a page that every append
writes anyway. Triggers of the connection keep it, so `open_database` is the only way to write;
after a change by hand, `DELETE FROM sqlite_sequence WHERE name='seal'` has it made anew.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence

NAME = "seal"
UNSEALED = {"sqlite_sequence", "spool_quarantine"}
"""Quarantine is for people to look at: nothing is decided by it."""

_SPOOLED = "{0}seq * 2654435761 % 4294967296"
"""Knuth's multiplicative hash, so that other seqs of the same sum are another seal."""


def row_crc(*values: object) -> int:
    """CRC-32 over what a row says, each value with its type."""
    return zlib.crc32(repr(values).encode())


def keep(connection: sqlite3.Connection) -> None:
    """From now on the connection keeps the seal; made here where there is none."""
    connection.create_function("row_crc", -1, row_crc, deterministic=True)
    if not _has_sequences(connection):
        return
    connection.execute("PRAGMA recursive_triggers=ON")  # else REPLACE removes rows unseen
    if _kept(connection) is None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (NAME, _reckoned(connection))
        )
        connection.execute("COMMIT")
    for table, value_of in _tables(connection):
        for name, sign, row in (("insert", "+", "NEW."), ("delete", "-", "OLD.")):
            _trigger(connection, table, name, f"{sign} {value_of(row)}")
        if table != "spool":
            change = f"- {value_of('OLD.')} + {value_of('NEW.')}"
            _trigger(connection, table, "update", change)


def take_off(connection: sqlite3.Connection) -> None:
    """Before the schema changes: `keep` makes the seal anew."""
    if _has_sequences(connection):
        connection.execute("DELETE FROM sqlite_sequence WHERE name=?", (NAME,))


def fault(connection: sqlite3.Connection) -> str | None:
    """What is wrong with the database, or None. Raises sqlite3.DatabaseError of a damaged page."""
    verdict: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        return verdict
    if not _has_sequences(connection):
        counted = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
        table = connection.execute(counted).fetchone()
        return f"table {table[0]} has lost its counter" if table else None
    columns = [row[1] for row in connection.execute("PRAGMA table_info(sqlite_sequence)")]
    if columns != ["name", "seq"]:
        return f"its table of counters has the columns {columns}"
    return _broken(connection) or _reused(connection) or _unbalanced(connection)


def _broken(connection: sqlite3.Connection) -> str | None:
    connection.create_function("row_crc", -1, row_crc, deterministic=True)
    kept = _kept(connection)
    if kept is None:
        return None
    try:
        reckoned = _reckoned(connection)
    except sqlite3.OperationalError as error:
        # A text that is none: Python's own error, without a code, or its function's.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) != sqlite3.SQLITE_ERROR:
            raise
        return f"a row cannot be read: {error}"
    return None if kept == reckoned else f"its seal is {kept}, its rows make {reckoned}"


def _reused(connection: sqlite3.Connection) -> str | None:
    """A number that is given away already would be given again."""
    if not _has(connection, "spool"):
        return None
    newest = connection.execute("SELECT IFNULL(MAX(seq), 0) FROM spool").fetchone()[0]
    last = _last_seq(connection)
    return f"the spool ends at {newest}, its counter at {last}" if newest > last else None


def _unbalanced(connection: sqlite3.Connection) -> str | None:
    """A cursor whose account does not hold: rows are missing, or the spool's counter is another."""
    if not _has(connection, "spool_cursors"):
        return None
    found = connection.execute(
        "SELECT name, ? - origin, delivered + dead_lettered + dropped + "
        "(SELECT COUNT(*) FROM spool WHERE spool.seq > spool_cursors.seq AND lost = 0) "
        "FROM spool_cursors",
        (_last_seq(connection),),
    )
    for name, appended, accounted in found:
        if appended != accounted:
            return f"cursor {name}: {appended} records appended, {accounted} accounted for"
    return None


def _last_seq(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='spool'").fetchone()
    return int(row[0]) if row else 0


def _has_sequences(connection: sqlite3.Connection) -> bool:
    return _has(connection, "sqlite_sequence")


def _has(connection: sqlite3.Connection, table: str) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name=?", (table,))
    return found.fetchone() is not None


def _kept(connection: sqlite3.Connection) -> int | None:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (NAME,)).fetchone()
    return row[0] if row else None


def _reckoned(connection: sqlite3.Connection) -> int:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    total = row_crc(version, sorted(schema, key=repr))
    for table, value_of in _tables(connection):
        query = f"SELECT IFNULL(SUM({value_of('')}), 0) FROM {table}"
        total += connection.execute(query).fetchone()[0]
    return total


def _tables(connection: sqlite3.Connection) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Each table, and what a row adds to the seal: an expression, given the row's prefix."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
    for (table,) in tables:
        if table in UNSEALED:
            continue
        info = connection.execute(f"PRAGMA table_info({table})").fetchall()
        yield table, _value_of(table, [column[1] for column in info])


def _value_of(table: str, columns: Sequence[str]) -> Callable[[str], str]:
    if table == "spool":
        return _SPOOLED.format
    return lambda row: f"row_crc('{table}', {', '.join(row + column for column in columns)})"


def _trigger(connection: sqlite3.Connection, table: str, event: str, change: str) -> None:
    connection.execute(
        f"CREATE TEMP TRIGGER seal_{table}_{event} AFTER {event} ON main.{table} BEGIN "
        f"UPDATE sqlite_sequence SET seq = seq {change} WHERE name='{NAME}'; END"
    )
