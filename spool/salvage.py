"""What can still be read of a damaged spool, row by row, for its owner to take over."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from spool.rows import COLUMNS, Row, row_of

log = logging.getLogger(__name__)

MAX_FAILURES = 100_000
"""Reads that may fail before the rest is given up: some seconds of trying."""

SPAN = """
SELECT MIN(seq), MAX(seq) FROM spool
SELECT 1, seq FROM sqlite_sequence WHERE name='spool'
SELECT 1, MAX(seq) FROM spool_cursors
""".strip().splitlines()
"""Where the seqs begin and end, the best answer first."""


def salvage(damaged: Path) -> list[Row]:
    """The intact rows of the spool in the file `damaged`, in order; what is lost is logged."""
    return list(salvaged(damaged))


def salvaged(damaged: Path) -> Iterator[Row]:
    """The same, a few rows in memory at a time: the file is read twice.

    The file is only read. One that is no database at all gives no rows. A seq that cannot be
    read may never have been there; a row that fails its CRC certainly was.
    """
    try:
        with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as db:
            spans, unreadable = _readable(db, *_span(db))
            intact = bad = 0
            for row in (row for low, high in spans for row in _rows(db, low, high)):
                intact, bad = intact + row.intact, bad + (not row.intact)
                if row.intact:
                    yield row
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter quotes a damaged schema
        log.error("nothing more can be salvaged from %s: %s", damaged, error)
        return
    log.warning(
        "%s: %d rows salvaged, %d damaged, %d sequence numbers unreadable",
        damaged,
        intact,
        bad,
        unreadable,
    )


def _span(db: sqlite3.Connection) -> tuple[int, int]:
    for query in SPAN:
        try:
            first, last = db.execute(query).fetchone() or (None, None)
        except sqlite3.DatabaseError:
            continue
        if first is not None and last is not None:
            return first, last
    raise sqlite3.DatabaseError("neither its rows nor its counters can be found")


def _readable(db: sqlite3.Connection, first: int, last: int) -> tuple[list[tuple[int, int]], int]:
    """The spans that can be read, in order, and how many seqs cannot: one that fails is halved.

    The newer half is tried first, so that what is given up in the end is the oldest.
    """
    found: list[tuple[int, int]] = []
    unreadable = failures = 0
    spans = [(first, last)]
    while spans and failures < MAX_FAILURES:
        low, high = spans.pop()
        try:
            for _ in _rows(db, low, high):
                pass
            found.append((low, high))
        except sqlite3.DatabaseError:
            failures += 1
            middle = (low + high) // 2
            unreadable += low == high
            spans.extend([(low, middle), (middle + 1, high)] if low < high else [])
    return found[::-1], unreadable + sum(high - low + 1 for low, high in spans)


def _rows(db: sqlite3.Connection, low: int, high: int) -> Iterator[Row]:
    # The limit keeps SQLite from looking for one row more, on a page that may be damaged.
    found = db.execute(
        f"SELECT {COLUMNS} FROM spool WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
        (low, high, high - low + 1),
    )
    return map(row_of, found)
