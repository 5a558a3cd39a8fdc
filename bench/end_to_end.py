"""Events a second from the agents' commits to the file sink, each hop synced before it acks.

Two agents' processes commit changes as fast as they can; the clock stops when the last line
stands in the sink. The same load, one record a message, shows what arrays of records give.
Named limit: ThingsBoard's gateway, 4,588 events/s in the published side-by-side run.
Prints memory and bytes written to the disk per event too.

Usage: python -m bench.end_to_end [EVENTS]
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.lot import (
    BenchLot,
    await_port,
    broker_command,
    free_port,
    resident_mb,
    running,
    written_bytes,
)

LIMIT_PER_S = 4588
AGENTS = 2


def run(events: int, batch: int) -> dict[str, float]:
    """One measured run of `events` in sum."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        kind, command = broker_command(folder, port)
        lot = BenchLot(folder, port, kind, AGENTS, 50)
        with running(command, stderr=subprocess.DEVNULL):
            await_port(port)
            gateway_command = [sys.executable, "-m", "lotkeeper", "gateway", "run", "-c"]
            gateway_command.append(str(lot.gateway_toml()))
            with running(gateway_command, stderr=(folder / "gateway.log").open("w")) as gateway:
                return measured(lot, gateway, events, batch)


def measured(
    lot: BenchLot, gateway: "subprocess.Popen[str]", events: int, batch: int
) -> dict[str, float]:
    """Start the load, await the last event at the sink, reckon."""
    each = events // AGENTS
    children = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.load_agent",
                str(lot.agent_toml(n, batch)),
                str(each),
                "0",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(AGENTS)
    ]
    for child in children:
        assert child.stdout
        child.stdout.readline()
    before = written_bytes(gateway.pid)
    began = time.time()
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    agent_mb = max(resident_mb(child.pid) for child in children)
    wanted = AGENTS * each
    seen: set[object] = set()
    doubled = 0
    while len(seen) < wanted:
        time.sleep(0.05)
        size = sum(1 for _ in iter_events(lot))
        if size < wanted:
            continue
        for line in iter_events(lot):
            doubled += line["event_id"] in seen
            seen.add(line["event_id"])
    ended = time.time()
    tails = [json.loads(child.stdout.readline()) for child in children if child.stdout]
    result = {
        "events_per_s": wanted / (ended - began),
        "fed_s": max(tail["fed"] for tail in tails) - began,
        "doubled": doubled,
        "gateway_mb": resident_mb(gateway.pid),
        "agent_mb": agent_mb,
        "gateway_bytes_per_event": (written_bytes(gateway.pid) - before) / wanted,
    }
    for child in children:
        child.wait(20)
    return result


def iter_events(lot: BenchLot):  # type: ignore[no-untyped-def]
    """The sink's changes, without births and snapshots."""
    for path in sorted((lot.folder / "sink").glob("*")):
        for line in path.read_bytes().splitlines():
            if b'"ARRIVAL"' in line or b'"DEPARTURE"' in line:
                yield json.loads(line)


def main() -> None:
    """Measure and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for batch, what in ((64, "arrays of up to 64"), (1, "one record a message")):
        figures = run(events, batch)
        ratio = figures["events_per_s"] / LIMIT_PER_S
        print(
            f"{what:<22} {figures['events_per_s']:8.0f} events/s = {ratio:.2f} x ThingsBoard's "
            f"{LIMIT_PER_S}/s; {figures['doubled']:.0f} doubled; gateway "
            f"{figures['gateway_mb']:.1f} MB, {figures['gateway_bytes_per_event']:.0f} B/event to "
            f"disk; agent {figures['agent_mb']:.1f} MB"
        )


if __name__ == "__main__":
    main()
