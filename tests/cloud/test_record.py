"""What the cloud takes for a record, and what it says of others."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.record import BadRecord, checked, decode, standardised
from cloud.testing import record
from contract.golden import golden, names

GOLDEN = (*(name for name in names() if name.startswith("cloud_")),)
WHOLE = [name for name in GOLDEN if name != "cloud_minimal"]


ALERT = json.loads(golden("cloud_alert"))


def refused(body: Any) -> str:
    with pytest.raises(BadRecord) as caught:
        decode(json.dumps(body).encode())
    return str(caught.value)


@pytest.mark.parametrize("name", WHOLE)
def test_takes_what_gateways_send(name: str) -> None:
    """All of it, but what is of no use to the cloud."""
    body = json.loads(golden(name))
    found = json.loads(decode(golden(name)).model_dump_json())
    unknown = body.keys() - found.keys()
    assert unknown <= {"store_id", "first_seq", "last_seq", "count"}
    for field in body.keys() - unknown:
        assert moment(found[field]) == moment(body[field]), field


def moment(value: Any) -> Any:
    """A time as a time: it is written with and without its milliseconds."""
    if not isinstance(value, str) or "T" not in value:
        return value
    with suppress(ValueError):
        return datetime.fromisoformat(value)
    return value


def test_gives_an_old_record_a_lot_and_an_identity() -> None:
    body = json.loads(golden("cloud_minimal"))
    found = decode(golden("cloud_minimal"), "north")
    assert (found.lot_id, found.spot_id, found.status) == ("north", "A1", "occupied")
    assert found.event_id == decode(json.dumps(body).encode(), "north").event_id
    later = body | {"timestamp": "2024-03-20T10:00:01Z"}
    assert (decode(json.dumps(later).encode(), "north").seq or 0) > (found.seq or 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lot_id": "a b"}, "lot_id"),
        ({"timestamp": "2024-03-20T10:00:00"}, "timestamp"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "timestamp lies outside"),
        ({"status": "free"}, "status"),
        ({"status": None}, "status is missing"),
        ({"seq": 0}, "seq"),
        ({"seq": None}, "seq is missing"),
        ({"event_type": "ARRIVAL", "status": "vacant"}, "status of ARRIVAL is occupied"),
        ({"event_type": "PARTY"}, "event_type"),
        ({"event_type": "CORRECTION"}, "delta is missing"),
        ({"health_reason": "a\x00b"}, "health_reason"),
        ({"event_type": "AGENT_SILENT", "agent_id": None}, "agent_id is missing"),
        ({"event_type": "SPOT_CLOSED", "spot_id": None}, "spot_id is missing"),
        ({"event_type": "GATEWAY_HEALTH"}, "told_by is missing"),
        ({"event_type": "ALERT"}, "alert_id is missing"),
        (ALERT | {"state": "snoozed"}, "state of ALERT is one of raised, ack"),
        (ALERT | {"severity": "awful"}, "severity"),
        ({"told_seq": -1}, "told_seq"),
    ],
)
def test_names_the_field_that_is_wrong(change: dict[str, Any], said: str) -> None:
    assert said in refused(record(1, "occupied", 0) | change)


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a": 1'])
def test_refuses_what_is_no_object(payload: bytes) -> None:
    with pytest.raises(BadRecord, match="JSON object"):
        decode(payload)


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_whole_stays_as_it_is(name: str) -> None:
    """The front door standardises all that it gets: a closed spot is no word of an old source."""
    body = json.loads(golden(name))
    assert standardised(body) == body


@pytest.mark.parametrize("kind", [["ARRIVAL"], {}, 7, None, "PARTY"])
def test_a_strange_type_is_refused(kind: Any) -> None:
    body = {**json.loads(golden("cloud_minimal")), "lot_id": "north", "event_type": kind}
    with pytest.raises(BadRecord, match="event_type"):
        checked(standardised(body))


def test_an_old_record_without_a_lot_is_refused() -> None:
    assert "lot_id" in refused(json.loads(golden("cloud_minimal")))


_ANY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.none())
)


@given(st.dictionaries(st.sampled_from(sorted(record(1, "occupied", 0))), _ANY))
def test_any_change_is_taken_or_refused_with_words(change: dict[str, Any]) -> None:
    body = record(1, "occupied", 0) | change
    with suppress(BadRecord):
        assert decode(json.dumps(body).encode()).event_id == body["event_id"]
