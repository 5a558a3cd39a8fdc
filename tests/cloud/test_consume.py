"""Consumers as processes, over a real broker and a real database: shared, killed, gone on with."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from cloud.lake.compaction import compact
from cloud.lake.reader import dataset
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS
from cloud.testing import record, stays
from simulator import embedded

BEGUN = datetime.now(UTC) - timedelta(hours=30)
PATIENCE_S = 60
CONFIG = """\
[stream]
kafka = {{ bootstrap_servers = "{address}", topic = "lots", security = "plaintext" }}
[postgres]
dsn = "{dsn}"
[lake]
url = "{lake}"
wait_s = 0.5
"""


def told(seq: int, number: int) -> dict[str, Any]:
    """Of the spot `number`: it is taken and left every quarter of an hour."""
    status, kind = ("occupied", "ARRIVAL") if seq % 2 else ("vacant", "DEPARTURE")
    at = (BEGUN + timedelta(minutes=15 * seq, seconds=number)).isoformat()
    return record(seq, status, 0, spot=f"A{number}", event_type=kind) | {"timestamp": at}


def produce(address: str, bodies: list[dict[str, Any]]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address})
    for body in bodies:
        producer.produce("lots", key=f"north/{body['spot_id']}", value=json.dumps(body))
    assert producer.flush(PATIENCE_S) == 0


def until(found: Callable[[], bool]) -> None:
    retry(
        retry=retry_if_result(lambda held: not held),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(0.05),
    )(found)()


class Consumer:
    """`lotkeeper cloud consume PART` as a process."""

    def __init__(self, part: str, config: Path) -> None:
        command = [sys.executable, "-m", "lotkeeper", "cloud", "consume", part, "-c", str(config)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        self.said.extend(self._process.stderr)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            os.kill(self._process.pid, number)
        status = self._process.wait(PATIENCE_S)
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return status


@contextmanager
def consumers(config: Path, *parts: str) -> Iterator[list[Consumer]]:
    found = [Consumer(part, config) for part in parts]
    try:
        yield found
    finally:
        for each in found:
            each.stop(signal.SIGKILL)


@pytest.fixture
def config(tmp_path: Path, dsn: str) -> Iterator[tuple[Path, str]]:
    with embedded.kafka("lots") as address:
        path = tmp_path / "cloud.toml"
        path.write_text(CONFIG.format(address=address, dsn=dsn, lake=tmp_path / "lake"))
        yield path, address


def test_records_reach_both_present_and_past_once_though_consumers_are_killed(
    config: tuple[Path, str], conn: psycopg.Connection, tmp_path: Path
) -> None:
    path, address = config
    bodies = [told(seq, number) for seq in range(1, 101) for number in range(12)]

    def written() -> int:
        return conn.execute("SELECT count(*) FROM events").fetchone()[0]

    with consumers(path, "present", "lake", "present") as running:
        produce(address, bodies[:400])
        until(lambda: written() >= 200)
        running[0].stop(signal.SIGKILL)
        running[1].stop(signal.SIGKILL)
        produce(address, bodies[300:])  # some twice, as a gateway does that lost a reply
        with consumers(path, "lake") as (heir,):
            until(lambda: written() == len(bodies))
            store = Store(str(tmp_path / "lake"))
            span = (BEGUN, datetime.now(UTC))

            def seen() -> set[str]:
                table = dataset(store, EVENTS, *span).to_table(columns=["event_id"])
                return set(table["event_id"].to_pylist())

            until(lambda: len(seen()) == len(bodies))
            assert running[2].stop() == 0
            assert heir.stop() == 0

    list(compact(store, EVENTS, datetime.now(UTC) + timedelta(days=1)))
    rows = dataset(store, EVENTS, *span).to_table(columns=["event_id"])["event_id"].to_pylist()
    assert sorted(rows) == sorted(body["event_id"] for body in bodies)
    found = conn.execute(
        "SELECT spot_id, started_at, ended_at, ended_by FROM sessions ORDER BY spot_id, started_at"
    ).fetchall()
    expected = [
        (stay.spot_id, stay.started_at, stay.ended_at, stay.ended_by)
        for number in range(12)
        for stay in stays([body for body in bodies if body["spot_id"] == f"A{number}"])
    ]
    assert found == sorted(expected)
    (lot,) = conn.execute("SELECT free_spots, capacity FROM current_lot_occupancy").fetchall()
    assert lot == (12, 12)


def test_a_database_that_goes_away_is_waited_for(
    config: tuple[Path, str], postgres: str, conn: psycopg.Connection
) -> None:
    path, address = config
    name = conn.info.dbname
    with consumers(path, "present") as (consumer,), psycopg.connect(postgres) as admin:
        admin.autocommit = True
        produce(address, [told(1, 0)])
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (1,))
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> %s",
            (name, conn.info.backend_pid),
        )
        produce(address, [told(2, 0)])
        until(lambda: any("the database is away" in line for line in consumer.said))
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (2,))
        assert consumer.stop() == 0


def test_a_bad_record_stops_nobody(config: tuple[Path, str], conn: psycopg.Connection) -> None:
    path, address = config
    with consumers(path, "present"):
        produce(address, [told(1, 0) | {"status": "free"}, told(1, 1)])
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (1,))
        until(lambda: conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,))
    ((source, reason),) = conn.execute("SELECT source, reason FROM dead_letters").fetchall()
    assert source.startswith("lots/")
    assert "status" in reason
