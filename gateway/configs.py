"""The configuration that is desired of each agent: every revision, and what became of it.

    sent --the agent tries it--> trial --> applied
      |                            +-----> rolled_back
      +--> refused        each of them --> superseded, unless it had ended

A revision is a number and a checksum of what it desires, so that two gateways' revisions are told
apart. The newest of an agent stands retained on its command topic, and is owed to it until then.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from contract.commands import Configure

SCHEMA = """
CREATE TABLE configs (
    agent_id TEXT NOT NULL, number INTEGER NOT NULL, command TEXT NOT NULL,
    said_by TEXT NOT NULL, at TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (agent_id, number)
);
"""
REVISIONS_KEPT = 50
"""Of each agent."""
UNDER_WAY = ("sent", "trial")


@dataclass(frozen=True, slots=True)
class Revision:
    """One of an agent's. `at` is RFC 3339; `state` and `reason` are the agent's last word."""

    agent_id: str
    number: int
    command: Configure
    by: str
    at: str
    state: str = "sent"
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """For programs, without what it desires."""
        return {
            "agent_id": self.agent_id,
            "revision": self.command.revision,
            "by": self.by,
            "at": self.at,
            "state": self.state,
            "reason": self.reason,
        }


class Configs:
    """In the owner's database. Used by one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.owed: set[str] = set()
        """Agents whose command topic does not hold their newest revision, or may not."""
        self.reload()

    def reload(self) -> None:
        """Take the newest from the database, after a rollback too."""
        rows = self._db.execute(
            "SELECT agent_id, MAX(number), command, said_by, at, state, reason "
            "FROM configs GROUP BY agent_id"
        )
        self.newest = {row[0]: _revision(row) for row in rows}

    def owe_all(self) -> None:
        """The broker may have forgotten everything."""
        self.owed.update(self.newest)

    def desire(
        self, agent_id: str, config: dict[str, Any], trial_s: float, by: str, at: str
    ) -> Revision:
        """In a transaction: a new revision. Raises pydantic's ValidationError."""
        before = self.newest.get(agent_id)
        number = before.number + 1 if before else 1
        text = json.dumps(config, sort_keys=True)
        name = f"{number}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        command = Configure(transaction=name, revision=name, config=config, trial_s=trial_s)
        made = Revision(agent_id, number, command, by, at)
        self._db.execute(
            "UPDATE configs SET state='superseded' WHERE agent_id=? AND state IN (?, ?)",
            (agent_id, *UNDER_WAY),
        )
        self._db.execute(
            "INSERT INTO configs VALUES (?, ?, ?, ?, ?, 'sent', '')",
            (agent_id, number, command.model_dump_json(), by, at),
        )
        self._db.execute(
            "DELETE FROM configs WHERE agent_id=? AND number <= ?",
            (agent_id, number - REVISIONS_KEPT),
        )
        self.newest[agent_id] = made
        self.owed.add(agent_id)
        return made

    def take_over(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """In a transaction: the newest of another store's revisions, of agents without one here.

        Answers of how many agents; what is none, because it was damaged, is passed over.
        """
        good = [row for row in rows if _is_whole(row)]
        found = {row[0]: row for row in sorted(good, key=lambda row: row[1])}
        taken = [row for agent_id, row in found.items() if agent_id not in self.newest]
        self._db.executemany("INSERT INTO configs VALUES (?, ?, ?, ?, ?, ?, ?)", taken)
        self.reload()
        return len(taken)

    def is_news(self, agent_id: str, revision: str | None, state: str, reason: str) -> bool:
        """Whether an agent says something new of the revision that is desired of it."""
        newest = self.newest.get(agent_id)
        if newest is None or newest.command.revision != revision:
            return False
        return (newest.state, newest.reason) != (state, reason)

    def note(self, agent_id: str, state: str, reason: str) -> None:
        """In a transaction: what has become of the revision that is desired of an agent."""
        newest = self.newest[agent_id]
        self._db.execute(
            "UPDATE configs SET state=?, reason=? WHERE agent_id=? AND number=?",
            (state, reason, agent_id, newest.number),
        )
        self.reload()

    def of(self, agent_id: str) -> list[Revision]:
        """An agent's revisions, the newest first."""
        rows = self._db.execute(
            "SELECT agent_id, number, command, said_by, at, state, reason FROM configs "
            "WHERE agent_id=? ORDER BY number DESC",
            (agent_id,),
        )
        return [_revision(row) for row in rows]


def _revision(row: tuple[Any, ...]) -> Revision:
    agent_id, number, command, by, at, state, reason = row
    desired = Configure.model_validate_json(command)
    return Revision(agent_id, number, desired, by, at, state, reason)


def _is_whole(row: tuple[Any, ...]) -> bool:
    agent_id, number, command, *words = row
    if not isinstance(number, int) or not all(isinstance(each, str) for each in (agent_id, *words)):
        return False
    try:
        Configure.model_validate_json(command)
    except (ValueError, TypeError):
        return False
    return True
