"""The alerts that stand, and those that are over: in the store, and owed to their topics.

Written only where something changed, by the caller's transaction; a topic is owed what it should
hold until it was published behind the commit.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contract.alerts import Alert
from contract.upstream import rfc3339
from contract.words import Kind
from gateway.alerts.engine import Change, State, is_open

SCHEMA = """
CREATE TABLE alerts (
    alert_id TEXT NOT NULL, raised_at TEXT NOT NULL, over INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (alert_id, raised_at)
) WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_standing ON alerts (alert_id) WHERE over = 0;
CREATE TABLE vehicles (spot_id TEXT PRIMARY KEY, arrived TEXT NOT NULL, kinds TEXT NOT NULL);
"""
ALERTS_KEPT = 10_000
"""So many that are over are kept, the newest."""


class AlertBook:
    """The engine's state in the owner's database. Used by one thread."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.owed: dict[str, bytes] = {}
        self.tell: Callable[[Sequence[Change]], None] = lambda changes: None
        """Called within the transaction that keeps the changes."""
        self.reload()

    def reload(self) -> None:
        """Take the state from the database, after a rollback too."""
        rows = self._db.execute(
            "SELECT body FROM alerts WHERE over = 0 ORDER BY raised_at, alert_id"
        )
        alerts = [Alert.model_validate_json(body) for (body,) in rows]
        self.state = State({alert.alert_id: alert for alert in alerts})

    def vehicles(self) -> dict[str, tuple[str, frozenset[Kind]]]:
        """What was said of vehicles by spot: (its stay's arrival, what the vehicle may use)."""
        rows = self._db.execute("SELECT spot_id, arrived, kinds FROM vehicles")
        return {
            spot_id: (arrived, frozenset(Kind(kind) for kind in kinds.split()))
            for spot_id, arrived, kinds in rows
        }

    def say_vehicle(self, spot_id: str, arrived: str, kinds: Iterable[Kind]) -> None:
        """In a transaction: what the vehicle may use that came to `spot_id` at `arrived`."""
        self._db.execute(
            "INSERT OR REPLACE INTO vehicles VALUES (?, ?, ?)",
            (spot_id, arrived, " ".join(sorted(kinds))),
        )

    @property
    def open(self) -> list[Alert]:
        """What people are to be shown, the worst first."""
        shown = [alert for alert in self.state.alerts.values() if is_open(alert)]
        return sorted(shown, key=lambda alert: (-alert.severity.rank, alert.since, alert.alert_id))

    def take(self, state: State, changes: Sequence[Change]) -> None:
        """In a transaction where there are changes: the engine's new state."""
        for change in changes:
            self._write(change)
            self.owed[change.alert.alert_id] = _shown(change.alert)
        self.tell(changes)
        self.state = state

    def owe_all(self) -> None:
        """The broker may have forgotten everything."""
        self.owed.update((alert.alert_id, _shown(alert)) for alert in self.open)

    def disown(self, alert_id: str) -> None:
        """Somebody's broker still shows this alert: it is ended there where it is not open here."""
        alert = self.state.alerts.get(alert_id)
        if alert is None or not is_open(alert):
            self.owed.setdefault(alert_id, b"")

    def past(self, limit: int) -> list[Alert]:
        """The newest that are over or that a person has resolved, the newest first."""
        rows = self._db.execute(
            "SELECT body FROM alerts WHERE over = 1 ORDER BY raised_at DESC LIMIT ?", (limit,)
        )
        over = [Alert.model_validate_json(body) for (body,) in rows]
        standing = [alert for alert in self.state.alerts.values() if not is_open(alert)]
        found = sorted([*standing, *over], key=_raised_at, reverse=True)
        return found[:limit]

    def _write(self, change: Change) -> None:
        alert = change.alert
        self._db.execute(
            "INSERT INTO alerts VALUES (?, ?, ?, ?) ON CONFLICT (alert_id, raised_at) "
            "DO UPDATE SET over = excluded.over, body = excluded.body",
            (
                alert.alert_id,
                _raised_at(alert),
                change.over,
                alert.model_dump_json(exclude_none=True),
            ),
        )
        if change.over:
            self._db.execute(
                "DELETE FROM alerts WHERE over = 1 AND (raised_at, alert_id) <= ("
                "SELECT raised_at, alert_id FROM alerts WHERE over = 1 "
                "ORDER BY raised_at DESC, alert_id DESC LIMIT 1 OFFSET ?)",
                (ALERTS_KEPT,),
            )


def as_dict(alert: Alert) -> dict[str, Any]:
    """For programs."""
    return alert.model_dump(mode="json", exclude_none=True)


def _raised_at(alert: Alert) -> str:
    return rfc3339(alert.raised_at or alert.since)


def _shown(alert: Alert) -> bytes:
    return alert.model_dump_json(exclude_none=True).encode() if is_open(alert) else b""
