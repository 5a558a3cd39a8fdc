"""What one batch of records writes: columns for set-based statements. Pure.

Every list is sorted by its key and holds a key once, so that a statement meets no row twice and
writers lock rows in one order.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud.record import EARLIEST, CloudRecord
from contract.words import EventType

_STATES = {EventType.ARRIVAL, EventType.DEPARTURE, EventType.STATUS, EventType.SNAPSHOT}
_UNKEPT = {EventType.SNAPSHOT}
"""They repeat what another record says."""
_NOT_HEARD = {EventType.AGENT_SILENT}

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
    told = sorted((r for r in _records(batch) if r.spot_id), key=_moment)
    return _columns({(r.lot_id, r.spot_id): (r.lot_id, r.spot_id, r.zone_id) for r in told}, 3)


def streams(batch: Sequence[Incoming]) -> Columns:
    """The newest state of each spot in each stream: (lot_id, spot_id, agent_id, epoch, seq,
    made_at, at, status, confidence, health, health_reason, clock, event_id).
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
            )
            for r in told
        },
        13,
    )


def events(batch: Sequence[Incoming]) -> Columns:
    """(event_id, at, event_type, lot_id, zone_id, spot_id, status, agent_id, epoch, seq, clock,
    historical, body); `body` is the record as it came.
    """
    kept = (each for each in batch if each.record.event_type not in _UNKEPT)
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
    return record.seq or 0, _made(record)


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
