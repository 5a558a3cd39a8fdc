"""One bit of a database is flipped: what the real store makes of it."""

import hashlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from agent.store import AgentStore
from gateway.store import GatewayStore
from proof.storage.loads import AGENT_LIMIT, GATEWAY_LIMIT, NAMES, STEPS, digest
from spool import Entry
from spool.database import PAGE_BYTES
from spool.rows import COLUMNS

COMMITS = 20
"""Of the load whose log is flipped."""

Verdict = Literal["harmless", "set aside", "quarantined", "silent", "refused"]
"""Nothing changed | the file was | a row was | something changed unseen | no start, no commit."""


def content(connection: sqlite3.Connection) -> str:
    """All that something is decided by. Only a lower counter of letters or streams would harm.

    The spool's rows are taken as they are read for sending: a text that a bit has made a blob of
    the same bytes is the same record, and its CRC says so.
    """
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT IN "
        "('spool', 'sqlite_sequence', 'spool_quarantine') ORDER BY name"
    ).fetchall()
    said = hashlib.sha256()
    queries = [f"SELECT * FROM {table}" for (table,) in tables]
    spool = f"SELECT {COLUMNS} FROM spool", "SELECT seq FROM sqlite_sequence WHERE name = 'spool'"
    for query in [*queries, *spool]:
        said.update(repr((query, sorted(connection.execute(query), key=repr))).encode())
    return said.hexdigest()


def opened(load: str, folder: Path) -> tuple[AgentStore | GatewayStore, sqlite3.Connection]:
    """The real store, with every row of its spool read as it is for sending."""
    path = folder / NAMES[load]
    if load == "agent":
        agent = AgentStore(path, AGENT_LIMIT)
        agent.read(0, 10**6)
        return agent, agent._db
    gateway = GatewayStore(path, GATEWAY_LIMIT)
    gateway.read(0, 10**6, 10**9)
    return gateway, gateway.db


def append(store: AgentStore | GatewayStore) -> None:
    """One commit more."""
    if isinstance(store, AgentStore):
        store.append("A1", [Entry("A1", b"{}")], "{}")
    else:
        with store.transaction():
            store.spool.append([Entry("A1", b"{}")])


def sound(load: str, folder: Path) -> str:
    """What the database in `folder` says before anything happens to it."""
    store, connection = opened(load, folder)
    said = content(connection)
    store.close()
    return said


def flips(whole: bytes, a_page: int, rng: Random) -> Iterator[tuple[int, int]]:
    """(offset, bit): `a_page` bits of each page, most of them where something is written."""
    for start in range(0, len(whole), PAGE_BYTES):
        end = min(start + PAGE_BYTES, len(whole))
        written = [at for at in range(start, end) if whole[at]]
        for number in range(a_page):
            anywhere = number % 4 == 0 or not written
            at = rng.randrange(start, end) if anywhere else rng.choice(written)
            yield at, rng.randrange(8)


@dataclass(frozen=True, slots=True)
class Logged:
    """A load killed before any checkpoint: its state at each commit, its database and its log.

    The database is made in the log too, in its first `made` bytes.
    """

    said: list[str]
    database: bytes
    log: bytes
    made: int


def logged(load: str, folder: Path) -> Logged:
    """Run the load for some commits."""
    folder.mkdir()
    steps = STEPS[load](folder, COMMITS)
    path = folder / NAMES[load]
    log = path.with_name(path.name + "-wal")
    said = [digest(next(steps))]
    made = log.stat().st_size
    said += [digest(next(steps)) for _ in range(COMMITS - 1)]
    return Logged(said, path.read_bytes(), log.read_bytes(), made)


def taken_back(load: str, folder: Path, whole: Logged, place: tuple[int, int]) -> int | None:
    """How many commits a flip in the log takes back; None where another state came of it."""
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    log = bytearray(whole.log)
    log[place[0]] ^= 1 << place[1]
    path = folder / NAMES[load]
    path.write_bytes(whole.database)
    path.with_name(path.name + "-wal").write_bytes(log)
    store, connection = opened(load, folder)
    found = digest(connection)
    store.close()
    return whole.said[::-1].index(found) if found in whole.said else None


def verdict(load: str, folder: Path, whole: bytes, said: str, place: tuple[int, int]) -> Verdict:
    """Make the database again with one bit flipped, open it, commit, and look."""
    for left in folder.iterdir():
        left.unlink()
    data = bytearray(whole)
    data[place[0]] ^= 1 << place[1]
    (folder / NAMES[load]).write_bytes(data)
    logging.disable(logging.CRITICAL)
    try:
        store, connection = opened(load, folder)
        try:
            found = content(connection)
            quarantined = store.spool.quarantined()
            append(store)
        finally:
            connection.close()
    except (sqlite3.Error, ValueError, KeyError, RuntimeError, OSError):
        return "refused"
    finally:
        logging.disable(logging.NOTSET)
    if list(folder.glob("*.damaged-*")):
        return "set aside"
    if quarantined:
        return "quarantined"
    return "harmless" if found == said else "silent"
