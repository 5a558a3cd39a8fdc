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
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from bench.lot import (
    BenchLot,
    await_port,
    broker_command,
    resident_mb,
    running,
    written_bytes,
)
from simulator.processes import free_port

LIMIT_PER_S = 4588
PATIENCE_S = 120.0
MOVED = b'"spot_id":"a'
"""What marks a change of a spot among births; snapshots have the same and come only in a drain."""
AGENTS = 2
Beside = Callable[[BenchLot], AbstractContextManager[Any]]


def run(events: int, batch: int, beside: Beside = nullcontext) -> dict[str, float]:
    """One measured run of `events` in sum, with what else is to run over the lot."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        kind, command = broker_command(folder, port)
        lot = BenchLot(folder, port, kind, AGENTS, 50)
        with running(command, stderr=subprocess.DEVNULL):
            await_port(port)
            gateway_command = [sys.executable, "-m", "lotkeeper", "gateway", "run", "-c"]
            gateway_command.append(str(lot.gateway_toml()))
            log = (folder / "gateway.log").open("w")
            with running(gateway_command, stderr=log) as gateway, beside(lot):
                return measured(lot, gateway, events, batch)


def measured(
    lot: BenchLot, gateway: "subprocess.Popen[str]", events: int, batch: int
) -> dict[str, float]:
    """Start the load, await the last event at the sink, reckon."""
    each = events // AGENTS
    agents = [load_agent(lot.agent_toml(n, batch), each) for n in range(AGENTS)]
    for agent in agents:
        agent.hear()
    gateway_before = written_bytes(gateway.pid)
    agents_before = sum(written_bytes(agent.child.pid) for agent in agents)
    began_s = time.monotonic()
    for agent in agents:
        agent.go_on()
    ids = await_events(lot, AGENTS * each)
    seconds = time.monotonic() - began_s
    for agent in agents:
        agent.hear()
    result = {
        "events_per_s": len(ids) / seconds,
        "doubled": len(ids) - len(set(ids)),
        "gateway_mb": resident_mb(gateway.pid),
        "agent_mb": max(resident_mb(agent.child.pid) for agent in agents),
        "gateway_bytes": (written_bytes(gateway.pid) - gateway_before) / len(ids),
        "agent_bytes": (sum(written_bytes(agent.child.pid) for agent in agents) - agents_before)
        / len(ids),
    }
    for agent in agents:
        agent.go_on()
        agent.child.wait(20)
    return result


class LoadAgent:
    """A load agent's process, led by lines."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self.child = child
        self.said: dict[str, Any] = {}

    def hear(self) -> None:
        """Wait until it has said its next line, and keep it. Raises RuntimeError if it ended."""
        assert self.child.stdout
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError("a load agent ended before its time: its words are above")
        self.said = json.loads(line)

    def go_on(self) -> None:
        """Let it go on."""
        assert self.child.stdin
        self.child.stdin.write("go\n")
        self.child.stdin.flush()


def load_agent(config: Path, events: int, rate_per_s: float = 0) -> LoadAgent:
    """Start one; at a rate of 0 it goes as fast as it can."""
    load = [sys.executable, "-m", "bench.load_agent"]
    command = [*load, str(config), str(events), str(rate_per_s)]
    pipe = subprocess.PIPE
    return LoadAgent(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))


def await_events(lot: BenchLot, wanted: int) -> list[str]:
    """The event ids in the sink, as soon as there are `wanted`. Raises TimeoutError."""
    ids: list[str] = []
    read: dict[Path, int] = {}
    deadline_s = time.monotonic() + PATIENCE_S
    while len(ids) < wanted:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{len(ids)} of {wanted} events after {PATIENCE_S:.0f} s")
        time.sleep(0.02)
        for path in sorted((lot.folder / "sink").glob("*")):
            with path.open("rb") as lines:
                lines.seek(read.get(path, 0))
                new = lines.read()
            whole = new[: new.rfind(b"\n") + 1]
            read[path] = read.get(path, 0) + len(whole)
            ids += [json.loads(line)["event_id"] for line in whole.splitlines() if MOVED in line]
    return ids


def main() -> None:
    """Measure and print."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    for batch, what in ((64, "arrays of up to 64"), (1, "one record a message")):
        figures = run(events, batch)
        ratio = figures["events_per_s"] / LIMIT_PER_S
        print(
            f"{what:<20} {figures['events_per_s']:6.0f} events/s = {ratio:.2f} x ThingsBoard's "
            f"{LIMIT_PER_S}/s; {figures['doubled']:.0f} doubled"
        )
        print(
            f"{'':<20} gateway {figures['gateway_mb']:.1f} MB = {figures['gateway_mb'] / 65:.2f} x "
            f"its 65 MB, {figures['gateway_bytes']:.0f} B/event to disk; agent "
            f"{figures['agent_mb']:.1f} MB, {figures['agent_bytes']:.0f} B/event"
        )


if __name__ == "__main__":
    main()
