"""Who is told of an alert, and when: the queue of notices in the store, and its timetable.

A notice is put down in the transaction that changed its alert, so that none is lost or told of
what never was. It is due at once, unless its alert can wait: then at the end of the target's quiet
hours, or with the others that gather in `digest_s`.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contract.alerts import Alert, AlertState, Severity
from contract.upstream import rfc3339
from gateway.alerts.engine import Change, What
from gateway.config import NotifySettings

log = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE notices (
    number INTEGER PRIMARY KEY, target TEXT NOT NULL, due_at TEXT NOT NULL, body TEXT NOT NULL
);
"""
NOTICES_KEPT = 1_000
"""So many may wait for a target that cannot be reached; the oldest go."""
AT_ONCE = 50
"""Notices in one message."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One waiting notice."""

    number: int
    what: What
    alert: Alert


def wanted(settings: NotifySettings, change: Change) -> bool:
    """Whether a target is told of a change: raised or worse, and resolved if it asks for that."""
    if change.alert.severity.rank < settings.least.rank:
        return False
    if change.what is What.RESOLVED:
        return settings.resolved
    worse = change.what is What.CHANGED and change.alert.state is AlertState.RAISED
    return change.what is What.RAISED or worse


def due_at(
    settings: NotifySettings,
    severity: Severity,
    now: datetime,
    zone: ZoneInfo | None,
    gathering: datetime | None,
) -> datetime:
    """When to tell. `gathering` is when the notices that already wait are due, if any do.

    Without a `zone` the wall clock is not known, and no hour is quiet.
    """
    if severity.rank >= settings.urgent.rank:
        return now
    due = gathering if gathering and gathering > now else now + timedelta(seconds=settings.digest_s)
    begin, end = settings.quiet_from, settings.quiet_to
    if begin is None or end is None or zone is None:
        return due
    return quiet_until(begin, end, due, zone) or due


def quiet_until(begin: time, end: time, at: datetime, zone: ZoneInfo) -> datetime | None:
    """The end (UTC) of the quiet hours that `at` lies in, None outside them.

    They are of the wall clock: the night in which the clocks change is an hour longer or shorter.
    """
    wall = at.astimezone(zone)
    clock = wall.time().replace(tzinfo=None)
    over_midnight = end <= begin
    inside = clock >= begin or clock < end if over_midnight else begin <= clock < end
    if not inside:
        return None
    day = wall.date() + timedelta(days=over_midnight and clock >= begin)
    return datetime.combine(day, end, zone).astimezone(UTC)


class Outbox:
    """The waiting notices. What writes does so in the owner's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(
        self,
        targets: Iterable[NotifySettings],
        changes: Sequence[Change],
        now: datetime,
        zone: ZoneInfo | None,
    ) -> None:
        """Put down who is to be told of what."""
        for target in targets:
            for change in changes:
                if wanted(target, change):
                    self._put(target, change, now, zone)

    def _put(
        self, target: NotifySettings, change: Change, now: datetime, zone: ZoneInfo | None
    ) -> None:
        due = due_at(target, change.alert.severity, now, zone, self._gathering(target.name))
        body = {"what": change.what.value, "alert": change.alert.model_dump(mode="json")}
        self._db.execute(
            "INSERT INTO notices (target, due_at, body) VALUES (?, ?, ?)",
            (target.name, rfc3339(due), json.dumps(body, separators=(",", ":"))),
        )
        dropped = self._db.execute(
            "DELETE FROM notices WHERE number IN (SELECT number FROM notices WHERE target = ? "
            "ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (target.name, NOTICES_KEPT),
        ).rowcount
        if dropped:
            log.error("%s is not reached: %d notices given up", target.name, dropped)

    def _gathering(self, target: str) -> datetime | None:
        row = self._db.execute(
            "SELECT MAX(due_at) FROM notices WHERE target = ?", (target,)
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def due(self, target: str, now: datetime) -> list[Notice]:
        """What is to be told now, the oldest first."""
        rows = self._db.execute(
            "SELECT number, body FROM notices WHERE target = ? AND due_at <= ? "
            "ORDER BY number LIMIT ?",
            (target, rfc3339(now), AT_ONCE),
        ).fetchall()
        found = ((number, json.loads(body)) for number, body in rows)
        return [
            Notice(number, What(body["what"]), Alert.model_validate(body["alert"]))
            for number, body in found
        ]

    def next_due(self, target: str) -> datetime | None:
        """When something is to be told next."""
        row = self._db.execute(
            "SELECT MIN(due_at) FROM notices WHERE target = ?", (target,)
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row[0] else None

    def waiting(self) -> dict[str, int]:
        """How many wait for each target."""
        rows = self._db.execute("SELECT target, COUNT(*) FROM notices GROUP BY target")
        return dict(rows.fetchall())

    def told(self, notices: Iterable[Notice]) -> None:
        """These have been told."""
        self._db.executemany(
            "DELETE FROM notices WHERE number = ?", [(each.number,) for each in notices]
        )

    def forget_others(self, targets: Sequence[str]) -> None:
        """Notices for targets that are no longer configured are nobody's."""
        marks = ", ".join("?" * len(targets))
        self._db.execute(f"DELETE FROM notices WHERE target NOT IN ({marks})", list(targets))
