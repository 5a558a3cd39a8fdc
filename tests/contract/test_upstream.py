"""The cloud's record, and that those who read the older one read it unchanged."""

import json
from datetime import datetime
from typing import Any

import pytest

from contract import Alert, Gap, GatewayHealth, SpotChanged, Status, VehicleCounted
from contract.alerts import AlertState
from contract.events import agent_record
from contract.golden import golden
from contract.upstream import Teller, cloud_record, cloud_status
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


STORE = "c0ffee12ab34cd56"
TELLER = Teller("riverside", "riverside-north", "own-7b1d2f4c9a3e5860", 118)
WORDS = [
    ("cloud_agent_silent", EventType.AGENT_SILENT, {"agent_id": "pi-07"}),
    ("cloud_spot_closed", EventType.SPOT_CLOSED, {"spot_id": "A1", "zone_id": "ground"}),
]


def own(body: dict[str, Any]) -> dict[str, Any]:
    """As a store spools it."""
    return {**body, "store_id": STORE}


@pytest.mark.parametrize(("name", "kind", "of"), WORDS)
def test_a_word_of_a_gateway_is_golden(name: str, kind: EventType, of: dict[str, str]) -> None:
    at = datetime.fromisoformat("2024-03-20T10:03:10Z")
    assert own(TELLER.word(kind, at, **of)) == json.loads(golden(name))


def test_what_becomes_of_an_alert_is_golden() -> None:
    alert = Alert.model_validate_json(golden("alert"))
    assert alert.resolved_at
    assert own(TELLER.alert(alert, alert.resolved_at)) == json.loads(golden("cloud_alert"))
    long = alert.model_copy(update={"text": "x" * 2000})
    assert len(TELLER.alert(long, alert.resolved_at)["text"]) == 500


def test_each_step_of_an_alert_is_a_record_of_its_own() -> None:
    alert = Alert.model_validate_json(golden("alert"))
    steps = [
        TELLER.alert(alert.model_copy(update={"state": state}), alert.since) for state in AlertState
    ]
    assert len({each["event_id"] for each in steps}) == len(AlertState)
    assert len({(each["alert_id"], each["raised_at"]) for each in steps}) == 1


def test_a_heartbeat_is_golden_and_a_will_is_none() -> None:
    health = GatewayHealth.model_validate_json(golden("gateway_health"))
    teller = Teller(TELLER.facility_id, TELLER.lot_id, TELLER.told_by, 120, health.clock)
    assert own(teller.heartbeat(health, "kinesis")) == json.loads(golden("cloud_gateway_health"))
    will = GatewayHealth.model_validate_json(golden("gateway_will"))
    with pytest.raises(ValueError, match="a will"):
        TELLER.heartbeat(will, "kinesis")


def test_a_correction_of_a_count_is_golden() -> None:
    at = datetime.fromisoformat("2024-03-20T10:20:00Z")
    said = TELLER.correction("correction:0f6f6c1e", "roof", -3, at, "walked the deck")
    assert own(said) == json.loads(golden("cloud_correction"))


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
