"""Records for the cloud's benchmarks, as gateways send them, and what processes used."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from contract.upstream import Teller, cloud_record
from contract.words import EventType, Status
from simulator.fleet.edge import AgentStream

FACILITY, STORE = "bench", "5f0e9d0f2b7c1d9e"
BAYS_AN_AGENT = 50
TICK_S = os.sysconf("SC_CLK_TCK")


def payloads(lots: int, bays: int, changes: int, span: timedelta) -> Iterator[tuple[str, bytes]]:
    """(key, record) of arrivals and departures, bay by turns, in order, within the last `span`."""
    streams = {
        lot: [AgentStream(f"l{lot}-pi-{n}", "bench") for n in range(-(-bays // BAYS_AN_AGENT))]
        for lot in range(lots)
    }
    begin = datetime.now(UTC).replace(microsecond=0) - span
    for change in range(changes):
        status = Status.FREE if change % 2 == 0 else Status.OCCUPIED
        at = begin + span * change / changes
        for bay in range(bays):
            for lot, agents in streams.items():
                record = agents[bay // BAYS_AN_AGENT].change(
                    f"B{bay}", status, at + timedelta(milliseconds=bay * lots + lot)
                )
                body = cloud_record(
                    record, facility_id=FACILITY, lot_id=f"lot-{lot}", zone_id=f"Z{bay // 100}"
                )
                body["store_id"] = STORE
                yield f"lot-{lot}/B{bay}", json.dumps(body, separators=(",", ":")).encode()


def words(lots: int, bays: int, at: datetime) -> Iterator[bytes]:
    """What gateways say: each one's heartbeat, its agents heard, a bay of each agent closed."""
    for lot in range(lots):
        said = Teller(FACILITY, f"lot-{lot}", f"own-{lot}", 1)
        bodies = [said.word(EventType.GATEWAY_HEALTH, at)]
        for n in range(-(-bays // BAYS_AN_AGENT)):
            heard = replace(said, told_seq=2 + n)
            bodies.append(heard.word(EventType.AGENT_HEARD, at, agent_id=f"l{lot}-pi-{n}"))
            shut = replace(said, told_seq=1002 + n)
            spot_id = f"B{n * BAYS_AN_AGENT}"
            bodies.append(shut.word(EventType.SPOT_CLOSED, at, spot_id=spot_id))
        yield from (json.dumps(body, separators=(",", ":")).encode() for body in bodies)


def backend_cpu_s(conn: psycopg.Connection) -> float:
    """What the server's process behind `conn` alone used."""
    return sum(_stat(Path(f"/proc/{conn.info.backend_pid}"))[11:13]) / TICK_S


def postgres_cpu_s(conn: psycopg.Connection) -> float:
    """What the server of `conn` used: its own time and that of all its backends, ended ones too."""
    postmaster = _stat(Path(f"/proc/{conn.info.backend_pid}"))[1]
    ticks = sum(_stat(Path(f"/proc/{postmaster}"))[11:15])
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = _stat(folder)
        except OSError:
            continue  # it ended
        if fields[1] == postmaster:
            ticks += sum(fields[11:13])
    return ticks / TICK_S


def _stat(folder: Path) -> list[int]:
    """The fields of proc(5)'s stat from `state` on, which stands as 0; ppid is 1, utime 11."""
    words = (folder / "stat").read_text().rpartition(") ")[2].split()
    return [0, *map(int, words[1:])]
