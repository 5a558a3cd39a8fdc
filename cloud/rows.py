"""What one batch of records writes: columns for set-based statements. Pure.

Every list is sorted by its key and holds a key once, so that a statement meets no row twice and
writers lock rows in one order.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud.record import EARLIEST, OF_GATEWAYS, CloudRecord
from contract.words import EventType

_STATES = {EventType.ARRIVAL, EventType.DEPARTURE, EventType.STATUS, EventType.SNAPSHOT}
UNKEPT = {EventType.SNAPSHOT, EventType.GATEWAY_HEALTH}
"""The ones repeat what another record says; of the others the newest alone matters."""
_NOT_HEARD = OF_GATEWAYS - {EventType.AGENT_HEARD}
_OF_AGENTS = {EventType.AGENT_SILENT, EventType.AGENT_HEARD}
_OF_SPOTS = {EventType.SPOT_CLOSED, EventType.SPOT_OPENED}

Columns = list[list[Any]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record with the bytes that it came as."""

    record: CloudRecord
    payload: bytes


def lots(batch: Sequence[Incoming]) -> Columns:
    """(lot_id, facility_id)."""
    named = sorted((r for r in _records(batch)), key=lambda r: r.facility_id is not None)
    return _columns({(r.lot_id,): (r.lot_id, r.facility_id) for r in named}, 2)


def spots(batch: Sequence[Incoming]) -> Columns:
    """(lot_id, spot_id, zone_id), the zone from the spot's newest record of the batch."""
    mine = (r for r in _records(batch) if r.spot_id and r.event_type not in OF_GATEWAYS)
    told = sorted(mine, key=_moment)
    return _columns({(r.lot_id, r.spot_id): (r.lot_id, r.spot_id, r.zone_id) for r in told}, 3)


def streams(batch: Sequence[Incoming]) -> Columns:
    """The newest state of each spot in each stream: (lot_id, spot_id, agent_id, epoch, seq,
    made_at, at, status, confidence, health, health_reason, clock, event_id, own_status, told_by,
    told_seq).
    """
    told = sorted((r for r in _records(batch) if r.event_type in _STATES and r.spot_id), key=_seq)
    return _columns(
        {
            (r.lot_id, r.spot_id, r.agent_id, r.epoch): (
                r.lot_id,
                r.spot_id,
                r.agent_id,
                r.epoch,
                r.seq,
                _made(r),
                r.timestamp,
                r.status,
                r.confidence,
                r.health.value if r.health else None,
                r.health_reason,
                r.clock.value,
                r.event_id.removesuffix(":snapshot"),
                r.own_status or r.status,
                r.told_by,
                r.told_seq,
            )
            for r in told
        },
        16,
    )


def events(batch: Sequence[Incoming]) -> Columns:
    """(event_id, at, event_type, lot_id, zone_id, spot_id, status, agent_id, epoch, seq, clock,
    historical, body); `body` is the record as it came.
    """
    kept = (each for each in batch if each.record.event_type not in UNKEPT)
    return _columns(
        {
            (r.event_id, r.timestamp): (
                r.event_id,
                r.timestamp,
                r.event_type.value,
                r.lot_id,
                r.zone_id,
                r.spot_id,
                r.status,
                r.agent_id,
                r.epoch,
                r.seq,
                r.clock.value,
                r.historical,
                each.payload.decode(),
            )
            for each in kept
            for r in (each.record,)
        },
        13,
    )


def ledger(batch: Sequence[Incoming]) -> Columns:
    """Entries of counted lots: (lot_id, event_id, zone_id, delta, at, reason)."""
    entries = (r for r in _records(batch) if r.counts or r.event_type is EventType.CORRECTION)
    return _columns(
        {
            (r.lot_id, r.event_id): (
                r.lot_id,
                r.event_id,
                r.zone_id or "",
                r.counts,
                r.timestamp,
                r.reason if r.event_type is EventType.CORRECTION else None,
            )
            for r in entries
        },
        6,
    )


def devices(batch: Sequence[Incoming]) -> Columns:
    """(lot_id, agent_id, last_at, version, born_at); of a birth the newest."""
    seen: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    heard = (r for r in _records(batch) if r.agent_id and r.event_type not in _NOT_HEARD)
    for r in sorted(heard, key=_moment):
        key = (r.lot_id, r.agent_id)
        _, _, _, version, born_at = seen.get(key, (*key, None, None, None))
        if r.event_type is EventType.BIRTH:
            version, born_at = r.version, r.timestamp
        seen[key] = (*key, r.timestamp, version, born_at)
    return _columns(seen, 5)


def gateways(batch: Sequence[Incoming]) -> Columns:
    """The newest heartbeat of each: (lot_id, told_by, last_at, event_id, session_id, version,
    clock, health, health_reason, uptime_s, agents_online, agents_total, waiting, spool_bytes,
    spool_limit_bytes).
    """
    beats = (r for r in _records(batch) if r.event_type is EventType.GATEWAY_HEALTH)
    return _columns(
        {
            (r.lot_id, r.told_by): (
                r.lot_id,
                r.told_by,
                r.timestamp,
                r.event_id,
                r.session_id,
                r.version,
                r.clock.value,
                r.health.value if r.health else None,
                r.health_reason,
                r.uptime_s,
                r.agents_online,
                r.agents_total,
                r.waiting,
                r.spool_bytes,
                r.spool_limit_bytes,
            )
            for r in sorted(beats, key=lambda r: (r.timestamp, r.event_id))
        },
        15,
    )


def words(batch: Sequence[Incoming]) -> Columns:
    """A gateway's newest word on each agent and each spot: (lot_id, about, subject, told_by,
    told_seq, at, word, clock, event_id).
    """
    told = (r for r in _records(batch) if r.event_type in _OF_AGENTS | _OF_SPOTS)
    found = {}
    for r in sorted(told, key=_word):
        about = ("agent", r.agent_id) if r.event_type in _OF_AGENTS else ("spot", r.spot_id)
        place = (r.lot_id, *about, r.told_by)
        found[place] = (
            *place,
            r.told_seq,
            r.timestamp,
            r.event_type.value,
            r.clock.value,
            r.event_id,
        )
    return _columns(found, 9)


def alerts(batch: Sequence[Incoming]) -> Columns:
    """Each alert's newest word: (lot_id, alert_id, raised_at, told_by, told_seq, at, alert_kind,
    severity, state, agent_id, spot_id, zone_id, text, since, acknowledged_at, acknowledged_by,
    resolved_at, resolved_by, clock, event_id).
    """
    told = (r for r in _records(batch) if r.event_type is EventType.ALERT)
    return _columns(
        {
            (r.lot_id, r.alert_id, r.raised_at): (
                r.lot_id,
                r.alert_id,
                r.raised_at,
                r.told_by,
                r.told_seq,
                r.timestamp,
                r.alert_kind,
                r.severity.value if r.severity else None,
                r.state,
                r.agent_id,
                r.spot_id,
                r.zone_id,
                r.text,
                r.since,
                r.acknowledged_at,
                r.acknowledged_by,
                r.resolved_at,
                r.resolved_by,
                r.clock.value,
                r.event_id,
            )
            for r in sorted(told, key=_word)
        },
        20,
    )


def spans(fresh: Sequence[tuple[str, str | None, datetime]]) -> Columns:
    """(lot_id, spot_id, first, last) of what is new; without what moves no spot's stays."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for lot_id, spot_id, at in fresh:
        if spot_id is not None:
            key = (lot_id, spot_id)
            _, _, first, last = found.get(key, (*key, at, at))
            found[key] = (*key, min(first, at), max(last, at))
    return _columns(found, 4)


def _records(batch: Iterable[Incoming]) -> Iterable[CloudRecord]:
    return (each.record for each in batch)


def _moment(record: CloudRecord) -> tuple[Any, ...]:
    return record.timestamp, record.seq or 0, record.event_id


def _seq(record: CloudRecord) -> tuple[Any, ...]:
    return record.seq or 0, _made(record), record.told_seq


def _word(record: CloudRecord) -> tuple[Any, ...]:
    return record.told_seq, record.timestamp, record.event_id


def _made(record: CloudRecord) -> datetime:
    """A snapshot is of its seq too, but says how that spot was shown later."""
    if record.event_type is not EventType.SNAPSHOT:
        return EARLIEST
    return record.made_at or record.timestamp


def _columns(rows: dict[Any, tuple[Any, ...]], width: int) -> Columns:
    """Rows by key, turned into columns in the order of their keys."""
    if not rows:
        return [[] for _ in range(width)]
    ordered: Callable[[Any], Any] = rows.__getitem__
    return [list(column) for column in zip(*map(ordered, sorted(rows)), strict=True)]
