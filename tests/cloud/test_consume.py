"""Consumers as processes, over a real broker and a real database: shared, killed, gone on with."""

import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from cloud.door.tokens import make
from cloud.lake.compaction import compact
from cloud.lake.reader import dataset
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS
from cloud.testing import record, stays
from simulator import embedded
from simulator.processes import free_port

BEGUN = datetime.now(UTC) - timedelta(hours=30)
PATIENCE_S = 50
LEASE_S = 4
KAFKA = 'bootstrap_servers = "{address}", topic = "lots", security = "plaintext"'
KINESIS = 'stream_name = "{name}", region = "eu-central-1", endpoint_url = "{url}"'
CONFIG = """\
[stream]
{kind} = {{ {access}{more} }}
[postgres]
dsn = "{dsn}"
[lake]
url = "{lake}"
wait_s = 0.5
[door]
port = {port}
tokens_file = "{tokens}"
sink = {{ kind = "{kind}", {access} }}
"""
names = count()


@dataclass
class Stream:
    """A stream that consumers are configured for: how it is written to, and said in TOML."""

    kind: str
    access: str
    produce: Callable[[list[dict[str, Any]]], None]
    more: str = ""


def told(seq: int, number: int) -> dict[str, Any]:
    """Of the spot `number`: it is taken and left every quarter of an hour."""
    status, kind = ("occupied", "ARRIVAL") if seq % 2 else ("vacant", "DEPARTURE")
    at = (BEGUN + timedelta(minutes=15 * seq, seconds=number)).isoformat()
    return record(seq, status, 0, spot=f"A{number}", event_type=kind) | {"timestamp": at}


def produce_to_kafka(address: str, bodies: list[dict[str, Any]]) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address})
    for body in bodies:
        producer.produce("lots", key=f"north/{body['spot_id']}", value=json.dumps(body))
    assert producer.flush(PATIENCE_S) == 0


def produce_to_kinesis(client: Any, name: str, bodies: list[dict[str, Any]]) -> None:
    records = [
        {"Data": json.dumps(body).encode(), "PartitionKey": f"north/{body['spot_id']}"}
        for body in bodies
    ]
    for start in range(0, len(records), 500):
        put = client.put_records(StreamName=name, Records=records[start : start + 500])
        assert put["FailedRecordCount"] == 0


@pytest.fixture
def kafka() -> Iterator[Stream]:
    with embedded.kafka("lots") as address:
        yield Stream("kafka", KAFKA.format(address=address), partial(produce_to_kafka, address))


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server_module = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def kinesis(moto_url: str, credentials: None) -> Iterator[Stream]:
    from boto3.session import Session

    client = Session().client("kinesis", region_name="eu-central-1", endpoint_url=moto_url)
    name = f"lots-{next(names)}"
    client.create_stream(StreamName=name, ShardCount=4)
    access = KINESIS.format(name=name, url=moto_url)
    produce = partial(produce_to_kinesis, client, name)
    yield Stream("kinesis", access, produce, f", lease_s = {LEASE_S}")
    client.close()


@pytest.fixture(params=["kafka", "kinesis"])
def stream(request: pytest.FixtureRequest) -> Stream:
    found: Stream = request.getfixturevalue(request.param)
    return found


def until(found: Callable[[], bool]) -> None:
    retry(
        retry=retry_if_result(lambda held: not held),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(0.05),
    )(found)()


class Process:
    """`lotkeeper cloud WORDS`."""

    def __init__(self, config: Path, *words: str) -> None:
        command = [sys.executable, "-m", "lotkeeper", "cloud", *words, "-c", str(config)]
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
def consumers(config: Path, *parts: str) -> Iterator[list[Process]]:
    found = [Process(config, "consume", part) for part in parts]
    try:
        yield found
    finally:
        for each in found:
            each.stop(signal.SIGKILL)


@pytest.fixture
def config(tmp_path: Path, dsn: str, stream: Stream) -> Path:
    path = tmp_path / "cloud.toml"
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    lake, port = tmp_path / "lake", free_port()
    said = {"kind": stream.kind, "access": stream.access, "more": stream.more}
    path.write_text(CONFIG.format(**said, dsn=dsn, lake=lake, port=port, tokens=tokens))
    return path


def test_records_reach_both_present_and_past_once_though_consumers_are_killed(
    config: Path, stream: Stream, conn: psycopg.Connection, tmp_path: Path
) -> None:
    bodies = [told(seq, number) for seq in range(1, 101) for number in range(12)]

    def written() -> int:
        return conn.execute("SELECT count(*) FROM events").fetchone()[0]

    with consumers(config, "present", "lake", "present") as running:
        stream.produce(bodies[:400])
        until(lambda: written() >= 200)
        running[0].stop(signal.SIGKILL)
        running[1].stop(signal.SIGKILL)
        stream.produce(bodies[300:])  # some twice, as a gateway does that lost a reply
        with consumers(config, "lake") as (heir,):
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
    config: Path, stream: Stream, postgres: str, conn: psycopg.Connection
) -> None:
    name = conn.info.dbname
    with consumers(config, "present") as (consumer,), psycopg.connect(postgres) as admin:
        admin.autocommit = True
        stream.produce([told(1, 0)])
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (1,))
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> %s",
            (name, conn.info.backend_pid),
        )
        stream.produce([told(2, 0)])
        until(lambda: any("the database is away" in line for line in consumer.said))
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (2,))
        assert consumer.stop() == 0


def test_a_bad_record_stops_nobody(config: Path, stream: Stream, conn: psycopg.Connection) -> None:
    with consumers(config, "present"):
        stream.produce([told(1, 0) | {"status": "free"}, told(1, 1)])
        until(lambda: conn.execute("SELECT count(*) FROM events").fetchone() == (1,))
        until(lambda: conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,))
    ((source, reason),) = conn.execute("SELECT source, reason FROM dead_letters").fetchall()
    assert source.startswith("lots")
    assert "status" in reason


def test_a_counted_lot_is_told_through_the_front_door(
    config: Path, conn: psycopg.Connection, tmp_path: Path
) -> None:
    token, line = make(["deck"])
    (tmp_path / "tokens").write_text(line)
    lane = {"lot_id": "deck", "lane_id": "gate-1", "timestamp": BEGUN.isoformat()}
    words = {"in-1": "ARRIVAL", "in-2": "ARRIVAL", "in-3": "ARRIVAL", "out-1": "DEPARTURE"}
    items = [lane | {"event_id": name, "event_type": kind} for name, kind in words.items()]
    url = f"http://127.0.0.1:{tomllib.loads(config.read_text())['door']['port']}"
    door = Process(config, "door")
    try:
        with consumers(config, "present"), httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
            until(lambda: answers(http))
            for _ in range(3):
                headers = {"Authorization": f"Bearer {token}"}
                reply = http.post("/v1/events", json=items, headers=headers)
                said = reply.json()["results"]
                assert [each["status"] for each in said] == ["accepted"] * 4
            produce_end(conn, http, headers, lane)
    finally:
        assert door.stop() == 0
    (row,) = conn.execute("SELECT counted, capacity FROM current_lot_occupancy").fetchall()
    assert row == (2, None)


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def produce_end(
    conn: psycopg.Connection, http: httpx.Client, headers: dict[str, str], lane: dict[str, Any]
) -> None:
    """A correction of nothing behind all others of its lane: once it is there, so are they."""
    end = lane | {"event_id": "end", "event_type": "CORRECTION", "delta": 0}
    http.post("/v1/events", json=[end], headers=headers)
    until(lambda: conn.execute("SELECT 1 FROM events WHERE event_id = 'end'").fetchone() == (1,))
