"""What was changed, by whom: written before the gateway is asked, ended when it has answered.

An entry whose outcome is still `asked` is of a process that was killed meanwhile: what became of it
stands in the gateway's own store, under the transaction.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console.database import opened
from console.tokens import Token
from contract.upstream import rfc3339

OUTCOME_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `outcome` is asked, done, `no_answer`, or refused with the gateway's words."""

    id: int
    at: str
    token_id: str
    who: str
    lot_id: str
    action: str
    data: dict[str, Any]
    outcome: str


class Audit:
    """The audit log in the console's database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, token: Token, lot_id: str, action: str, data: dict[str, Any]) -> int:
        """Say what is about to be asked; answers the entry's id."""
        at = rfc3339(datetime.now(UTC))
        row = (at, token.token_id, token.name, lot_id, action, json.dumps(data), "asked")
        with opened(self._path) as db:
            made = db.execute(
                "INSERT INTO audit (at, token_id, who, lot_id, action, data, outcome) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        assert made.lastrowid is not None
        return made.lastrowid

    def end(self, entry_id: int, outcome: str) -> None:
        """Say what came of it."""
        with opened(self._path) as db:
            db.execute(
                "UPDATE audit SET outcome=? WHERE id=?", (outcome[:OUTCOME_CHARACTERS], entry_id)
            )

    def newest(self, limit: int, offset: int) -> tuple[list[Entry], int]:
        """A part of the log, the newest first, and how many entries there are."""
        with opened(self._path) as db:
            rows = db.execute(
                "SELECT id, at, token_id, who, lot_id, action, data, outcome FROM audit "
                "ORDER BY id DESC LIMIT ? OFFSET ?",
                (limit, offset),
            ).fetchall()
            (total,) = db.execute("SELECT COUNT(*) FROM audit").fetchone()
        found = [
            Entry(number, at, token_id, who, lot_id, action, json.loads(data), outcome)
            for number, at, token_id, who, lot_id, action, data, outcome in rows
        ]
        return found, total
