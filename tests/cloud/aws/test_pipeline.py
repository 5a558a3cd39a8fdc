"""The cloud's side on an AWS that executes: what the stream takes in reaches Postgres by a
function, the lake by Firehose, a desk by Athena and people by alarms.

    gateway's sink --> Kinesis --> function kinesis_present --> Postgres
    API Gateway, door --^  | \\---> Firehose --> S3 --> Glue, Athena
                           \\----> `lotkeeper cloud consume present` --> another Postgres
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow.parquet as pq
import pytest

from cloud.analytics import duck
from cloud.analytics.cli import runner
from cloud.analytics.job import run_all
from cloud.analytics.queries import queries
from cloud.config import CloudSettings
from cloud.door.desk import calls
from cloud.door.tokens import make
from cloud.lake.reader import dataset
from cloud.lake.schema import partition
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LakeTaker, Limits
from cloud.postgres import connect
from cloud.testing import delivered, record, stays
from console.analytics import Analytics
from contract.upstream import rfc3339
from gateway.sinks import ACCEPTED, Outgoing
from gateway.sinks.kinesis import Config, Sink
from runtime.config import load
from tests.cloud.aws.deployment import Deployment
from tests.cloud.aws.emulator import REGION, emulator
from tests.cloud.test_consume import consumers, until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]
PATIENCE_S = 60.0
BEGUN = (datetime.now(UTC) - timedelta(hours=30)).replace(minute=0, second=0, microsecond=0)
ENDS = BEGUN + timedelta(hours=28)
ZONE = "Europe/Berlin"
SPOTS = [(lot, spot) for lot in ("north", "south") for spot in ("A1", "B3")]


def told(lot: str, spot: str, seq: int) -> dict[str, Any]:
    """A spot is taken and left in turn, each at a pace of its own."""
    kind, status = ("ARRIVAL", "occupied") if seq % 2 else ("DEPARTURE", "vacant")
    at = BEGUN + timedelta(minutes=(37 + ord(spot[0]) % 7) * seq, seconds=int(spot[1:]))
    said = record(seq, status, 0, spot=spot, lot=lot, event_type=kind)
    agent = {"agent_id": f"{lot}-{spot}", "event_id": f"{lot}-{spot}:e1:{seq}"}
    return said | agent | {"timestamp": rfc3339(at)}


def counted(event_id: str, kind: str) -> dict[str, Any]:
    lane = {"lot_id": "deck", "lane_id": "gate-1", "timestamp": rfc3339(BEGUN)}
    return lane | {"event_id": event_id, "event_type": kind}


BODIES = [told(lot, spot, seq) for seq in range(1, 15) for lot, spot in SPOTS]
DECK = [counted(f"in-{n}", "ARRIVAL") for n in range(3)] + [counted("out-0", "DEPARTURE")]
IDS = {body["event_id"] for body in BODIES + DECK}


def send(on: Deployment, bodies: list[dict[str, Any]]) -> None:
    """As a gateway does."""
    sink = Sink(Config(stream_name=on.stream, region=REGION, endpoint_url=on.aws.url))
    going = [
        (place, Outgoing(-1, f"{body['lot_id']}/{body['spot_id']}", json.dumps(body).encode()))
        for place, body in enumerate(bodies)
    ]
    limits = {"max_records": sink.max_records, "max_bytes": sink.max_bytes}
    for call in calls(going, partial=sink.partial, **limits):
        assert set(sink.send([each for _, each in call])) == {ACCEPTED}
    sink.close()


def migrate(on: Deployment) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "lotkeeper", "cloud", "migrate", "-c", str(on.toml)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def rows(conn: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return conn.execute(query.encode()).fetchall()


def objects(on: Deployment) -> list[str]:
    """Of the lake. This Firehose writes one a record, without waiting."""
    pages = on.aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=on.lake)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def events_of(on: Deployment) -> list[str]:
    """Those with rows: what removes one leaves an empty object that stands for the folder."""
    return [key for key in objects(on) if key.startswith(f"{EVENTS}/") and not key.endswith("/")]


@pytest.fixture(scope="module")
def unmigrated(postgres: str) -> Iterator[str]:
    """The address of an empty database."""
    with connect(postgres) as conn:
        conn.execute("CREATE DATABASE deployed")
    yield postgres.replace("/postgres?", "/deployed?")
    with connect(postgres) as conn:
        conn.execute("DROP DATABASE deployed WITH (FORCE)")


@pytest.fixture(scope="module")
def deployed(unmigrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Put up, and gone through: the stream was written to before the database was ready."""
    folder = tmp_path_factory.mktemp("aws")
    with emulator(folder) as aws, pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        made = Deployment(aws, unmigrated, folder)
        made.put_up()
        made.start_function("kinesis_present")
        made.map_stream("kinesis_present")
        send(made, BODIES)
        until(lambda: "FAILED" in last_results(made))
        migrate(made)
        tell_the_door(made)
        with connect(unmigrated) as conn:
            until(lambda: {each for (each,) in rows(conn, "SELECT event_id FROM events")} == IDS)
        until(lambda: len(objects(made)) >= len(BODIES + 3 * DECK))
        yield made


def last_results(on: Deployment) -> list[str]:
    found = on.aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return [each.get("LastProcessingResult", "") for each in found]


def tell_the_door(on: Deployment) -> None:
    """Thrice, as a sender does that lost the reply."""
    token, line = make(["deck"])
    url, headers = on.open_door(line), {"Authorization": f"Bearer {token}"}
    with httpx.Client(timeout=PATIENCE_S) as http:
        assert http.post(url, json=DECK).status_code == 401
        for _ in range(3):
            reply = http.post(url, json=DECK, headers=headers)
            assert [each["status"] for each in reply.json()["results"]] == ["accepted"] * len(DECK)


@pytest.fixture
def conn(deployed: Deployment) -> Iterator[psycopg.Connection]:
    with connect(deployed.dsn) as connection:
        yield connection


def expected_stays() -> list[tuple[Any, ...]]:
    return sorted(
        (stay.lot_id, stay.spot_id, stay.started_at, stay.ended_at)
        for lot, spot in SPOTS
        for stay in stays([b for b in BODIES if (b["lot_id"], b["spot_id"]) == (lot, spot)])
    )


STAYS = "SELECT lot_id, spot_id, started_at, ended_at FROM sessions ORDER BY 1, 2, 3"
LOTS = "SELECT lot_id, capacity, current_occupancy, counted FROM current_lot_occupancy ORDER BY 1"


def test_the_function_writes_the_present(deployed: Deployment, conn: psycopg.Connection) -> None:
    """Among others what it failed on while the database was not migrated."""
    assert rows(conn, STAYS) == expected_stays()
    assert rows(conn, LOTS) == [
        ("deck", None, 2, 2),
        ("north", 2, 0, None),
        ("south", 2, 0, None),
    ]


def test_a_process_reads_the_same(deployed: Deployment, dsn: str, tmp_path: Path) -> None:
    path = tmp_path / "process.toml"
    kinesis = f'stream_name = "{deployed.stream}", region = "{REGION}"'
    path.write_text(f'[stream]\nkinesis = {{ {kinesis} }}\n[postgres]\ndsn = "{dsn}"\n')
    with consumers(path, "present") as (process,), connect(dsn) as conn:
        until(lambda: {each for (each,) in rows(conn, "SELECT event_id FROM events")} >= IDS)
        assert rows(conn, STAYS) == expected_stays()
        assert process.stop() == 0


def test_firehose_writes_each_record_into_its_own_hour(deployed: Deployment) -> None:
    s3, found = deployed.aws.client("s3"), list[str]()
    for key in objects(deployed):
        folder, _, name = key.rpartition("/")
        if folder.startswith(f"{EVENTS}/") and name.endswith(".parquet"):
            data = s3.get_object(Bucket=deployed.lake, Key=key)["Body"].read()
            for row in pq.read_table(BytesIO(data)).to_pylist():
                assert folder == f"{EVENTS}/{partition(row['timestamp'].replace(tzinfo=UTC))}"
                found.append(row["event_id"])
    assert sorted(found) == sorted(body["event_id"] for body in BODIES + 3 * DECK)


def test_athena_says_over_firehoses_objects_what_duckdb_says_over_ours(
    deployed: Deployment, tmp_path: Path
) -> None:
    store = Store(str(tmp_path / "lake"))
    taker = LakeTaker(store, Limits())
    taker.take(delivered(BODIES + DECK, "lots/0"), ENDS)
    taker.flush(ENDS)
    ask = runner(load(deployed.toml, CloudSettings))
    for name, query in queries().items():
        expected = duck.run(store, query, BEGUN, ENDS, ZONE)
        assert ask(query, BEGUN, ENDS, ZONE).to_pylist() == expected.to_pylist(), name
        assert expected.num_rows or name in ("peak_usage", "revenue")


def test_the_console_reads_what_the_job_keeps_in_the_bucket(deployed: Deployment) -> None:
    url = f"s3://{deployed.lake}?region={REGION}"
    kept = dict(run_all(runner(load(deployed.toml, CloudSettings)), Store(url), ENDS, ZONE))
    seen = Analytics(url)
    assert [each.about.query for each in seen.tables()] == sorted(queries())
    assert sum(each.rows for each in seen.tables()) == sum(kept.values()) > 0
    (turnover,) = [each for each in seen.tables() if each.about.query == "turnover"]
    assert [row[0] for row in seen.table(turnover, None).rows] == ["north", "south"]


def test_what_firehose_wrote_is_compacted_by_the_clock(deployed: Deployment) -> None:
    ask = runner(load(deployed.toml, CloudSettings))
    asked = [queries()[name] for name in ("turnover", "occupancy_by_hour")]
    before = [ask(each, BEGUN, ENDS, ZONE).to_pylist() for each in asked]
    many = events_of(deployed)
    deployed.start_function("compact")
    done = deployed.call("compact")
    left = events_of(deployed)
    assert len(many) > len(left) == len({key.rpartition("/")[0] for key in many})
    assert done["hours"] == len(left)
    assert done["doubles"] == len(many) - len(IDS)
    assert [ask(each, BEGUN, ENDS, ZONE).to_pylist() for each in asked] == before


def test_the_function_writes_the_lake_too(deployed: Deployment, tmp_path: Path) -> None:
    toml = tmp_path / "lake.toml"
    url = f"s3://{deployed.lake}/by-function?region={REGION}"
    toml.write_text(f'[lake]\nurl = "{url}"\n')
    deployed.start_function("kinesis_lake", toml)
    deployed.map_stream("kinesis_lake")
    store = Store(url)

    def seen() -> set[str]:
        table = dataset(store, EVENTS, BEGUN, ENDS).to_table(columns=["event_id"])
        return set(table["event_id"].to_pylist())

    until(lambda: seen() >= IDS)


def test_a_refused_record_becomes_an_alarm(deployed: Deployment, conn: psycopg.Connection) -> None:
    alarm = deployed.set_alarm("dead-letters", "dead-letters =", {"Part": "present"})
    deployed.extract_metrics()
    assert deployed.state_of(alarm) == "OK"
    send(deployed, [told("north", "A1", 15) | {"status": "free"}])
    until(lambda: rows(conn, "SELECT reason LIKE 'status%' FROM dead_letters") == [(True,)])
    until(lambda: deployed.extract_metrics() and deployed.state_of(alarm) == "ALARM")
