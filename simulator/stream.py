"""Agents with simulated sensors against somebody's broker, or an HTTP front door."""

import json
import logging
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from contract.events import agent_records
from contract.upstream import cloud_record
from gateway.sinks import Outgoing, SinkError, Verdict, registry
from runtime.mqtt import MqttSettings
from simulator.clock import LotClock
from simulator.invented import invented_day
from simulator.lot import SimulatedLot

log = logging.getLogger(__name__)

STAY_S, GAP_S, FILL_S = 1500.0, 500.0, 2000.0
LINE_EVERY_S = 5.0
FACILITY = "simulated"


def stream(
    *,
    broker: str,
    protocol: str,
    lot_id: str,
    spots: int,
    agents: int,
    speed: float,
    duration_s: float,
    seed: int,
    http: str | None,
    token_file: Path | None,
) -> int:
    """Play until the time is over or a signal; the exit status.

    A lot whose time runs faster than ours begins in the past, so that it never gets ahead of it.
    """
    try:
        mqtt = _mqtt(broker, protocol)
        door = _door(http, token_file) if http else None
    except ValueError as error:
        typer.echo(str(error), err=True)
        return 2
    lot_s = duration_s * max(speed, 1.0)
    start = datetime.fromtimestamp(time.time() - lot_s, UTC)
    names = [f"A{number}" for number in range(1, spots + 1)]
    bays = invented_day(names, seed, lot_s, stay_s=STAY_S, gap_s=GAP_S, fill_s=FILL_S)
    clock = LotClock(start, speed)
    with tempfile.TemporaryDirectory() as folder:
        lot = SimulatedLot(
            lot_id, bays, clock, mqtt, Path(folder), -(-spots // agents), max(speed / 4, 1.0)
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: lot.stopping.set())
        lot.start()
        poster = _Poster(lot, door, lot_id) if door else None
        try:
            _play(lot, lot_s, poster)
            return _finish(lot, poster)
        finally:
            lot.stop()


def _mqtt(broker: str, protocol: str) -> MqttSettings:
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"--broker {broker!r}: write HOST:PORT, as 127.0.0.1:1883")
    return MqttSettings.model_validate({"host": host, "port": int(port), "protocol": protocol})


def _door(url: str, token_file: Path | None) -> Any:
    options = {"url": url} | ({"token_file": str(token_file)} if token_file else {})
    return registry.build("http", options)


def _play(lot: SimulatedLot, lot_s: float, poster: "_Poster | None") -> None:
    line_s = 0.0
    for now_s in lot.play(lot_s):
        if time.monotonic() < line_s:
            continue
        line_s = time.monotonic() + LINE_EVERY_S
        if poster:
            poster.post()
        events = sum(each.agent.store.spool.last_seq for each in lot.agents)
        waiting = sum(each.waiting for each in lot.agents)
        typer.echo(
            f"{lot.clock.wall():%H:%M:%S}  {events} records, {waiting} waiting ({now_s:.0f} s)"
        )


def _finish(lot: SimulatedLot, poster: "_Poster | None") -> int:
    """Wait for what is still under way, a while."""
    deadline_s = time.monotonic() + 15
    idle = threading.Event()
    while time.monotonic() < deadline_s:
        if poster:
            poster.post()
        waiting = sum(each.waiting for each in lot.agents)
        if not waiting:
            typer.echo("everything was taken")
            return 0
        idle.wait(0.3)
    typer.echo(f"{waiting} records were not taken: is a gateway of this lot running?", err=True)
    return 1


class _Poster:
    """Takes the place of broker and gateway: agents' stores straight to a front door."""

    def __init__(self, lot: SimulatedLot, door: Any, lot_id: str) -> None:
        self._lot = lot
        self._door = door
        self._lot_id = lot_id

    def post(self) -> None:
        """Post what waits; what the door does not take waits on."""
        for each in self._lot.agents:
            store = each.agent.store
            for seq, payload in self._records(each, store.acked_seq):
                out = Outgoing(seq, self._lot_id, payload)
                try:
                    answer = self._door.send([out])[0]
                except SinkError as error:
                    log.warning("%s; %s", error, error.hint)
                    return
                if answer.verdict is Verdict.KEEP:
                    return
                store.acknowledge(seq)

    def _records(self, each: Any, after: int) -> Iterator[tuple[int, bytes]]:
        prev = after
        for row in each.agent.store.read(after, 500):
            wire = {
                **json.loads(row.payload),
                "agent_id": each.settings.agent_id,
                "epoch": each.agent.store.epoch,
                "seq": row.seq,
                "prev_seq": prev,
            }
            prev = row.seq
            record = agent_records.validate_python([wire])[0]
            cloud = cloud_record(record, facility_id=FACILITY, lot_id=self._lot_id, zone_id=None)
            yield row.seq, json.dumps(cloud).encode()
