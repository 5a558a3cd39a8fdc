"""Dead letters: what could not be taken or sent, why, and in what origin. Bounded."""

import sqlite3
from datetime import datetime

from contract.upstream import rfc3339
from gateway.books import LETTERS_FULL, OPERATOR, REPLAYED, Books, of_agent, of_sink

LETTERS_KEPT = 100_000
BYTES_KEPT = 64_000_000
"""A flood of poison must not fill the disk. Beyond, the oldest of the origin that has most go, a
tenth at once, so that a flood pushes out its own; `dead_letters_total` still counts."""

SCHEMA = """
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, origin TEXT NOT NULL,
    agent_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT NULL
);
"""

COUNTED = """
ALTER TABLE dead_letters ADD COLUMN counted INTEGER NOT NULL DEFAULT 1;
UPDATE dead_letters SET counted = 0 WHERE reason IN ('malformed_json', 'oversize', 'wrong_type');
"""
"""`counted`: the letter is a record that was accepted from its agent, or offered to its sink, and
so stands in that one's account."""

SINK = of_sink("")
"""Begins the origin of a letter that an upstream refused."""

_LARGEST = "SELECT origin FROM dead_letters GROUP BY origin ORDER BY SUM({size}) DESC LIMIT 1"
_OLDEST = """
origin = ? AND id <= COALESCE((SELECT MIN(id) FROM (
    SELECT id, SUM({size}) OVER (ORDER BY id) AS older FROM dead_letters WHERE origin = ?
) WHERE older >= ?), 9223372036854775807)
"""


class DeadLetters:
    """The letters in the owner's database; what writes does so in the owner's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._books = Books(db)
        self.reload()

    def reload(self) -> None:
        """Take the sums from the database again, after a rollback."""
        found = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM dead_letters"
        )
        self.kept: int
        self.bytes: int
        self.kept, self.bytes = found.fetchone()

    def bury(
        self,
        at: datetime,
        origin: str,
        agent_id: str,
        reason: str,
        detail: str,
        payload: bytes,
        *,
        counted: bool = True,
    ) -> None:
        """Keep one; where they are too many or too large, others go."""
        self._db.execute(
            "INSERT INTO dead_letters "
            "(received_at, origin, agent_id, reason, detail, payload, counted) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (rfc3339(at), origin, agent_id, reason, detail[:500], payload, counted),
        )
        self.kept += 1
        self.bytes += len(payload)
        if self.kept > LETTERS_KEPT:
            while (excess := self.kept - LETTERS_KEPT * 9 // 10) > 0:
                self._make_room("1", excess)
        if self.bytes > BYTES_KEPT:
            while (excess := self.bytes - BYTES_KEPT * 9 // 10) > 0:
                self._make_room("LENGTH(payload)", excess)

    def drop(self, number: int) -> None:
        """Forget one, counted as dropped by the operator."""
        self._delete("id = ?", (number,), OPERATOR)

    def take_out(self, number: int) -> None:
        """Take one out to be offered again: it is no longer a letter, and no loss."""
        self._delete("id = ?", (number,), REPLAYED)

    def begin_sink(self, name: str) -> None:
        """A sink's cursor is new: letters of an earlier one stand in no account any more."""
        self._db.execute("UPDATE dead_letters SET counted=0 WHERE origin=?", (of_sink(name),))
        self._books.close(of_sink(name))

    def last_id(self) -> int:
        """The newest letter's number ever given."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='dead_letters'")
        return int((row.fetchone() or (0,))[0])

    def counts(self) -> dict[str, int]:
        """How many there are of each reason."""
        rows = self._db.execute("SELECT reason, COUNT(*) FROM dead_letters GROUP BY reason")
        return dict(rows.fetchall())

    def _make_room(self, size: str, excess: int) -> None:
        """The oldest of the largest origin go, as many as make up `excess`, or all it has."""
        (origin,) = self._db.execute(_LARGEST.format(size=size)).fetchone()
        self._delete(_OLDEST.format(size=size), (origin, origin, excess), LETTERS_FULL)

    def _delete(self, where: str, bounds: tuple[int | str, ...], why: str) -> None:
        gone = self._db.execute(
            f"DELETE FROM dead_letters WHERE {where} "
            "RETURNING LENGTH(payload), origin, agent_id, counted",
            bounds,
        )
        for length, origin, agent_id, counted in gone.fetchall():
            self.kept -= 1
            self.bytes -= length
            from_sink = origin.startswith(SINK)
            # What its agent is asked for anew is spooled, or a letter, again: counted there.
            if counted and (from_sink or why != REPLAYED):
                self._books.note(origin if from_sink else of_agent(agent_id), why)
