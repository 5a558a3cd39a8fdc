"""The day before a demo begins, put into the lot's history: a console has a past to show."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import cos, pi
from pathlib import Path

from contract.events import SpotChanged
from contract.upstream import cloud_record
from contract.words import ClockState, Status
from gateway.sinks import Outgoing
from gateway.sinks.registry import build

DAY = timedelta(days=1)
STAY_S = 3000.0
NIGHT_GAP_S, DAY_GAP_S = 30_000.0, 900.0
"""How long a bay stays free on the average, at four by night and by day."""
EPOCH = "yesterday"


def fill(path: Path, spots: Mapping[str, tuple[str, str]], lot_id: str, now: datetime) -> int:
    """Write the day before `now` into the history at `path`; `spots` tells each one's zone and
    agent. Answers the records. Raises SinkError.
    """
    told = sorted(
        (each for spot_id in spots for each in _of(spot_id, spots[spot_id][1], now)),
        key=lambda each: each.timestamp,
    )
    sink = build("history", {"path": str(path)})
    sink.open()
    try:
        for some in _parts(told, sink.max_records):
            sink.send([_outgoing(each, lot_id, spots[each.spot_id][0]) for each in some])
    finally:
        sink.close()
    return len(told)


def _of(spot_id: str, agent_id: str, now: datetime) -> Iterator[SpotChanged]:
    """A bay's day: vehicles come and go, fewer by night, and the last has left before `now`."""
    rng = random.Random(f"yesterday/{spot_id}")
    at, seq, status = now - DAY, 1, Status.FREE
    yield _changed(spot_id, agent_id, seq, at, status, Status.UNKNOWN)
    while True:
        mean_s = _gap_s(at) if status is Status.FREE else STAY_S
        at += timedelta(seconds=60 + rng.expovariate(1 / mean_s))
        if at > now - timedelta(minutes=1):
            break
        previous, status = status, _other(status)
        seq += 1
        yield _changed(spot_id, agent_id, seq, at, status, previous)
    if status is Status.OCCUPIED:
        left = now - timedelta(seconds=30)
        yield _changed(spot_id, agent_id, seq + 1, left, Status.FREE, status)


def _gap_s(at: datetime) -> float:
    """Longest at four in the morning."""
    night = (1 + cos((at.hour + at.minute / 60 - 4) / 24 * 2 * pi)) / 2
    return DAY_GAP_S + (NIGHT_GAP_S - DAY_GAP_S) * night**3


def _other(status: Status) -> Status:
    return Status.OCCUPIED if status is Status.FREE else Status.FREE


def _changed(
    spot_id: str, agent_id: str, seq: int, at: datetime, status: Status, previous: Status
) -> SpotChanged:
    return SpotChanged(
        agent_id=agent_id,
        epoch=f"{EPOCH}-{spot_id}",
        seq=seq,
        prev_seq=seq - 1,
        timestamp=at,
        clock=ClockState.SYNCED,
        monotonic_ms=0,
        boot_id=EPOCH,
        spot_id=spot_id,
        status=status,
        previous=previous,
        confidence=1.0,
    )


def _outgoing(change: SpotChanged, lot_id: str, zone_id: str) -> Outgoing:
    body = cloud_record(change, facility_id="simulated", lot_id=lot_id, zone_id=zone_id)
    return Outgoing(0, f"{lot_id}/{change.spot_id}", json.dumps(body).encode())


def _parts(told: list[SpotChanged], size: int) -> Iterator[list[SpotChanged]]:
    for begin in range(0, len(told), size):
        yield told[begin : begin + size]
