"""How old a gateway's last word is: of the database for Prometheus, of records for CloudWatch."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry

from cloud import emf
from cloud.gateways import GatewayAges
from cloud.present import Present
from cloud.record import decode
from cloud.testing import delivered, heartbeat, record
from runtime.postgres import PostgresAccess

METRIC = "lotkeeper_gateway_age_seconds"


@pytest.fixture
def registry(dsn: str) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(GatewayAges(PostgresAccess(dsn=dsn)))
    return made


def test_an_age_is_that_of_the_newest_heartbeat_of_a_lot(
    conn: psycopg.Connection, registry: CollectorRegistry
) -> None:
    now = datetime.now(UTC)
    beats = [
        heartbeat(0) | {"timestamp": (now - timedelta(seconds=age_s)).isoformat(), "lot_id": lot}
        for lot, age_s in (("north", 4000), ("north", 100), ("south", 7200))
    ]
    for number, each in enumerate(beats):
        each["event_id"] = f"own-1:{number}"
    Present(conn, timedelta(days=400)).write(delivered(beats), now)
    assert registry.get_sample_value(METRIC, {"lot": "north"}) == pytest.approx(100, abs=30)
    assert registry.get_sample_value(METRIC, {"lot": "south"}) == pytest.approx(7200, abs=30)


def test_without_a_database_there_is_none(registry: CollectorRegistry) -> None:
    gone = CollectorRegistry()
    gone.register(GatewayAges(PostgresAccess(dsn="host=/nowhere")))
    assert list(gone.collect()) == []
    assert [family.samples for family in registry.collect()] == [[]]


def test_a_database_that_gives_no_answer_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} sslmode=disable gssencmode=disable"
        begun_s = time.monotonic()
        assert list(GatewayAges(PostgresAccess(dsn=dsn), timeout_s=1.0).collect()) == []
        assert time.monotonic() - begun_s < 10


def test_a_lots_heartbeats_are_counted_beside_its_records() -> None:
    said = [heartbeat(0), record(1, "occupied", 1, event_type="ARRIVAL"), heartbeat(60)]
    said.append(record(1, "vacant", 1, lot="south"))
    records = [decode(json.dumps(each).encode()) for each in said]
    lines = [json.loads(line) for line in emf.of_lots("present", records, datetime.now(UTC))]
    assert {each["Lot"]: (each["Records"], each["Heartbeats"]) for each in lines} == {
        "north": (3, 2),
        "south": (1, 0),
    }
