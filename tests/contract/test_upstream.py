"""The cloud's record, and that those who read the older one read it unchanged."""

import json
from datetime import datetime
from typing import Any

import pytest

from contract import Gap, SpotChanged, Status, VehicleCounted
from contract.events import agent_record
from contract.golden import golden
from contract.upstream import cloud_record, cloud_status, own_record
from contract.words import EventType


def record_of(name: str, zone_id: str | None = "ground", **changes: Any) -> dict[str, Any]:
    record = agent_record.validate_python({**json.loads(golden(name)), **changes})
    return cloud_record(record, facility_id="riverside", lot_id="riverside-north", zone_id=zone_id)


@pytest.mark.parametrize(
    ("name", "cloud"), [("spot_changed", "cloud_arrival"), ("snapshot", "cloud_snapshot")]
)
def test_a_record_becomes_its_golden_one(name: str, cloud: str) -> None:
    assert record_of(name) == json.loads(golden(cloud))


def test_a_gap_belongs_to_no_spot() -> None:
    assert record_of("gap", zone_id=None) == json.loads(golden("cloud_gap"))


@pytest.mark.parametrize(
    ("name", "kind", "of"),
    [
        ("cloud_agent_silent", EventType.AGENT_SILENT, {"agent_id": "pi-07"}),
        ("cloud_spot_closed", EventType.SPOT_CLOSED, {"spot_id": "A1", "zone_id": "ground"}),
    ],
)
def test_what_a_gateway_says_itself_is_golden(
    name: str, kind: EventType, of: dict[str, str]
) -> None:
    at, store_id = datetime.fromisoformat("2024-03-20T10:03:10Z"), "c0ffee12ab34cd56"
    place = {"facility_id": "riverside", "lot_id": "riverside-north", "store_id": store_id}
    assert {**own_record(kind, at, **place, **of), "store_id": store_id} == json.loads(golden(name))


def test_it_is_a_superset_of_what_pipelines_hold() -> None:
    minimal, arrival = json.loads(golden("cloud_minimal")), json.loads(golden("cloud_arrival"))
    assert set(minimal) < set(arrival)
    at, then = minimal.pop("timestamp"), arrival["timestamp"]
    assert datetime.fromisoformat(at) == datetime.fromisoformat(then)
    assert minimal == {key: arrival[key] for key in minimal}


@pytest.mark.parametrize("status", Status)
def test_the_clouds_words(status: Status) -> None:
    words = {"free": "vacant", "occupied": "occupied", "unknown": "unknown", "closed": "closed"}
    assert cloud_status(status) == words[status.value]
    assert record_of("spot_changed", status=status)["status"] == words[status.value]


def test_a_departure_is_vacant() -> None:
    left = record_of("spot_changed", status="free", previous="occupied")
    assert (left["event_type"], left["status"]) == ("DEPARTURE", "vacant")


def test_time_goes_up_in_utc_whatever_zone_it_came_in() -> None:
    there = record_of("spot_changed", timestamp="2024-03-20T11:00:00.123456+01:00")
    assert there["timestamp"] == "2024-03-20T10:00:00.123Z"


def test_every_kind_has_a_key_and_a_type_of_its_own() -> None:
    kinds = ["spot_changed", "snapshot", "health_changed", "vehicle_counted", "birth", "gap"]
    records = [record_of(kind) for kind in kinds]
    assert len({record["event_id"] for record in records}) == len(kinds)
    assert [record["event_type"] for record in records] == [
        "ARRIVAL",
        "SNAPSHOT",
        "HEALTH",
        "ARRIVAL",
        "BIRTH",
        "GAP",
    ]
    json.dumps(records)


def test_a_counted_vehicle_keeps_its_ledgers_key() -> None:
    counted = VehicleCounted.model_validate_json(golden("vehicle_counted"))
    assert record_of("vehicle_counted")["event_id"] == counted.event_id


def test_a_record_is_known_by_agent_epoch_and_seq() -> None:
    for name, model in (("spot_changed", SpotChanged), ("gap", Gap)):
        made = model.model_validate_json(golden(name))
        assert record_of(name)["event_id"] == f"{made.agent_id}:{made.epoch}:{made.seq}"
