"""The numbers that stand for names in the history file."""

import sqlite3
from typing import Literal

Table = Literal["spots", "zones", "agents"]


class Names:
    """Finds and makes them, in the owner's transaction; make a new one behind a rollback."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[tuple[str, str], int] = {}
        self._streams: dict[tuple[str, str], int] = {}
        self._agents: dict[int, int] = {}
        self._watched = set(db.execute("SELECT agent, spot FROM watched"))

    def of(self, table: Table, name: str) -> int:
        """The number of a spot, a zone or an agent."""
        known = self._known.get((table, name))
        if known is None:
            self._db.execute(f"INSERT OR IGNORE INTO {table} (name) VALUES (?)", (name,))
            row = self._db.execute(f"SELECT id FROM {table} WHERE name = ?", (name,)).fetchone()
            known = self._known[table, name] = int(row[0])
        return known

    def stream(self, agent_id: str, epoch: str) -> int:
        """The number of an agent's stream."""
        known = self._streams.get((agent_id, epoch))
        if known is None:
            agent = self.of("agents", agent_id)
            self._db.execute(
                "INSERT OR IGNORE INTO streams (agent, epoch) VALUES (?, ?)", (agent, epoch)
            )
            row = self._db.execute(
                "SELECT id FROM streams WHERE agent = ? AND epoch = ?", (agent, epoch)
            ).fetchone()
            known = self._streams[agent_id, epoch] = int(row[0])
        return known

    def agent_of(self, stream: int) -> int:
        """The number of the agent whose stream it is; another process may have brought it in."""
        if stream not in self._agents:
            self._agents = dict(self._db.execute("SELECT id, agent FROM streams").fetchall())
        return self._agents[stream]

    def watch(self, stream: int, spot: int) -> None:
        """Its agent has spoken of the spot."""
        pair = self.agent_of(stream), spot
        if pair not in self._watched:
            self._watched.add(pair)
            self._db.execute("INSERT OR IGNORE INTO watched VALUES (?, ?)", pair)

    def spots_of(self, agent: int) -> list[int]:
        """The spots that it has ever spoken of."""
        return [spot for watcher, spot in self._watched if watcher == agent]
