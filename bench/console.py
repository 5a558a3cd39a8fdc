"""The console over a year of 1,000 spots, with viewers on its stream of events, against 200 ms.

A year is invented and written by the history sink's own code. Then a whole lot runs: broker,
gateway, agents that commit changes at a steady rate, and the console as a process, with viewers
that hold `/api/v1/events` open. Each question is asked again and again meanwhile. At last the
gateway's rate of ingest is measured without the console, and with it and its viewers.

Usage: python -m bench.console [DAYS] [SPOTS] [VIEWERS] [EVENTS]   (365, 1000, 50, 20000)
A year takes some ten minutes to write; 0 EVENTS leaves the rate out.
"""

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.display_latency import percentile
from bench.end_to_end import LoadAgent, load_agent
from bench.end_to_end import run as run_ingest
from bench.lot import BenchLot, await_port, broker_command, running
from console.database import KEPT, make
from console.tokens import Scope, Tokens
from gateway.history.book import Book
from gateway.history.records import Change
from gateway.history.schema import MIGRATIONS
from simulator.invented import invented_day
from simulator.processes import free_port
from spool import open_database

AGENTS = 5
RATE_PER_S = 10.0
LIMIT_MS = 200.0
TIMES = 40
PAIRS = 5
DAY_S = 86_400.0
STAY_S, GAP_S = 7000.0, 9000.0
"""On the average; some ten changes a spot and day."""
LOTKEEPER = [sys.executable, "-m", "lotkeeper"]
AS_ITS_UNIT = ["nice", "-n", "7"]
"""CPUWeight=20 of lotkeeper-console.service beside 100: a step of nice is a factor of 1.25."""
LOT = "/api/v1/lots/bench"


def write_days(path: Path, lot: BenchLot, days: int) -> int:
    """Write the days before today; answers how many records."""
    db, _ = open_database(path, MIGRATIONS)
    book = Book(db)
    names = {spot: agent for agent in range(AGENTS) for spot in lot.spot_ids(agent)}
    seqs = itertools.count(1)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    written = 0
    for day in range(days):
        begin_ms = round((midnight - timedelta(days=days - day)).timestamp() * 1000)
        intervals = invented_day(
            list(names), day, DAY_S - 120, stay_s=STAY_S, gap_s=GAP_S, fill_s=GAP_S
        )
        moves = sorted(
            (min(at_s, DAY_S - 1), spot, occupied)
            for spot, of_spot in intervals.items()
            for interval in of_spot
            for at_s, occupied in zip(interval, (True, False), strict=True)
        )
        db.execute("BEGIN")
        book.take(
            Change(
                f"pi-{names[spot]}",
                "the-year",
                next(seqs),
                begin_ms + round(at_s * 1000),
                spot,
                "z",
                0 if occupied else 1,
                1 if occupied else 0,
                0,
            )
            for at_s, spot, occupied in moves
        )
        db.execute("COMMIT")
        written += len(moves)
    db.close()
    return written


class Console:
    """A console's process over a lot, and a token for it."""

    def __init__(self, lot: BenchLot) -> None:
        self.port = free_port()
        self.config = lot.folder / "console.toml"
        store = lot.folder / "console.db"
        self.config.write_text(
            f'[http]\nport = {self.port}\n[store]\npath = "{store}"\n'
            f'[rate]\npath = "{lot.folder}/rate.db"\nper_minute = 1000000\n'
            f'[[lots]]\ngateway = "{lot.folder}/gateway.toml"\n'
        )
        make(store, KEPT)
        self.headers = {"Authorization": f"Bearer {Tokens(store).add('bench', Scope.VIEWER)}"}
        self.url = f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> "Iterator[subprocess.Popen[str]]":
        """The process."""
        command = [*AS_ITS_UNIT, *LOTKEEPER, "console", "run", "-c", str(self.config)]
        with running(command, stderr=subprocess.DEVNULL) as child:
            await_port(self.port)
            yield child

    @contextmanager
    def watched(self, viewers: int) -> Iterator[None]:
        """The process, with viewers in another."""
        with self.running():
            # They are other machines in truth: here they take what nobody else wants.
            command = ["nice", "-n", "19", sys.executable, "-m", "bench.console", "view", self.url]
            command += [self.headers["Authorization"], str(viewers)]
            with running(command, stdout=subprocess.PIPE) as child:
                assert child.stdout
                child.stdout.readline()  # all of them are connected
                yield


async def view(url: str, authorization: str, viewers: int) -> None:
    """Hold that many streams open, and say so."""
    headers = {"Authorization": authorization}
    limits = httpx.Limits(max_connections=viewers)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=None, limits=limits
    ) as http:
        greeted = asyncio.Semaphore(0)

        async def look() -> None:
            async with http.stream("GET", "/api/v1/events") as answer:
                async for line in answer.aiter_lines():
                    if line == "event: hello":
                        greeted.release()

        async with asyncio.TaskGroup() as group:
            for _ in range(viewers):
                group.create_task(look())
            for _ in range(viewers):
                await greeted.acquire()
            print("watching", flush=True)


def asked(days: int) -> dict[str, str]:
    """What is asked, by what it is."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def since(length: int) -> str:
        begin = end - timedelta(days=min(length, days))
        return f"begin={begin:%Y-%m-%dT%H:%M:%SZ}&end={end:%Y-%m-%dT%H:%M:%SZ}"

    return {
        "summary": "/api/v1/summary",
        "spots, the map's data": "/api/v1/spots?limit=1000",
        "usage of a day": f"{LOT}/usage?{since(1)}",
        "usage of a month by the hour": f"{LOT}/usage?{since(31)}",
        "usage of a year by the day": f"{LOT}/usage?by=day&{since(365)}",
        "heat map of a year": f"{LOT}/heatmap?{since(365)}",
        "heat map of a zone's year": f"{LOT}/heatmap?zone=z&{since(365)}",
        "figures of a year": f"{LOT}/figures?{since(365)}",
        "utilisation of a year": f"{LOT}/utilisation?limit=1000&{since(365)}",
        "log of a year, newest": f"{LOT}/log?{since(365)}",
        "log of a year, departures": f"{LOT}/log?type=DEPARTURE&zone=z&{since(365)}",
        "log of a spot's year": f"{LOT}/log?spot=a0-0&{since(365)}",
    }


def ask(console: Console, days: int) -> dict[str, list[float]]:
    """Milliseconds, by what was asked."""
    taken: dict[str, list[float]] = {what: [] for what in asked(days)}
    with httpx.Client(base_url=console.url, headers=console.headers, timeout=60) as http:
        for _ in range(TIMES):
            for what, path in asked(days).items():
                began_s = time.monotonic()
                answer = http.get(path)
                taken[what].append((time.monotonic() - began_s) * 1000)
                if answer.status_code != httpx.codes.OK:
                    raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
    return taken


def answers(days: int, spots: int, viewers: int) -> dict[str, list[float]]:
    """Milliseconds, by what was asked, of a console over a lot at work."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as open_now:
        folder = Path(name)
        port = free_port()
        kind, command = broker_command(folder, port)
        lot = BenchLot(folder, port, kind, AGENTS, spots // AGENTS)
        began_s = time.monotonic()
        written = write_days(folder / "history.db", lot, days)
        print(
            f"{written} records of {days} days in {time.monotonic() - began_s:.0f} s, "
            f"{(folder / 'history.db').stat().st_size / 1e6:.0f} MB",
            flush=True,
        )
        config = lot.gateway_toml()
        with config.open("a") as file:
            file.write(
                f'[[sinks]]\nname = "past"\nkind = "history"\npath = "{folder}/history.db"\n'
            )
        open_now.enter_context(running(command, stderr=subprocess.DEVNULL))
        await_port(port)
        gateway = [*LOTKEEPER, "gateway", "run", "-c", str(config)]
        open_now.enter_context(running(gateway, stderr=subprocess.DEVNULL))
        for agent in _agents(lot):
            open_now.callback(agent.child.wait, 15)
            open_now.callback(agent.child.terminate)
        console = Console(lot)
        open_now.enter_context(console.watched(viewers))
        return ask(console, days)


def _agents(lot: BenchLot) -> list[LoadAgent]:
    """Agents at work: first every spot once, then at a steady rate until they are stopped."""
    found = [load_agent(lot.agent_toml(n), 1_000_000, RATE_PER_S / AGENTS) for n in range(AGENTS)]
    for agent in found:
        agent.hear()
        agent.go_on()
    return found


def ingest(events: int, viewers: int) -> list[tuple[float, float]]:
    """Events a second into the gateway: alone, and with a console that is looked at; in turn."""

    @contextmanager
    def looked_at(lot: BenchLot) -> Iterator[Any]:
        with Console(lot).watched(viewers):
            yield

    return [
        (
            run_ingest(events, 64)["events_per_s"],
            run_ingest(events, 64, looked_at)["events_per_s"],
        )
        for _ in range(PAIRS)
    ]


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["view"]:
        asyncio.run(view(sys.argv[2], sys.argv[3], int(sys.argv[4])))
        return
    given = [int(each) for each in sys.argv[1:]]
    days, spots, viewers, events = [*given, *(365, 1000, 50, 20_000)[len(given) :]]
    taken = answers(days, spots, viewers)
    for what, values in taken.items():
        p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
        print(f"{what:<30} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms  {p95 / LIMIT_MS:.2f} x 200 ms")
    if events:
        pairs = ingest(events, viewers)
        alone, beside = (median(each) for each in zip(*pairs, strict=True))
        ratios = sorted(with_viewers / without for without, with_viewers in pairs)
        print(
            f"ingest {alone:.0f} events/s alone, {beside:.0f} with the console and {viewers} "
            f"viewers: {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
