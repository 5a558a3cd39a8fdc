"""What the models refuse, and what a change of status means."""

import itertools
import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from contract import (
    Ack,
    AgentHealth,
    Birth,
    EventType,
    Gap,
    Occupancy,
    Spot,
    SpotChanged,
    SpotState,
    Status,
    TicketClosed,
    VehicleCounted,
)
from contract.golden import golden


def validate(model: type[BaseModel], name: str, **changes: Any) -> BaseModel:
    return model.model_validate_json(json.dumps({**json.loads(golden(name)), **changes}))


def refused(model: type[BaseModel], name: str, field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{field}(\.|$)"):
        validate(model, name, **{field: value})


@pytest.mark.parametrize("value", ["", "A/1", "A 1", "A+", "#", "Ä1", "A" * 65, "A1\n", None, 7])
@pytest.mark.parametrize("field", ["spot_id", "agent_id", "epoch", "boot_id"])
def test_an_id_outside_the_pattern_is_refused(field: str, value: object) -> None:
    refused(SpotChanged, "spot_changed", field, value)


@pytest.mark.parametrize("value", ["A", "A" * 64, "0", "_.-", "Level-2.A_17"])
def test_an_id_inside_the_pattern_is_taken(value: str) -> None:
    changed = validate(SpotChanged, "spot_changed", spot_id=value)
    assert isinstance(changed, SpotChanged)
    assert changed.spot_id == value


@pytest.mark.parametrize(
    ("model", "name", "field"),
    [
        (SpotChanged, "spot_changed", "timestamp"),
        (SpotState, "spot_state", "valid_until"),
        (Occupancy, "occupancy_lot", "as_of"),
        (AgentHealth, "agent_health", "time"),
        (TicketClosed, "ticket_closed", "entered_at"),
    ],
)
@pytest.mark.parametrize("value", ["2024-03-20T10:00:00", "2024-03-20", "ten o'clock", ""])
def test_a_time_without_its_zone_is_refused(
    model: type[BaseModel], name: str, field: str, value: str
) -> None:
    refused(model, name, field, value)


@pytest.mark.parametrize("value", [0, -1, 2**63, 1.5, "x", None])
def test_a_seq_outside_its_range_is_refused(value: object) -> None:
    refused(SpotChanged, "spot_changed", "seq", value)
    refused(Gap, "gap", "first_seq", value)


@pytest.mark.parametrize("value", [1, 2**63 - 1])
def test_the_ends_of_seqs_range_are_taken(value: int) -> None:
    assert isinstance(validate(SpotChanged, "spot_changed", seq=value), SpotChanged)


@pytest.mark.parametrize(
    ("model", "name", "field", "value"),
    [
        (SpotChanged, "spot_changed", "prev_seq", -1),
        (SpotChanged, "spot_changed", "monotonic_ms", -1),
        (SpotChanged, "spot_changed", "status", "vacant"),
        (SpotChanged, "spot_changed", "confidence", 1.01),
        (SpotChanged, "spot_changed", "confidence", float("nan")),
        (SpotChanged, "spot_changed", "clock", "right"),
        (SpotChanged, "spot_changed", "type", "snapshot"),
        (Gap, "gap", "count", 0),
        (Gap, "gap", "reason", "bored"),
        (Birth, "birth", "spots", ["A1", "A/2"]),
        (VehicleCounted, "vehicle_counted", "event_type", "STATUS"),
        (VehicleCounted, "vehicle_counted", "event_id", "with space"),
        (Ack, "ack", "seq", -1),
        (Ack, "ack", "resend_from", -1),
        (Occupancy, "occupancy_lot", "free", -1),
        (Occupancy, "occupancy_lot", "coverage", 1.5),
        (TicketClosed, "ticket_closed", "amount_minor", 7.5),
        (TicketClosed, "ticket_closed", "currency", "eur"),
        (AgentHealth, "agent_health", "status", "sideways"),
        (Spot, "spot", "kinds", ["flying"]),
        (Spot, "spot", "position", {"latitude": 91}),
    ],
)
def test_a_value_outside_its_range_is_refused(
    model: type[BaseModel], name: str, field: str, value: object
) -> None:
    refused(model, name, field, value)


@pytest.mark.parametrize("field", ["total", "occupied", "free", "unknown", "closed"])
def test_occupancy_must_sum_up(field: str) -> None:
    more = json.loads(golden("occupancy_lot"))[field] + 1
    with pytest.raises(ValidationError, match=r"occupied \+ free \+ unknown \+ closed must be"):
        validate(Occupancy, "occupancy_lot", **{field: more})


def test_messages_are_frozen() -> None:
    changed = SpotChanged.model_validate_json(golden("spot_changed"))
    with pytest.raises(ValidationError, match="frozen"):
        changed.seq = 7


MEANING = {
    (Status.OCCUPIED, Status.FREE): EventType.ARRIVAL,
    (Status.FREE, Status.OCCUPIED): EventType.DEPARTURE,
}


@pytest.mark.parametrize(("status", "previous"), list(itertools.product(Status, Status)))
def test_only_a_vehicle_that_came_or_went_is_an_arrival_or_departure(
    status: Status, previous: Status
) -> None:
    changed = validate(SpotChanged, "spot_changed", status=status, previous=previous)
    assert isinstance(changed, SpotChanged)
    assert changed.event_type is MEANING.get((status, previous), EventType.STATUS)
