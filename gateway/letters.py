"""Dead letters: what could not be taken or sent, why, and in what origin. Bounded."""

import sqlite3
from datetime import datetime

from contract.upstream import rfc3339

LETTERS_KEPT = 100_000
BYTES_KEPT = 64_000_000
"""A flood of poison must not fill the disk: the oldest go; `dead_letters_total` still counts."""

SCHEMA = """
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT NOT NULL, origin TEXT NOT NULL,
    agent_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, payload BLOB NOT NULL
);
"""

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
        self.reload()

    def reload(self) -> None:
        """Take the count of bytes from the database again, after a rollback."""
        found = self._db.execute("SELECT COALESCE(SUM(LENGTH(payload)), 0) FROM dead_letters")
        self.bytes: int = found.fetchone()[0]

    def bury(
        self, at: datetime, origin: str, agent_id: str, reason: str, detail: str, payload: bytes
    ) -> None:
        """Keep one; the oldest go where there are too many, or a tenth where they are too large."""
        self._db.execute(
            "INSERT INTO dead_letters (received_at, origin, agent_id, reason, detail, payload) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (rfc3339(at), origin, agent_id, reason, detail[:500], payload),
        )
        self.bytes += len(payload)
        self._delete(_TOO_MANY, LETTERS_KEPT)
        if self.bytes > BYTES_KEPT:
            self._delete(_TOO_LARGE, BYTES_KEPT * 9 // 10)

    def drop(self, number: int) -> None:
        """Forget one."""
        self._delete("id = ?", number)

    def counts(self) -> dict[str, int]:
        """How many there are of each reason."""
        rows = self._db.execute("SELECT reason, COUNT(*) FROM dead_letters GROUP BY reason")
        return dict(rows.fetchall())

    def _delete(self, where: str, bound: int) -> None:
        gone = self._db.execute(
            f"DELETE FROM dead_letters WHERE {where} RETURNING LENGTH(payload)", (bound,)
        )
        self.bytes -= sum(row[0] for row in gone.fetchall())
