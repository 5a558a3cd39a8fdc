"""The parking log, read from a gateway's history file, each question by its own index."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from console.past import COUNTED, Cursor, Found, Record, Wanted
from contract.words import ClockState, EventType
from gateway.history.schema import CLOCKS, STATUSES, TYPES

_LOG = """
SELECT at_ms, stream, seq, type, status, clock, stay_s, epoch,
(SELECT name FROM spots WHERE id = spot), (SELECT name FROM zones WHERE id = zone),
(SELECT name FROM agents WHERE id = agent)
"""


def read(db: sqlite3.Connection, wanted: Wanted) -> Found:
    """The part that is wanted, the newest first."""
    source, values = _chosen(wanted)
    counted = f"SELECT COUNT(*) FROM (SELECT 1 {source} LIMIT {COUNTED})"
    (total,) = db.execute(counted, values).fetchone()
    if wanted.behind:
        source += " AND (at_ms, stream, seq) < (?, ?, ?)"
    rows = db.execute(
        f"{_LOG} {source} ORDER BY at_ms DESC, stream DESC, seq DESC LIMIT ? OFFSET ?",
        (*values, *(wanted.behind or ()), wanted.limit + 1, wanted.offset),
    ).fetchall()
    more, rows = len(rows) > wanted.limit, rows[: wanted.limit]
    behind = Cursor(*rows[-1][:3]) if more else None
    return Found([_record(row) for row in rows], total, behind)


def _chosen(wanted: Wanted) -> tuple[str, list[Any]]:
    """The events that are asked for, as a part of a query, and its values."""
    if wanted.spot_id is not None:
        index = "by_spot"
    elif wanted.zone_id is not None:
        index = "by_zone"
    else:  # where nobody came or left is rare, and would be looked for in all of it
        index = "by_doubt" if wanted.type is EventType.STATUS else "by_time"
    query = (
        f"FROM events INDEXED BY {index} CROSS JOIN streams ON streams.id = stream "
        "WHERE at_ms >= ? AND at_ms < ?"
    )
    values: list[Any] = [_ms(wanted.begin), _ms(wanted.end)]
    if wanted.spot_id is not None:
        query += " AND spot = (SELECT id FROM spots WHERE name = ?)"
        values.append(wanted.spot_id)
    if wanted.zone_id is not None:
        query += " AND zone = (SELECT id FROM zones WHERE name = ?)"
        values.append(wanted.zone_id)
    if wanted.type is not None:
        query += f" AND type = {TYPES.index(wanted.type)}"
    return query, values


def _record(row: tuple[Any, ...]) -> Record:
    at_ms, _, seq, kind, status, clock, stay_s, epoch, spot_id, zone_id, agent_id = row
    return Record(
        event_id=f"{agent_id}:{epoch}:{seq}",
        event_type=TYPES[kind],
        spot_id=spot_id,
        zone_id=zone_id,
        status=STATUSES[status],
        at=datetime.fromtimestamp(at_ms / 1000, UTC),
        agent_id=agent_id,
        clock=ClockState(CLOCKS[clock]),
        stay_s=stay_s,
    )


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
