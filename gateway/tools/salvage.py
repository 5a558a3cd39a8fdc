"""What can be read of a damaged database is taken into the store again, without doubling.

A new store has asked the agents for all that they retain. What they still had is in it and is
known by its place in its stream; the rest is taken from the damaged file, marked historical:

    rows of the spool   to those sinks alone that had not had them; gap rows too
    dead letters        as letters, to be looked at and replayed
    closed spots        unless the spot was closed again
    counted zones       unless a person has counted since
    spots' last states  where nothing newer is known
    devices             those that were not registered since, with the ids of their events

Each thing has a name under which it is taken once, so a second salvage takes nothing; and a
record that its agent sends after all is acknowledged and not spooled again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from gateway.addresses import addressed, addressees
from gateway.books import SALVAGED, STORE
from gateway.letters import SINK
from gateway.store import GatewayStore
from gateway.tools.remains import Remains, remains_of
from spool import Row
from spool.salvage import salvaged

AT_ONCE = 500
"""Rows in one transaction."""


@dataclass(slots=True)
class Salvage:
    """What came of one damaged file, in records."""

    path: str
    read: int = 0
    taken: int = 0
    known: int = 0
    delivered: int = 0
    """Every sink had them."""
    outdated: int = 0
    """Snapshots: the present is told anew."""
    letters: int = 0
    closed_spots: int = 0
    counts: int = 0
    spots: int = 0
    devices: int = 0
    configs: int = 0
    unread: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def salvage_into(store: GatewayStore, damaged: Path) -> Salvage:
    """Take over what `damaged` still says. Raises sqlite3.Error where the store itself fails.

    The caller owns the store's database, and the gateway does not run.
    """
    remains = remains_of(damaged)
    found = Salvage(str(damaged), unread=remains.unread)
    rows = salvaged(damaged)
    while some := list(islice(rows, AT_ONCE)):
        with store.transaction():
            _take_rows(store, remains, some, found)
        found.read += len(some)
    for begin in range(0, len(remains.letters), AT_ONCE):
        with store.transaction():
            for columns in remains.letters[begin : begin + AT_ONCE]:
                _take_letter(store, columns, found)
    with store.transaction():
        _take_states(store, remains, found)
        found.devices = store.devices.take_over(
            remains.devices, remains.device_spots, remains.device_events
        )
        found.configs = store.configs.take_over(remains.configs)
        _take_ledger(store, remains, found)
    return found


# Rows of the spool --------------------------------------------------------------------------


def _take_rows(store: GatewayStore, remains: Remains, rows: Sequence[Row], found: Salvage) -> None:
    sinks = set(store.spool.cursors())
    for row in rows:
        wanting = _wanting(row, sinks, remains.cursors)
        if not wanting:
            found.delivered += 1
            continue
        body = _body(row)
        if body.get("event_type") == "SNAPSHOT":
            found.outdated += 1
        elif _is_known(store, body) or not store.note_salvaged(_identity(body, row)):
            found.known += 1
        else:
            _append(store, row, body, wanting, sinks)
            found.taken += 1


def _wanting(row: Row, sinks: set[str], cursors: dict[str, int]) -> set[str]:
    """The sinks that had not had the row; one that is new, or whose cursor is lost, had none."""
    return {name for name in addressees(row.key) or sinks if row.seq > cursors.get(name, 0)} & sinks


def _body(row: Row) -> dict[str, Any]:
    body = json.loads(row.payload)  # its CRC holds: it is what was written
    return body if isinstance(body, dict) else {}


def _append(
    store: GatewayStore, row: Row, body: dict[str, Any], wanting: set[str], sinks: set[str]
) -> None:
    key = row.key if wanting == sinks else addressed(row.key, wanting)
    body = {**body, "historical": True}
    store.spool.append([store.entry(body, key, durable=row.durable or row.lost > 0)])
    store.books.note(STORE, SALVAGED)


def _is_known(store: GatewayStore, body: dict[str, Any]) -> bool:
    """Whether the agent has sent the record to this store already."""
    place = body.get("agent_id"), body.get("epoch"), body.get("seq")
    match place:
        case str(agent_id), str(epoch), int(seq):
            return store.has(agent_id, epoch, seq)
    return False


def _identity(body: dict[str, Any], row: Row) -> str:
    if isinstance(body.get("agent_id"), str) and "seq" in body:
        return f"{body['agent_id']}:{body.get('epoch')}:{body.get('seq')}"
    return str(body.get("event_id") or _digest(row.payload))


def _digest(*parts: str | bytes) -> str:
    whole = b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)
    return hashlib.sha256(whole).hexdigest()[:24]


# Dead letters -------------------------------------------------------------------------------


def _take_letter(store: GatewayStore, columns: tuple[Any, ...], found: Salvage) -> None:
    """As it was, but in nobody's account: who sent or refused it did so towards another store."""
    received_at, origin, agent_id, reason, detail, payload = columns
    try:
        at = datetime.fromisoformat(received_at)
    except (TypeError, ValueError):
        at = datetime.now(UTC)
    origin, agent_id, reason, detail = map(str, (origin, agent_id, reason, detail))
    payload = payload or b""
    body = _object(payload)
    known = _is_known(store, body if origin.startswith(SINK) else {**body, "agent_id": agent_id})
    name = f"letter:{_digest(str(received_at), origin, reason, payload)}"
    if known or not store.note_salvaged(name):
        found.known += 1
        return
    if not origin.startswith(SINK) and isinstance(body.get("seq"), int):
        store.note_salvaged(f"{agent_id}:{body.get('epoch')}:{body['seq']}")
    store.letters.bury(at, origin, agent_id, reason, detail, payload, counted=False)
    found.letters += 1


def _object(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


# What people did, and what was believed -----------------------------------------------------


def _take_states(store: GatewayStore, remains: Remains, found: Salvage) -> None:
    for spot_id, since, note in remains.closed:
        if store.note_salvaged(f"closed:{spot_id}:{since}"):
            store.db.execute(
                "INSERT OR IGNORE INTO closed_spots VALUES (?, ?, ?)", (spot_id, since, note)
            )
            found.closed_spots += 1
    found.spots = max(
        store.db.executemany(
            "INSERT OR IGNORE INTO spots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", remains.spots
        ).rowcount,
        0,
    )


def _take_ledger(store: GatewayStore, remains: Remains, found: Salvage) -> None:
    """The old entries of each counted zone that nobody has counted since."""
    counted_since = {
        zone
        for (zone,) in store.db.execute(
            "SELECT DISTINCT zone_id FROM ledger WHERE event_id LIKE 'correction:%'"
        )
    }
    before = store.counts()
    own = {name for (name,) in store.db.execute("SELECT event_id FROM ledger")}
    old_names = {entry[0] for entry in remains.ledger}
    for entry in remains.ledger:
        event_id, zone_id, lane_id, delta, at, note = entry
        if zone_id in counted_since or not isinstance(delta, int):
            continue
        if str(event_id).startswith("folded:"):
            if not store.note_salvaged(f"ledger:{event_id}:{at}"):
                continue
            delta -= _again_since(store, zone_id, str(at), own - old_names)
        store.enter_count(str(event_id), zone_id, str(lane_id), delta, str(at), str(note))
    found.counts = sum(
        store.counts().get(zone, 0) != before.get(zone, 0) for zone in store.counts()
    )


def _again_since(store: GatewayStore, zone_id: str | None, at: str, names: set[str]) -> int:
    """What agents sent again of the entries that the old ledger had folded into one."""
    rows = store.db.execute(
        "SELECT event_id, delta FROM ledger WHERE zone_id IS ? AND timestamp <= ?", (zone_id, at)
    )
    return sum(Counter({name: delta for name, delta in rows if name in names}).values())
