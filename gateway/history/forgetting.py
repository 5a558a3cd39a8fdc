"""What the file forgets: the oldest first, a little at a time, so that it stays within its bounds.

The newest event of a spot from before the cut stays: it says how what is kept begins.
"""

import sqlite3

from gateway.history.schema import DAY_MS, LOT, QUARTER_MS

ROWS_AT_ONCE = 4000
"""More than a batch brings, so that it keeps up; few enough that nobody waits for it."""

_OLD = f"""
DELETE FROM events WHERE (stream, seq) IN (
    SELECT stream, seq FROM events AS old WHERE at_ms < ?1 AND EXISTS (
        SELECT 1 FROM events AS later
        WHERE later.spot = old.spot AND later.at_ms > old.at_ms AND later.at_ms < ?1
    ) ORDER BY at_ms LIMIT {ROWS_AT_ONCE}
)
"""


def forget(db: sqlite3.Connection, now_ms: int, days: int, max_bytes: int) -> int:
    """In a transaction: forget a part of what is too old or too much; answers the new cut.

    0 days is no limit of age. The last day is kept, whatever it takes.
    """
    (cut_ms,) = db.execute("SELECT before_ms FROM cut").fetchone()
    if db.execute(_OLD, (cut_ms,)).rowcount:
        return int(cut_ms)
    wanted_ms = (now_ms // DAY_MS - days) * DAY_MS if days else 0
    if _bytes(db) > max_bytes:
        wanted_ms = max(wanted_ms, _next_day(db, cut_ms))
    wanted_ms = min(wanted_ms, (now_ms // DAY_MS - 1) * DAY_MS)
    if wanted_ms <= cut_ms:
        return int(cut_ms)
    _cut(db, wanted_ms)
    return int(wanted_ms)


def _cut(db: sqlite3.Connection, before_ms: int) -> None:
    """The sums at once: they are small. The events follow, a part with each call."""
    day, quarter, zones = before_ms // DAY_MS, before_ms // QUARTER_MS, "SELECT id FROM zones"
    db.execute("UPDATE cut SET before_ms = ?", (before_ms,))
    db.execute("DELETE FROM spot_days WHERE day < ?", (day,))
    for zone in (LOT, *(row[0] for row in db.execute(zones).fetchall())):
        db.execute("DELETE FROM dwells WHERE zone = ? AND day < ?", (zone, day))
        db.execute("DELETE FROM quarters WHERE zone = ? AND quarter < ?", (zone, quarter))
    db.execute("DELETE FROM closures WHERE end_ms < ?", (before_ms,))
    db.execute("DELETE FROM silences WHERE MAX(heard_ms, IFNULL(born_ms, 0)) < ?", (before_ms,))


def _bytes(db: sqlite3.Connection) -> int:
    """What the file's pages in use take; those that are free are used again."""
    (pages,), (free,), (size,) = (
        db.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _next_day(db: sqlite3.Connection, cut_ms: int) -> int:
    """Where the cut stands when the oldest day with events is gone."""
    (oldest_ms,) = db.execute(
        "SELECT MIN(at_ms) FROM events WHERE at_ms >= ?", (cut_ms,)
    ).fetchone()
    return cut_ms if oldest_ms is None else (int(oldest_ms) // DAY_MS + 1) * DAY_MS
