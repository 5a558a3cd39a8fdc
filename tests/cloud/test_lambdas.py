"""Lambda's entrances, with events as AWS sends them, into a real database and a lake."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud import lambdas
from cloud.door.tokens import make
from cloud.lake.reader import dataset
from cloud.lake.schema import partition
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LETTERS
from cloud.testing import record

BEGUN = (datetime.now(UTC) - timedelta(hours=2)).replace(minute=5)  # within one hour


def said(seq: int) -> bytes:
    kind, status = ("ARRIVAL", "occupied") if seq % 2 else ("DEPARTURE", "vacant")
    at = (BEGUN + timedelta(seconds=seq)).isoformat()
    return json.dumps(record(seq, status, 0, event_type=kind) | {"timestamp": at}).encode()


def of_kinesis(payloads: list[bytes]) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000006:{number}",
                "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/lots",
                "kinesis": {
                    "sequenceNumber": str(number),
                    "data": base64.b64encode(payload).decode(),
                },
            }
            for number, payload in enumerate(payloads)
        ]
    }


def of_msk(payloads: list[bytes]) -> dict[str, Any]:
    records = [
        {"topic": "lots", "partition": 0, "offset": n, "value": base64.b64encode(each).decode()}
        for n, each in enumerate(payloads)
    ]
    return {"eventSource": "aws:kafka", "records": {"lots-0": records}}


@pytest.fixture(autouse=True)
def configured(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "cloud.toml"
    path.write_text(f'[postgres]\ndsn = "{dsn}"\n[lake]\nurl = "{tmp_path / "lake"}"\n')
    monkeypatch.setenv("LOTKEEPER_CLOUD_CONFIG", str(path))
    lambdas.settings.cache_clear()
    monkeypatch.setattr(lambdas._database, "present", None)
    yield
    if lambdas._database.present is not None:
        lambdas._database.present.close()


def events(conn: psycopg.Connection) -> int:
    found = conn.execute("SELECT count(*) FROM events").fetchone()
    assert found is not None
    return int(found[0])


def test_a_batch_of_kinesis_is_written_and_told(
    conn: psycopg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    event = of_kinesis([*map(said, range(1, 301)), b"nonsense"])
    for _ in range(2):
        assert lambdas.kinesis_present(event) == {"batchItemFailures": []}
    assert events(conn) == 300
    assert conn.execute("SELECT source FROM dead_letters").fetchall() == [
        ("lots/shardId-000000000006/300",)
    ]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sum(each.get("Fresh", 0) for each in metrics) == 300
    (lot,) = {each["Lot"] for each in metrics if "Lot" in each}
    assert lot == "north"


def test_what_a_lost_database_did_not_take_is_named(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = of_kinesis(list(map(said, range(1, 601))))
    write, calls = lambdas.Present.write, []

    def failing(*args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise psycopg.OperationalError("terminating connection")
        return write(*args)

    monkeypatch.setattr(lambdas.Present, "write", failing)
    failed = lambdas.kinesis_present(event)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "250"}]
    assert events(conn) == 250
    again = {"Records": event["Records"][250:]}
    assert lambdas.kinesis_present(again) == {"batchItemFailures": []}
    assert events(conn) == 600


def test_a_batch_of_kinesis_is_written_to_the_lake_as_far_as_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambdas, "LAKE_PART", 4)
    event = of_kinesis([*map(said, range(1, 10)), b"nonsense"])
    lake = tmp_path / "lake"
    hour = f"{EVENTS}/{partition(BEGUN)}"
    in_the_way = lake / hour / "lots-shardId-000000000006-4-4.parquet"
    in_the_way.mkdir(parents=True)
    failed = lambdas.kinesis_lake(event)["batchItemFailures"]
    assert failed == [{"itemIdentifier": "4"}]
    assert [path.name for path in (lake / hour).glob("*.parquet") if path.is_file()] == [
        "lots-shardId-000000000006-0-4.parquet"
    ]
    in_the_way.rmdir()
    again = {"Records": event["Records"][4:]}
    for _ in range(2):
        assert lambdas.kinesis_lake(again) == {"batchItemFailures": []}
    span = (BEGUN - timedelta(hours=1), BEGUN + timedelta(hours=1))
    rows = dataset(Store(str(lake)), EVENTS, *span).to_table(columns=["seq"])["seq"].to_pylist()
    assert sorted(rows) == list(range(1, 10))
    (letter,) = (lake / LETTERS).iterdir()
    assert json.loads(letter.read_text())["source"] == "lots/shardId-000000000006/9"


def test_a_batch_of_msk_goes_to_both(conn: psycopg.Connection, tmp_path: Path) -> None:
    event = of_msk([*map(said, range(1, 8)), b""])
    lambdas.msk_present(event)
    lambdas.msk_lake(event)
    assert events(conn) == 7
    span = (BEGUN - timedelta(hours=1), BEGUN + timedelta(hours=1))
    assert dataset(Store(str(tmp_path / "lake")), EVENTS, *span).count_rows() == 7


def test_the_front_door_behind_an_api_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, line = make(["north"])
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text(line)
    sink = f'{{ kind = "file", path = "{tmp_path / "sent"}" }}'
    config = tmp_path / "door.toml"
    config.write_text(f'[door]\ntokens_file = "{tokens}"\nsink = {sink}\n')
    monkeypatch.setenv("LOTKEEPER_CLOUD_CONFIG", str(config))
    lambdas.settings.cache_clear()
    lambdas._door.cache_clear()
    headers = {"authorization": f"Bearer {token}"}
    body = base64.b64encode(b"[" + said(1) + b"]").decode()
    reply = lambdas.door({"headers": headers, "body": body, "isBase64Encoded": True})
    assert (reply["statusCode"], reply["body"].count("accepted")) == (200, 1)
    assert lambdas.door({"headers": {}, "body": "[]"})["statusCode"] == 401
    assert lambdas.door({"headers": headers})["statusCode"] == 400


def test_an_hours_batches_become_one_object_by_the_clock(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "lake"))
    batch = [json.loads(said(seq)) for seq in range(1, 5)]
    old = (BEGUN - timedelta(days=2)).isoformat()
    for each in (batch[:2], batch[1:]):
        payloads = [json.dumps(one | {"timestamp": old}).encode() for one in each]
        lambdas.msk_lake(of_msk(payloads))
    assert len(list(store.names(EVENTS))) == 2
    assert lambdas.compact({}) == {"hours": 1, "objects": 2, "doubles": 1}
    assert len(list(store.names(EVENTS))) == 1
    assert lambdas.compact({}) == {"hours": 0, "objects": 0, "doubles": 0}


def test_old_months_go_by_the_clock(conn: psycopg.Connection) -> None:
    lambdas.kinesis_present(of_kinesis([*map(said, range(1, 3))]))
    conn.execute("SELECT make_partitions('2020-03-01', '2020-03-01')")
    gone = lambdas.retain({})
    assert [each.partition(":")[0] for each in gone] == ["events_2020_03", "sessions_2020_03"]
    assert (lambdas.retain({}), events(conn)) == ([], 2)
