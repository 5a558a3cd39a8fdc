"""Whether a gateway's database is whole: pages, seal, rows, chains, cursors and accounts.

It reads in short steps beside the running gateway; only the checks of the pages and of the seal
are long reads, during which the write-ahead log grows.
"""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.tools.reading import check_schema, one_moment, reading
from gateway.tools.reconcile import reckon
from spool import seal
from spool.rows import COLUMNS, Row, row_of

ROWS_A_STEP = 500
MOST_TOLD = 20
"""Damaged rows that are told one by one."""

Progress = Callable[[str, int, int], None]
"""(what is checked, so much of it, of how much)."""


@dataclass(slots=True)
class Verified:
    """What was looked at, and what is wrong, in words."""

    path: str
    rows: int = 0
    damaged_rows: int = 0
    streams: int = 0
    quarantined: int = 0
    faults: list[str] = field(default_factory=list)
    _last: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        told = asdict(self)
        del told["_last"]
        return {**told, "good": self.good}


def verify(path: Path, progress: Progress = lambda what, done, of: None) -> Verified:
    """Check the database at `path`. Raises Unreadable where there is none to check."""
    found = Verified(str(path))
    with reading(path) as db:
        for check in CHECKS:
            try:
                check(db, found, progress)
            except (sqlite3.DatabaseError, TypeError) as error:  # a column of another type
                found.faults.append(f"{check.__name__.removeprefix('_check_')}: {error}")
    return found


def _check_pages(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    progress("pages", 0, 1)
    for (words,) in db.execute(f"PRAGMA quick_check({MOST_TOLD})"):
        if words != "ok":
            found.faults.append(f"pages: {words}")
    progress("pages", 1, 1)


def _check_seal(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    """That no value is another, in any table, than the gateway wrote."""
    progress("seal", 0, 1)
    with one_moment(db):
        if fault := seal.fault(db):
            found.faults.append(f"seal: {fault}")
    progress("seal", 1, 1)


def _check_schema(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    check_schema(db)


def _check_rows(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    """Each row's CRC, and that each stream goes forward from row to row."""
    (total,) = db.execute("SELECT COUNT(*) FROM spool").fetchone()
    after = -(2**63)
    while rows := _rows_behind(db, after):
        for row in rows:
            _check_row(row, found)
        after = rows[-1].seq
        found.rows += len(rows)
        progress("rows", min(found.rows, total), max(total, 1))
    (found.quarantined,) = db.execute("SELECT COUNT(*) FROM spool_quarantine").fetchone()
    if found.damaged_rows > MOST_TOLD:
        found.faults.append(f"rows: {found.damaged_rows} in all fail their CRC")


def _rows_behind(db: sqlite3.Connection, after: int) -> list[Row]:
    found = db.execute(
        f"SELECT {COLUMNS} FROM spool WHERE seq > ? ORDER BY seq LIMIT ?", (after, ROWS_A_STEP)
    )
    return [row_of(columns) for columns in found.fetchall()]


def _check_row(row: Row, found: Verified) -> None:
    if not row.intact:
        found.damaged_rows += 1
        if found.damaged_rows <= MOST_TOLD:
            found.faults.append(f"rows: row {row.seq} fails its CRC: a bit of it was changed")
    elif not row.lost:
        _check_turn(row, found)


def _check_turn(row: Row, found: Verified) -> None:
    try:
        record = json.loads(row.payload)
        stream, seq = (record["agent_id"], record["epoch"]), record["seq"]
    except (ValueError, KeyError, TypeError):
        return  # none of an agent's
    if record.get("event_type") == "SNAPSHOT" or record.get("historical"):
        return
    before = found._last.get(stream, 0)
    if seq <= before:
        found.faults.append(
            f"chain: row {row.seq} holds {stream[0]}'s record {seq} of epoch {stream[1]} behind "
            f"its record {before}"
        )
    found._last[stream] = max(seq, before)


def _check_streams(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    """No row is ahead of what its stream says is committed: the agent would send it again."""
    streams = {(a, e): seq for a, e, seq in db.execute("SELECT agent_id, epoch, seq FROM streams")}
    found.streams = len(streams)
    for (agent_id, epoch), seq in found._last.items():
        committed = streams.get((agent_id, epoch), 0)
        if seq > committed:
            found.faults.append(
                f"chain: {agent_id}'s epoch {epoch} is committed up to {committed}, and the spool "
                f"holds its record {seq}"
            )


def _check_books(db: sqlite3.Connection, found: Verified, progress: Progress) -> None:
    found.faults += [f"account: {fault}" for fault in reckon(db).faults]


CHECKS = (_check_schema, _check_pages, _check_seal, _check_rows, _check_streams, _check_books)
