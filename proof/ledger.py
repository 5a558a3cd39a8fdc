"""What was committed, read from the databases behind every step that may have committed.

The truth that the sinks are held to: what an agent's spool took in, and which record of it stands
at which place of which gateway's spool.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from agent.store import AgentStore
from gateway.store import GatewayStore

MANY = 100_000
Place = tuple[str, str, int]
"""(agent, epoch, seq)."""


@dataclass(frozen=True, slots=True)
class Told:
    """A record as its agent committed it."""

    kind: str
    spot: str
    status: str
    boot_id: str
    monotonic_ms: int


@dataclass
class AgentLedger:
    """One agent's records, whatever became of them."""

    agent_id: str
    told: dict[Place, Told] = field(default_factory=dict)
    epochs: list[str] = field(default_factory=list)
    _known: int = 0

    def harvest(self, store: AgentStore) -> int:
        """Take down what was committed since; answers how many records that were."""
        if store.epoch not in self.epochs:
            self.epochs.append(store.epoch)
        if store.spool.last_seq <= self._known:
            return 0
        rows = [row for row in store.spool.read(self._known, MANY) if not row.lost]
        self._known = store.spool.last_seq
        for row in rows:
            place = (self.agent_id, store.epoch, row.seq)
            if place in self.told:
                raise AssertionError(f"{place} used twice")
            self.told[place] = _told(json.loads(row.payload))
        return len(rows)


def _told(body: dict[str, Any]) -> Told:
    return Told(
        body["type"],
        body.get("spot_id", ""),
        body.get("status", ""),
        body["boot_id"],
        body["monotonic_ms"],
    )


@dataclass
class GatewayLedger:
    """One gateway store's records: event id by place, in order."""

    store_id: str
    events: dict[int, str] = field(default_factory=dict)
    words: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Of these, what the gateway itself said: it may come again under the same event id."""
    _known: int = 0

    def harvest(self, store: GatewayStore) -> list[dict[str, Any]]:
        """Take down what was committed since; answers those records."""
        if store.spool.last_seq <= self._known:
            return []
        found = []
        for row in store.spool.read(self._known, MANY):
            if row.lost:
                continue
            body = json.loads(row.payload)
            self.events[row.seq] = body["event_id"]
            if "told_by" in body:
                self.words[row.seq] = body
            found.append(body)
        self._known = store.spool.last_seq
        return found
