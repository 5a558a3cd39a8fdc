"""The console over 1,000 spots with live viewers, against 200 ms at the 95th percentile.

A whole lot: broker, gateway, agents that commit changes at a steady rate, and the console as a
process. Each viewer, in a process beside, holds a page's socket as a browser does. Asked
meanwhile, one after the other: the API's summary, the list of all spots, and the map's page, which
carries every bay. From the change's commit at its agent to a viewer's socket is timed too, against
a second.
Usage: python -m bench.console_pages [VIEWERS] [SECONDS]
"""

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import socketio

from bench.console import AS_ITS_UNIT
from bench.display_latency import percentile
from bench.lot import BenchLot, await_port, broker_command, resident_mb, running
from console.database import KEPT, make
from console.people import People
from console.tokens import Scope
from simulator.processes import free_port

AGENTS, SPOTS_EACH = 5, 200
RATE_PER_S = 10.0
LIMIT_MS = 200.0
PUSH_LIMIT_MS = 1000.0
ASKED = ("/api/v1/summary", "/api/v1/spots?limit=1000", "/lots/bench")


class Viewer:
    """A page's socket, which notes how old each change is when it comes."""

    def __init__(self) -> None:
        self.socket = socketio.AsyncClient(reconnection=False)
        self.push_ms: list[float] = []
        self.socket.on("run_javascript", self._hear)

    async def look(self, http: httpx.AsyncClient, cookie: str) -> None:
        """Open the page and connect its socket."""
        page = (await http.get("/lots/bench")).text
        found = re.search(r"client_id'?: '([0-9a-f-]+)'", page)
        assert found, page[:500]
        tab = str(uuid.uuid4())
        query = f"client_id={found[1]}&next_message_id=0&implicit_handshake=true"
        await self.socket.connect(
            f"{http.base_url}?{query}&document_id={tab}&tab_id={tab}",
            headers={"Cookie": cookie},
            transports=["websocket"],
            socketio_path="/_nicegui_ws/socket.io",
        )

    def _hear(self, message: dict[str, Any]) -> None:
        found = re.fullmatch(r'return runMethod\(\d+, ?"apply", ?(.*)\)', message["code"])
        if found is None:
            return
        (told,) = json.loads(found[1])
        if len(told["spots"]) >= AGENTS * SPOTS_EACH:
            return  # the whole lot, as it begins
        now_ms = time.time() * 1000
        self.push_ms += [now_ms - since for _, since, _ in told["spots"].values() if since]


async def view(url: str, cookie: str, viewers: int) -> None:
    """Hold that many pages open until stdin ends; then say how old the pushes were, in ms."""
    async with httpx.AsyncClient(base_url=url, headers={"Cookie": cookie}, timeout=30) as http:
        looking = [Viewer() for _ in range(viewers)]
        for viewer in looking:
            await viewer.look(http, cookie)
        print("watching", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps([ms for viewer in looking for ms in viewer.push_ms]), flush=True)
        for viewer in looking:
            await viewer.socket.disconnect()


def measure(url: str, session: str, viewers: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds, by what was asked, and of pushes. The viewers are a process of their own."""
    cookie = f"lotkeeper_session={session}"
    taken: dict[str, list[float]] = {path: [] for path in ASKED}
    command = [sys.executable, "-m", "bench.console_pages", "view", url, cookie, str(viewers)]
    with (
        subprocess.Popen(command, text=True, **PIPED) as child,
        httpx.Client(base_url=url, headers={"Cookie": cookie}, timeout=30) as http,
    ):
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        until_s = time.monotonic() + seconds
        for path in itertools.cycle(ASKED):
            if time.monotonic() >= until_s:
                break
            began_s = time.monotonic()
            answer = http.get(path)
            taken[path].append((time.monotonic() - began_s) * 1000)
            assert answer.status_code == 200, answer.text
            time.sleep(0.05)
        child.stdin.close()
        taken["push"] = json.loads(child.stdout.readline())
    return taken


def run(folder: Path, viewers: int, seconds: float) -> tuple[dict[str, list[float]], str]:
    """The figures, and what the console takes of the machine, its start included."""
    port, http_port = free_port(), free_port()
    kind, command = broker_command(folder, port)
    lot = BenchLot(folder, port, kind, AGENTS, SPOTS_EACH)
    store, config = folder / "console.db", folder / "console.toml"
    lotkeeper = [sys.executable, "-m", "lotkeeper"]
    gateway = [*lotkeeper, "gateway", "run", "-c", str(lot.gateway_toml())]
    config.write_text(
        f'[http]\nport = {http_port}\n[store]\npath = "{store}"\n'
        f'[rate]\npath = "{folder}/rate.db"\nper_minute = 1000000\n'
        f'[[lots]]\ngateway = "{folder}/gateway.toml"\n'
    )
    make(store, KEPT)
    people = People(store)
    people.add("bench", Scope.VIEWER, "correct horse")
    session = people.log_in("bench", "correct horse")
    assert session
    with ExitStack() as open_now:
        open_now.enter_context(running(command, stderr=subprocess.DEVNULL))
        await_port(port)
        open_now.enter_context(running(gateway, stderr=subprocess.DEVNULL))
        agents = [open_now.enter_context(running(each, **PIPED)) for each in _loads(lot, seconds)]
        console = [*AS_ITS_UNIT, *lotkeeper, "console", "run", "-c", str(config)]
        process = open_now.enter_context(running(console, stderr=subprocess.DEVNULL))
        await_port(http_port)
        for agent in agents:
            agent.stdout.readline()
            agent.stdin.write("go\n")
            agent.stdin.flush()
        url = f"http://127.0.0.1:{http_port}"
        began_s = time.monotonic()
        taken = measure(url, session, viewers, seconds)
        share = cpu_s(process.pid) / (time.monotonic() - began_s)
        return taken, f"holds {resident_mb(process.pid):.0f} MB, takes {share:.0%} of a core"


def cpu_s(pid: int) -> float:
    """The seconds of a core that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


PIPED: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


def _loads(lot: BenchLot, seconds: float) -> list[list[str]]:
    rate = RATE_PER_S / AGENTS
    events = str(int(rate * (seconds + 30)))  # viewers take a while to come
    load = [sys.executable, "-m", "bench.load_agent"]
    return [[*load, str(lot.agent_toml(each)), events, str(rate)] for each in range(AGENTS)]


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["view"]:
        asyncio.run(view(sys.argv[2], sys.argv[3], int(sys.argv[4])))
        return
    viewers = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 30.0
    with tempfile.TemporaryDirectory() as name:
        taken, takes = run(Path(name), viewers, seconds)
    for what, values in taken.items():
        limit = PUSH_LIMIT_MS if what == "push" else LIMIT_MS
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        print(
            f"{what:<26} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  "
            f"{p95 / limit:.2f} x {limit:.0f} ms  {len(values)} times"
        )
    print(f"{viewers} viewers, {AGENTS * SPOTS_EACH} spots, the console {takes}")


if __name__ == "__main__":
    main()
