"""Dead letters: what could not be taken or sent, why, and in what origin. Bounded."""

import sqlite3
from datetime import datetime

from contract.upstream import rfc3339
from gateway.books import LETTERS_FULL, OPERATOR, REPLAYED, Books, of_agent, of_sink

LETTERS_KEPT = 100_000
BYTES_KEPT = 64_000_000
"""A flood of poison must not fill the disk: the oldest go; `dead_letters_total` still counts."""

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

_TOO_MANY = "id <= (SELECT MAX(id) FROM dead_letters) - ?"
_TOO_LARGE = """
id <= (SELECT MAX(id) FROM (
    SELECT id, SUM(LENGTH(payload)) OVER (ORDER BY id DESC) AS newer FROM dead_letters
) WHERE newer > ?)
"""


class DeadLetters:
    """The letters in the owner's database; what writes does so in the owner's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._books = Books(db)
        self.reload()

    def reload(self) -> None:
        """Take the count of bytes from the database again, after a rollback."""
        found = self._db.execute("SELECT COALESCE(SUM(LENGTH(payload)), 0) FROM dead_letters")
        self.bytes: int = found.fetchone()[0]

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
        """Keep one; the oldest go where there are too many, or a tenth where they are too large."""
        self._db.execute(
            "INSERT INTO dead_letters "
            "(received_at, origin, agent_id, reason, detail, payload, counted) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (rfc3339(at), origin, agent_id, reason, detail[:500], payload, counted),
        )
        self.bytes += len(payload)
        self._delete(_TOO_MANY, LETTERS_KEPT, LETTERS_FULL)
        if self.bytes > BYTES_KEPT:
            self._delete(_TOO_LARGE, BYTES_KEPT * 9 // 10, LETTERS_FULL)

    def drop(self, number: int) -> None:
        """Forget one, counted as dropped by the operator."""
        self._delete("id = ?", number, OPERATOR)

    def take_out(self, number: int) -> None:
        """Take one out to be offered again: it is no longer a letter, and no loss."""
        self._delete("id = ?", number, REPLAYED)

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

    def _delete(self, where: str, bound: int, why: str) -> None:
        gone = self._db.execute(
            f"DELETE FROM dead_letters WHERE {where} "
            "RETURNING LENGTH(payload), origin, agent_id, counted",
            (bound,),
        )
        for length, origin, agent_id, counted in gone.fetchall():
            self.bytes -= length
            from_sink = origin.startswith(SINK)
            # What its agent is asked for anew is spooled, or a letter, again: counted there.
            if counted and (from_sink or why != REPLAYED):
                self._books.note(origin if from_sink else of_agent(agent_id), why)
