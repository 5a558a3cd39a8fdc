"""Lotkeeper beside ThingsBoard's gateway and mosquitto's bridge: the same load, the same kill.

Usage: python -m bench.peers [--runs N] [--only WORD] [--scale S]
Prints a table; docs/reliability/peers.md says what each side syncs and what "delivered" means.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.peers.bridge import Bridge
from bench.peers.lotkeeper import Lotkeeper
from bench.peers.scenarios import Run, killed, offline, through
from bench.peers.side import Side
from bench.peers.table import markdown, row
from bench.peers.thingsboard import ThingsBoard

Scenario = Callable[[Side], Run]

SIDES: dict[str, Callable[[Path], Side]] = {
    "Lotkeeper, arrays": lambda folder: Lotkeeper(folder, "Lotkeeper, arrays", 64),
    "Lotkeeper, single records": lambda folder: Lotkeeper(folder, "Lotkeeper, single records", 1),
    "thingsboard-gateway": ThingsBoard,
    "mosquitto bridge": lambda folder: Bridge(folder, "mosquitto bridge", 1800),
    "mosquitto bridge, saved each second": lambda folder: Bridge(
        folder, "mosquitto bridge, saved each second", 1
    ),
}


def scenarios(scale: float) -> dict[str, Scenario]:
    """Each by its name; `scale` makes the numbers of events smaller."""

    def so_many(events: int) -> int:
        return max(int(events * scale) // 100 * 100, 100)

    return {
        "burst 5k": lambda side: through(side, so_many(5_000)),
        "burst 20k": lambda side: through(side, so_many(20_000)),
        "steady 1000/s, 8 s": lambda side: through(side, so_many(8_000), 1_000),
        "killed at once": lambda side: killed(side, so_many(5_000), 0.0),
        "killed after 5 s": lambda side: killed(side, so_many(5_000), 5.0),
        "started offline": lambda side: offline(side, so_many(1_000), 5.0),
    }


def measure(scenario: Scenario, make: Callable[[Path], Side]) -> Run:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        side = make(Path(folder))
        try:
            return scenario(side)
        finally:
            side.close()


def rows(only: str, runs: int, scale: float) -> Iterator[list[str]]:
    """By turns, a run of each side, so that what else the machine does falls on all of them."""
    for what, scenario in scenarios(scale).items():
        wanted = {name: make for name, make in SIDES.items() if only in f"{what}: {name}"}
        done: dict[str, list[Run]] = {name: [] for name in wanted}
        for turn in range(runs):
            for name, make in wanted.items():
                done[name].append(measure(scenario, make))
                print(f"{what}, run {turn + 1}: {name}: {told(done[name][-1])}", flush=True)
        first = next(iter(done.values()), [])
        yield from (row(what, name, each, first) for name, each in done.items())


def told(run: Run) -> str:
    """A run in a line, and how busy the machine was."""
    a = run.account
    return (
        f"{run.rate_per_s:.0f}/s, {a.lost} lost, {a.duplicated} duplicated, "
        f"{a.out_of_order} out of order; load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    """Run and print."""
    options = argparse.ArgumentParser(prog="python -m bench.peers")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--only", default="", help='a part of "scenario: side"')
    options.add_argument("--scale", type=float, default=1.0, help="so many of the events")
    given = options.parse_args()
    print(markdown(list(rows(given.only, given.runs, given.scale))))


if __name__ == "__main__":
    main()
