"""Small loads on the real stores, each step one transaction that is told once it is committed.

`python -m proof.storage.loads agent FOLDER` prints a line a commit: a digest of all that the
database then holds. A load does the same each time it runs. Its log is checkpointed every few
pages, where the service waits for thousands, so that a short trace holds many checkpoints.
"""

import argparse
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from agent.store import AgentStore
from gateway.batch import Arrived
from gateway.decode import Poison
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings
from spool import Entry, database

WAL_PAGES = 12
SINK = "file"
AGENT_LIMIT = 9_000
GATEWAY_LIMIT = 10**6
NAMES = {"agent": "agent.db", "gateway": "gateway.db"}

Steps = Iterator[sqlite3.Connection]
"""Yields its connection behind each commit."""


def digest(connection: sqlite3.Connection) -> str:
    """All that the tables hold, in few letters."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name"
    ).fetchall()
    said = hashlib.sha256()
    for (table,) in tables:
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        said.update(repr((table, sorted(rows, key=repr))).encode())
    return said.hexdigest()[:16]


def agent_steps(folder: Path, rounds: int) -> Steps:
    """An agent that senses, is acknowledged, thins out, meets gateways and starts again."""
    rng = Random(1)
    for start in range(2):
        store = AgentStore(folder / NAMES["agent"], AGENT_LIMIT)
        yield store._db
        store.append_birth(b'{"type": "birth", "start": %d}' % start)
        yield store._db
        store.keep_clock_pair(f"boot-{start}", 1000 + start, START)
        yield store._db
        store.meet("gateway-1")
        yield store._db
        for turn in range(rounds):
            spot = f"A{rng.randrange(4)}"
            body = json.dumps({"spot": spot, "turn": turn, "pad": "x" * rng.randrange(400)})
            entries = [Entry(spot, body.encode())] * rng.choice([0, 1, 1, 3])
            store.append(spot, entries, detector=f"{{{turn}}}")
            yield store._db
            if turn % 4 == 3:
                store.acknowledge(store.spool.last_seq - rng.randrange(4))
            if turn % 8 == 7:
                store.protect(store.spool.last_seq)
        store.meet(f"gateway-{2 + start}")
        yield store._db
        store.acknowledge(store.spool.last_seq - 1)
        store.begin_epoch()
        yield store._db
        store.close()
    store = AgentStore(folder / NAMES["agent"], AGENT_LIMIT)
    yield store._db


def gateway_steps(folder: Path, rounds: int) -> Steps:
    """A gateway that takes in good and bad records, forwards, forgets and starts again."""
    settings, clock = lot_settings(folder), SetClock()
    seq = 0
    for _ in range(2):
        store = GatewayStore(folder / NAMES["gateway"], GATEWAY_LIMIT)
        yield store.db
        store.register_sinks([SINK])
        yield store.db
        ingest = Ingest(settings, store, clock)
        for turn in range(rounds):
            batch = [changed(seq + n, spot_id=f"A{1 + (seq + n) % 3}") for n in range(1, 4)]
            seq += 3
            messages = [json.dumps(each).encode() for each in batch]
            messages.append(b"no json" if turn % 3 == 0 else messages[0])
            topic = "lots/lot-1/agents/pi-1/events"
            ingest.take([Arrived("pi-1", topic, message) for message in messages])
            yield store.db
            if turn % 3 == 2:
                _forward(store)
                yield store.db
        store.close()
    store = GatewayStore(folder / NAMES["gateway"], GATEWAY_LIMIT)
    yield store.db


def _forward(store: GatewayStore) -> None:
    """As the forwarder does: move the cursor, bury what was refused, forget, in one transaction."""
    rows = store.read(store.spool.cursors()[SINK], 5, 10**6)
    with store.transaction():
        store.spool.advance(SINK, rows[-1].seq, delivered=len(rows) - 1, dead_lettered=1)
        poison = Poison("sink_rejected", "too large", rows[-1].payload)
        store.letters.bury(START, f"sink:{SINK}", "", poison.reason, poison.detail, poison.payload)
        store.spool.forget()


STEPS: dict[str, Callable[[Path, int], Steps]] = {
    "agent": agent_steps,
    "gateway": gateway_steps,
}


def recovered(load: str, folder: Path) -> tuple[str, int] | None:
    """Open what a fault left with the real store: the digest of what it holds, and its last seq.

    None where the file was set aside as damaged. Raises AssertionError where a row is not
    intact or the account does not hold.
    """
    path = folder / NAMES[load]
    if load == "agent":
        agent = AgentStore(path, AGENT_LIMIT)
        connection, spool, cursors = agent._db, agent.spool, ["gateway"]
    else:
        gateway = GatewayStore(path, GATEWAY_LIMIT)
        connection, spool = gateway.db, gateway.spool
        cursors = list(spool.cursors())
    try:
        assert all(row.intact for row in spool.read(0, 10**6)), "a damaged row"
        assert all(spool.depth(name).balanced for name in cursors), "an account that does not hold"
        if list(folder.glob("*damaged*")):
            return None
        return digest(connection), spool.last_seq
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("load", choices=list(STEPS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--synchronous", help="break the promise: NORMAL or OFF")
    arguments = parser.parse_args()
    rng = Random(7)
    uuid.uuid4 = lambda: uuid.UUID(int=rng.getrandbits(128), version=4)
    database.WAL_PAGES = WAL_PAGES
    for connection in STEPS[arguments.load](arguments.folder, arguments.rounds):
        if arguments.synchronous:
            connection.execute(f"PRAGMA synchronous={arguments.synchronous}")
        print(digest(connection), flush=True)


if __name__ == "__main__":
    main()
