"""Every golden message is of its model, and every model has one."""

import json
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import contract
from contract import (
    Ack,
    AgentHealth,
    Alert,
    Birth,
    CommandResponse,
    Configure,
    Gap,
    GatewayHealth,
    HealthChanged,
    Identify,
    Occupancy,
    Recalibrate,
    Report,
    Request,
    Response,
    Snapshot,
    Spot,
    SpotChanged,
    SpotState,
    TicketClosed,
    VehicleCounted,
)
from contract.commands import agent_command
from contract.events import agent_record
from contract.golden import golden, names

MODELS: dict[str, type[BaseModel]] = {
    "ack": Ack,
    "ack_resend": Ack,
    "agent_health": AgentHealth,
    "agent_will": AgentHealth,
    "alert": Alert,
    "birth": Birth,
    "command_config": Configure,
    "command_identify": Identify,
    "command_recalibrate": Recalibrate,
    "command_report": Report,
    "command_response_error": CommandResponse,
    "command_response_ok": CommandResponse,
    "gap": Gap,
    "gateway_health": GatewayHealth,
    "gateway_will": GatewayHealth,
    "health_changed": HealthChanged,
    "occupancy_counted": Occupancy,
    "occupancy_lot": Occupancy,
    "occupancy_zone": Occupancy,
    "request": Request,
    "response_error": Response,
    "response_ok": Response,
    "snapshot": Snapshot,
    "spot": Spot,
    "spot_changed": SpotChanged,
    "spot_state": SpotState,
    "ticket_closed": TicketClosed,
    "vehicle_counted": VehicleCounted,
}
CLOUD = {
    "cloud_agent_silent",
    "cloud_alert",
    "cloud_arrival",
    "cloud_correction",
    "cloud_gap",
    "cloud_gateway_health",
    "cloud_minimal",
    "cloud_snapshot",
    "cloud_snapshot_of_a_lot",
    "cloud_spot_closed",
}
AGENT_RECORDS = ["birth", "gap", "health_changed", "snapshot", "spot_changed", "vehicle_counted"]
WILLS = {"agent_will", "gateway_will"}


def parsed(text: bytes | str) -> Any:
    """The JSON with its times as times: `10:00:00.000Z` and `10:00:00Z` are one."""
    return json.loads(text, object_hook=lambda fields: {k: timed(v) for k, v in fields.items()})


def timed(value: object) -> object:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value


def required() -> list[tuple[str, str]]:
    return [
        (name, field)
        for name, model in MODELS.items()
        if name not in WILLS
        for field, info in model.model_fields.items()
        if info.is_required()
    ]


def test_every_file_has_its_model_and_every_model_its_file() -> None:
    assert set(names()) == set(MODELS) | CLOUD
    exported = {getattr(contract, name) for name in contract.__all__}
    models = {item for item in exported if issubclass(item, BaseModel)}
    assert set(MODELS.values()) == models


@pytest.mark.parametrize("name", MODELS)
def test_it_round_trips(name: str) -> None:
    model = MODELS[name].model_validate_json(golden(name))
    assert parsed(model.model_dump_json(exclude_unset=True)) == parsed(golden(name))
    assert MODELS[name].model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("name", sorted(set(MODELS) - WILLS))
def test_it_shows_every_field(name: str) -> None:
    assert set(json.loads(golden(name))) == set(MODELS[name].model_fields)


@pytest.mark.parametrize("name", sorted(WILLS))
def test_a_will_carries_session_and_status_alone(name: str) -> None:
    assert set(json.loads(golden(name))) == {"session_id", "status"}


@pytest.mark.parametrize("name", MODELS)
def test_unknown_fields_are_ignored(name: str) -> None:
    fields = json.loads(golden(name))
    later = json.dumps({**fields, "of_a_later_release": {"x": [1]}})
    assert MODELS[name].model_validate_json(later) == MODELS[name].model_validate(fields)


@pytest.mark.parametrize(("name", "field"), required())
def test_a_required_field_missing_is_refused_by_its_name(name: str, field: str) -> None:
    fields = json.loads(golden(name))
    del fields[field]
    with pytest.raises(ValidationError, match=rf"(?m)^{field}\n  Field required"):
        MODELS[name].model_validate_json(json.dumps(fields))


@pytest.mark.parametrize("name", AGENT_RECORDS)
def test_an_agents_record_is_known_by_its_type(name: str) -> None:
    assert type(agent_record.validate_json(golden(name))) is MODELS[name]


@pytest.mark.parametrize("name", ["config", "identify", "recalibrate", "report"])
def test_a_command_is_known_by_its_name(name: str) -> None:
    assert type(agent_command.validate_json(golden(f"command_{name}"))) is MODELS[f"command_{name}"]


def test_a_type_that_nobody_knows_is_refused_by_name() -> None:
    fields = {**json.loads(golden("birth")), "type": "death"}
    with pytest.raises(ValidationError, match="tag 'death' found using 'type'"):
        agent_record.validate_python(fields)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="no golden message 'nothing': there are ack, ack_resend"):
        golden("nothing")


def test_they_tell_one_story() -> None:
    arrival, snapshot = (json.loads(golden(n)) for n in ("spot_changed", "snapshot"))
    assert {k: arrival[k] for k in snapshot if k != "type"} == {
        k: v for k, v in snapshot.items() if k != "type"
    }
    chain = [json.loads(golden(n)) for n in ("birth", "spot_changed", "health_changed")]
    chain += [json.loads(golden(n)) for n in ("vehicle_counted", "gap")]
    for before, after in pairwise(chain):
        assert after["prev_seq"] == before["seq"]
        assert after["timestamp"] > before["timestamp"]
        assert after["monotonic_ms"] > before["monotonic_ms"]
    assert json.loads(golden("spot_state"))["since"] == arrival["timestamp"]
    assert json.loads(golden("ack"))["seq"] == arrival["seq"]
    assert json.loads(golden("agent_will"))["session_id"] == chain[0]["session_id"]
