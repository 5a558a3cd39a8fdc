"""A process that does one store's writing, between two marks, and says what it wrote.

Usage: python -m bench.card.work KIND BATCH EVENTS FOLDER
KIND is `bare` (a plain INSERT, and a DELETE for every 100), `agent` (its store at its byte limit,
thinning as it goes) or `gateway` (ingest, then a sink that takes all, then the cursor and the
DELETE). BATCH events are in one commit. The marks are SIGURG, which nobody minds: strace shows it.
"""

import itertools
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.store import AgentStore
from bench.lot import written_bytes
from bench.spool_append import BODY
from gateway.batch import Arrived
from gateway.forwarder import Forwarder
from gateway.ingest import Ingest
from gateway.sinks import ACCEPTED, Answer, Outgoing
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings
from spool import Entry, open_database

BAYS = 50
LIMIT = 2_000_000
DETECTOR = json.dumps(
    {"status": "occupied", "floor_mm": 2412.5, "learnt_s": 86400.0, "n": [0] * 40}
)
BARE = ["CREATE TABLE bare (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)"]
DELETE_EVERY = 100

Commit = Callable[[int], None]
"""Commits so many events."""


class TakesAll:
    """A sink whose upstream takes everything and which writes nothing itself."""

    max_records = 500
    max_bytes = 1 << 20
    partial = False

    def open(self) -> None:
        """Nothing to open."""

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Accepted."""
        return [ACCEPTED] * len(batch)

    def close(self) -> None:
        """Nothing to close."""


def bare(folder: Path) -> Commit:
    """The least that keeps an event until it is delivered."""
    database, _ = open_database(folder / "bare.db", BARE)
    inserted = itertools.count(1)

    def commit(batch: int) -> None:
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO bare (payload) VALUES (?)", [(BODY,)] * batch)
        database.execute("COMMIT")
        if next(inserted) * batch % DELETE_EVERY < batch:
            database.execute("DELETE FROM bare")

    return commit


def agent(folder: Path) -> Commit:
    """A store that is full of acknowledged events, as it is from its first weeks on."""
    store = AgentStore(folder / "agent.db", LIMIT)
    bays = itertools.cycle([f"A{n}" for n in range(BAYS)])

    def commit(batch: int) -> None:
        bay = next(bays)
        seqs = store.append(bay, [Entry(bay, BODY)] * batch, DETECTOR)
        store.acknowledge(seqs[-1])

    while store.spool.bytes < LIMIT * 0.9:
        commit(100)
    return commit


def gateway(folder: Path) -> Commit:
    """A gateway with one sink that keeps up."""
    spots = [{"spot_id": f"A{n}", "zone_id": "A"} for n in range(BAYS)]
    settings = lot_settings(folder, spots=spots)
    clock = SetClock()
    clock.now_s = 1e7  # behind every record's time
    store = GatewayStore(settings.store.path, settings.store.limit_bytes)
    store.register_sinks(["up"])
    ingest = Ingest(settings, store, clock)
    forwarder = Forwarder("up", "lot-1", TakesAll(), store, lambda _: [], settings.forward, clock)
    seqs = itertools.count(1)

    def message(batch: int) -> Arrived:
        records = [
            changed(seq, "occupied" if seq // BAYS % 2 else "free", spot_id=f"A{seq % BAYS}")
            for seq in itertools.islice(seqs, batch)
        ]
        return Arrived("pi-1", "events", json.dumps(records).encode())

    def commit(batch: int) -> None:
        if ingest.take([message(batch)]).appended != batch:
            raise RuntimeError(f"the gateway did not take all of a batch: {ingest.reasons}")
        while forwarder.step() is not None:
            pass

    return commit


KINDS = {"bare": bare, "agent": agent, "gateway": gateway}


def main() -> None:
    """Work, and print the bytes that this process sent to the disk between the marks."""
    kind, batch, events, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    commit = KINDS[kind](folder)
    for _ in range(200):
        commit(1)
    mark()
    before = written_bytes(os.getpid())
    for _ in range(events // batch):
        commit(batch)
    wrote = written_bytes(os.getpid()) - before
    mark()
    print(json.dumps({"written": wrote}), flush=True)


def mark() -> None:
    """A mark in the trace; waits for one answer, so that the device can be read meanwhile."""
    os.kill(os.getpid(), signal.SIGURG)
    print("mark", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
