"""A store on a disk that is filled up under it, and emptied again.

`python -m proof.storage.cramped agent FOLDER` runs in a file system of a few MB that is all its
own (FOLDER) and prints what came of each step, as JSON. `--no-reserve` breaks the promise.
"""

import argparse
import json
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from agent.store import AgentStore
from gateway.store import GatewayStore
from proof.storage.loads import NAMES
from spool import Entry, Spool
from spool.reserve import Reserve

LIMIT = 10**8
BODY = b'{"pad": "%s"}' % (b"x" * 800)
SPOTS = 8


class Store(Protocol):
    """A store as the steps need it."""

    spool: Spool
    reserve: Reserve

    def append(self, turn: int) -> None:
        """A toggle of one spot."""

    def drain(self) -> None:
        """Nothing waits any more."""

    def close(self) -> None:
        """Close the file."""


class Agents:
    """An agent's store, acknowledged."""

    def __init__(self, folder: Path) -> None:
        self.store = AgentStore(folder / NAMES["agent"], LIMIT)
        self.spool, self.reserve = self.store.spool, self.store.reserve

    def close(self) -> None:
        self.store.close()

    def append(self, turn: int) -> None:
        """A toggle of one spot."""
        spot = f"A{turn % SPOTS}"
        self.store.append(spot, [Entry(spot, BODY)], "{}")

    def drain(self) -> None:
        """All is acknowledged."""
        self.store.acknowledge(self.spool.last_seq)
        self.store.keep_position()


class Gateways:
    """A gateway's store, forwarded."""

    def __init__(self, folder: Path) -> None:
        self.store = GatewayStore(folder / NAMES["gateway"], LIMIT)
        self.store.register_sinks(["gateway"])
        self.spool, self.reserve = self.store.spool, self.store.reserve

    def close(self) -> None:
        self.store.close()

    def append(self, turn: int) -> None:
        """A toggle of one spot."""
        with self.store.transaction():
            self.spool.append([Entry(f"A{turn % SPOTS}", BODY)])

    def drain(self) -> None:
        """All is delivered."""
        waiting = self.spool.depth("gateway").waiting
        with self.store.transaction():
            self.spool.advance("gateway", self.spool.last_seq, delivered=waiting)
            self.spool.forget()


def fill(folder: Path) -> Path:
    """Take all that is left of the disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def step(name: str, do: Callable[[], None], made: Store) -> None:
    """Do it, and print what came of it."""
    error = ""
    try:
        do()
    except (sqlite3.Error, OSError) as failure:
        error = str(failure)
    depth = made.spool.depth("gateway")
    found: dict[str, Any] = {
        "step": name,
        "error": error,
        "cramped": made.reserve.cramped,
        "limit": made.spool.limit_bytes,
        "last_seq": made.spool.last_seq,
        "waiting": depth.waiting,
        "dropped": depth.dropped,
        "balanced": depth.balanced,
        "newest": sum(bool(row.key) for row in made.spool.read(made.spool.last_seq - SPOTS, 99)),
    }
    print(json.dumps(found), flush=True)


def append_many(made: Store) -> None:
    """Far more than the disk has room for."""
    for turn in range(4000):
        made.append(turn)


def tell_of(kind: Callable[[Path], Store], folder: Path) -> None:
    """Fill the disk under a store and beside one that does not run; empty it again each time."""
    made = kind(folder)
    step("roomy", lambda: made.append(0), made)
    filler = fill(folder)
    step("full", lambda: append_many(made), made)
    step("drained", made.drain, made)
    step("full again", lambda: append_many(made), made)
    filler.unlink()
    step("room again", lambda: made.append(0), made)
    made.close()
    filler = fill(folder)
    made = kind(folder)
    step("started on a full disk", lambda: append_many(made), made)
    filler.unlink()
    step("room once more", lambda: made.append(0), made)
    made.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("load", choices=["agent", "gateway"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--no-reserve", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if arguments.no_reserve:
        Reserve.look = lambda self: None  # type: ignore[method-assign]
    tell_of(Agents if arguments.load == "agent" else Gateways, arguments.folder)


if __name__ == "__main__":
    main()
