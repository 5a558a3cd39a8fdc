"""What the spool's append costs over a bare INSERT of the same payloads, on this disk.

    python -m bench.spool_append [--folder DIR] [--seconds S]

Both write the same bodies in WAL with synchronous=FULL, by turns in one run, so that the disk's
mood falls on both. `bare` is one `executemany` into (seq, payload); `spool` adds key, CRC,
byte account and the owner's transaction; `full` is a spool at its byte limit, which thins.
"""

import argparse
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from spool import Entry, Spool, Transaction, open_database
from spool.log import SCHEMA

BATCHES = (1, 10, 100)
SPOTS = 50
BODY = (
    b'{"type":"spot_changed","timestamp":"2024-03-20T10:00:00.000Z","clock":"synced",'
    b'"monotonic_ms":14420000,"boot_id":"5e1f0c8a-6a1f-4f0e-9d0f-2b7c1d9e4a55",'
    b'"spot_id":"A1","status":"occupied","previous":"free","confidence":0.98,"health":"ok"}'
)
BARE = ["CREATE TABLE bare (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)"]

Append = Callable[[int], None]


def bare(folder: Path) -> Append:
    """A plain INSERT, the least that keeps a record."""
    connection, _ = open_database(folder / "bare.db", BARE)

    def append(batch: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO bare (payload) VALUES (?)", [(BODY,)] * batch)
        connection.execute("COMMIT")

    return append


def spooled(folder: Path, name: str, limit_bytes: int) -> Append:
    """`Spool.append` in a `Transaction`."""
    connection, _ = open_database(folder / f"{name}.db", [SCHEMA])
    spool, lock = Spool(connection, limit_bytes, _gap), threading.RLock()
    with Transaction(connection, lock):
        spool.register("up")
        while limit_bytes < 10**9 and spool.bytes + 100 * len(BODY) < limit_bytes:
            spool.append(_entries(100))

    def append(batch: int) -> None:
        entries = _entries(batch)
        with Transaction(connection, lock):
            spool.append(entries)

    return append


def _entries(count: int) -> list[Entry]:
    return [Entry(f"A{n % SPOTS}", BODY) for n in range(count)]


def _gap(first: int, last: int, count: int, reason: str) -> bytes:
    return f'{{"first_seq":{first},"last_seq":{last},"count":{count},"{reason}":1}}'.encode()


def turn(append: Append, batch: int, seconds: float, commits_ms: list[float]) -> None:
    """Append for `seconds`, keeping what each commit took."""
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        append(batch)
        commits_ms.append((time.perf_counter() - begin) * 1000)


def measure(kinds: dict[str, Append], batch: int, seconds: float) -> dict[str, list[float]]:
    """Each kind's commits in ms, in ten turns each."""
    commits: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(10):
        for name, append in kinds.items():
            turn(append, batch, seconds / 10, commits[name])
    return commits


def main() -> None:
    """Print a table: events a second, commit p50 and p99, and the ratio to bare."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--folder", type=Path, help="on the disk to measure")
    options.add_argument("--seconds", type=float, default=2.0, help="for each kind and batch")
    given = options.parse_args()
    print(f"SQLite {sqlite3.sqlite_version}, bodies of {len(BODY)} bytes")
    print(f"{'batch':>5} {'kind':>6} {'events/s':>9} {'p50 ms':>7} {'p99 ms':>7} {'to bare':>8}")
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        kinds = {
            "bare": bare(folder),
            "spool": spooled(folder, "spool", 10**9),
            "full": spooled(folder, "full", 8 * 2**20),
        }
        for batch in BATCHES:
            report(batch, measure(kinds, batch, given.seconds))


def report(batch: int, commits: dict[str, list[float]]) -> None:
    """One line a kind."""
    rates = {kind: batch * len(ms) / (sum(ms) / 1000) for kind, ms in commits.items()}
    for kind, ms in commits.items():
        p99 = statistics.quantiles(ms, n=100)[98]
        print(
            f"{batch:5} {kind:>6} {rates[kind]:9.0f} {statistics.median(ms):7.3f} {p99:7.3f} "
            f"{rates[kind] / rates['bare']:8.2f}"
        )


if __name__ == "__main__":
    main()
