"""How long the present's questions take: 100 lots of 500 spots, while a consumer writes.

    python -m bench.cloud_present [DAYS] [ASKED]

Four changes of each spot are written by the consumer's own code; days like this one are then put
behind it, with the events and stays of a spot that changes ten times a day. Meanwhile another
process writes WRITES_PER_S changes, over a connection of its own. Named limit: 200 ms at p95.
Each question is asked ASKED times, of lots and spots by chance. `CPU` is what one takes of its
backend, whatever else the machine does.
"""

import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg

from bench.cloud_load import backend_cpu_s, payloads, words
from cloud.postgres import connect, migrate
from cloud.present import Delivered, Present
from simulator import embedded

LIMIT_MS = 200.0
LOTS, SPOTS, CHANGES = 100, 500, 4
WRITES_PER_S, BATCH = 300, 150
KEEP = timedelta(days=400)
QUESTIONS = {
    "all lots": "SELECT * FROM current_lot_occupancy",
    "a lot": "SELECT * FROM current_lot_occupancy WHERE lot_id = %(lot)s",
    "a lot's zones": "SELECT * FROM current_zone_occupancy WHERE lot_id = %(lot)s",
    "a lot's spots": "SELECT * FROM current_spot_state WHERE lot_id = %(lot)s",
    "a spot": "SELECT * FROM current_spot_state WHERE lot_id = %(lot)s AND spot_id = %(spot)s",
    "a lot's last 100 events": (
        "SELECT * FROM events WHERE lot_id = %(lot)s ORDER BY at DESC LIMIT 100"
    ),
    "a spot's last day": (
        "SELECT * FROM events WHERE lot_id = %(lot)s AND spot_id = %(spot)s "
        "AND at > now() - interval '1 day' ORDER BY at"
    ),
    "who stands in a lot": (
        "SELECT * FROM sessions WHERE lot_id = %(lot)s AND ended_by IS NULL "
        "AND started_at > now() - interval '3 days'"
    ),
    "a lot's stays of a day": (
        "SELECT count(*), avg(ended_at - started_at) FROM sessions WHERE lot_id = %(lot)s "
        "AND started_at > now() - interval '1 day'"
    ),
}
PAST = {
    "events": (
        "INSERT INTO events (event_id, at, event_type, lot_id, zone_id, spot_id, status, agent_id, "
        "epoch, seq, clock, historical, body) SELECT event_id || ':' || n, "
        "at - n * interval '9.6 hours', event_type, lot_id, zone_id, spot_id, status, agent_id, "
        "epoch, seq, clock, historical, body FROM events, generate_series(1, %s) AS n"
    ),
    "sessions": (
        "INSERT INTO sessions SELECT lot_id, spot_id, zone_id, started_at - n * interval "
        "'9.6 hours', started_by, coalesce(ended_at, now()) - n * interval '9.6 hours', "
        "coalesce(ended_by, 'departure'), arrival_id || ':' || n "
        "FROM sessions, generate_series(1, %s) AS n"
    ),
}


def fill(dsn: str, days: float) -> int:
    """The changes of the last hours, and the days behind them; how many events there are."""
    with connect(dsn) as conn:
        migrate(conn)
        present = Present(conn, KEEP)
        for batch in _batches(payloads(LOTS, SPOTS, CHANGES, timedelta(hours=9.6)), 5000):
            present.write(batch, datetime.now(UTC))
        now = datetime.now(UTC)
        said = words(LOTS, SPOTS, now - timedelta(hours=12))
        present.write([Delivered(f"words/0/{n}", each) for n, each in enumerate(said)], now)
        assert conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
        first = (now - timedelta(days=days + 2)).date()
        conn.execute("SELECT make_partitions(%s, %s)", (first, now.date()))
        for statement in PAST.values():
            conn.execute(statement.encode(), (int(days * 24 / 9.6) - 1,))
        conn.execute("VACUUM ANALYZE")
        row = conn.execute("SELECT count(*) FROM events").fetchone()
        assert row
        return int(row[0])


def _batches(records: Iterator[tuple[str, bytes]], size: int) -> Iterator[list[Delivered]]:
    number = 0
    while some := list(islice(records, size)):
        yield [Delivered(f"fill/0/{number + n}", value) for n, (_, value) in enumerate(some)]
        number += len(some)


def write_on(dsn: str) -> None:
    """Changes at a steady rate, for ever: a process's own work."""
    with connect(dsn) as conn:
        present = Present(conn, KEEP)
        # Of another epoch: newer than all that is there.
        records = payloads(LOTS, SPOTS, 1000, timedelta(minutes=1))
        fresh = ((key, value.replace(b'"epoch":"e1"', b'"epoch":"e2"')) for key, value in records)
        for batch in _batches(((k, v.replace(b":e1:", b":e2:")) for k, v in fresh), BATCH):
            began_s = time.monotonic()
            present.write(batch, datetime.now(UTC))
            time.sleep(max(0.0, BATCH / WRITES_PER_S - (time.monotonic() - began_s)))


def ask(conn: psycopg.Connection, question: str, times: int) -> list[float]:
    """Milliseconds of each, sorted; the rows are fetched."""
    draw, took = random.Random(question), []
    for _ in range(times):
        words = {"lot": f"lot-{draw.randrange(LOTS)}", "spot": f"B{draw.randrange(SPOTS)}"}
        began_s = time.perf_counter()
        conn.execute(question.encode(), words).fetchall()
        took.append((time.perf_counter() - began_s) * 1000)
    return sorted(took)


def main() -> None:
    """Print each question's p50 and p95, and the slowest's ratio to the limit."""
    days = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    asked = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    with (
        tempfile.TemporaryDirectory() as name,
        embedded.postgres(Path(name).resolve() / "postgres") as dsn,
    ):
        events = fill(dsn, days)
        print(f"{LOTS} lots of {SPOTS} spots, {events} events, {WRITES_PER_S} more a second")
        writer = multiprocessing.get_context("spawn").Process(target=write_on, args=(dsn,))
        writer.start()
        try:
            worst = _ask_all(dsn, asked)
            assert writer.is_alive(), "the writer ended: its words are above"
        finally:
            writer.kill()
            writer.join()
    print(f"the slowest at p95: {worst:.0f} ms = {worst / LIMIT_MS:.2f} x the limit")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def _ask_all(dsn: str, asked: int) -> float:
    worst = 0.0
    print(f"{'':26}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}")
    with connect(dsn) as conn:
        for name, question in QUESTIONS.items():
            before_s = backend_cpu_s(conn)
            took = ask(conn, question, asked)
            cpu_ms = (backend_cpu_s(conn) - before_s) * 1000 / asked
            p95 = took[int(len(took) * 0.95)]
            worst = max(worst, p95)
            print(f"{name:26}{statistics.median(took):9.1f}{p95:9.1f}{cpu_ms:9.1f}")
    return worst


if __name__ == "__main__":
    main()
