"""Agents with simulated sensors against somebody's broker, or an HTTP front door."""

import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import typer

from gateway.sinks import Sink, SinkError, read_secret, registry
from runtime.mqtt import MqttSettings
from runtime.stopping import at_stop
from simulator.clock import LotClock
from simulator.invented import invented_day
from simulator.lot import SimulatedLot
from simulator.poster import Poster

STAY_S, GAP_S, FILL_S = 1500.0, 500.0, 2000.0
LINE_EVERY_S = 5.0
SETTLE_S = 15.0


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
    except SinkError as error:
        typer.echo(f"--token-file: {error}; {error.hint}", err=True)
        return 2
    lot_s = duration_s * max(speed, 1.0)
    start = datetime.fromtimestamp(time.time() - lot_s, UTC)
    names = [f"A{number}" for number in range(1, spots + 1)]
    bays = invented_day(names, seed, lot_s, stay_s=STAY_S, gap_s=GAP_S, fill_s=FILL_S)
    clock = LotClock(start, speed)
    with tempfile.TemporaryDirectory() as folder:
        lot = SimulatedLot(
            lot_id,
            bays,
            clock,
            mqtt,
            Path(folder),
            -(-spots // agents),
            max(speed / 4, 1.0),
            publishes=door is None,
        )
        at_stop(lot.stopping.set)
        lot.start()
        poster = Poster(lot.agents, door, lot_id) if door else None
        try:
            _play(lot, lot_s, poster)
            return _finish(lot, poster)
        finally:
            lot.stop()
            if door:
                door.close()


def _mqtt(broker: str, protocol: str) -> MqttSettings:
    host, _, port = broker.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"--broker {broker!r}: write HOST:PORT, as 127.0.0.1:1883")
    return MqttSettings.model_validate({"host": host, "port": int(port), "protocol": protocol})


def _door(url: str, token_file: Path | None) -> Sink:
    options = {"url": url}
    if token_file:
        read_secret(token_file)  # what is wrong with it is said now, not at the first record
        options["token_file"] = str(token_file)
    return registry.build("http", options)


def _play(lot: SimulatedLot, lot_s: float, poster: Poster | None) -> None:
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


def _finish(lot: SimulatedLot, poster: Poster | None) -> int:
    """Wait for what is still under way, a while."""
    deadline_s = time.monotonic() + SETTLE_S
    idle = threading.Event()
    while time.monotonic() < deadline_s:
        if poster:
            poster.post()
        waiting = sum(each.waiting for each in lot.agents)
        if not waiting:
            return _verdict(poster)
        idle.wait(0.3)
    why = poster.trouble if poster else "is a gateway of this lot running?"
    typer.echo(f"{waiting} records were not taken: {why}", err=True)
    return 1


def _verdict(poster: Poster | None) -> int:
    if poster and poster.refused:
        typer.echo(f"{poster.refused} records were refused", err=True)
        return 1
    typer.echo("everything was taken")
    return 0
