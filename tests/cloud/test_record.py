"""What the cloud takes for a record, and what it says of others."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.record import BadRecord, decode
from cloud.testing import record
from contract.golden import golden

GOLDEN = ("cloud_arrival", "cloud_snapshot", "cloud_gap")


def refused(body: Any) -> str:
    with pytest.raises(BadRecord) as caught:
        decode(json.dumps(body).encode())
    return str(caught.value)


@pytest.mark.parametrize("name", GOLDEN)
def test_takes_what_gateways_send(name: str) -> None:
    body = json.loads(golden(name))
    found = decode(golden(name))
    assert (found.event_id, found.seq) == (body["event_id"], body["seq"])


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
    ],
)
def test_names_the_field_that_is_wrong(change: dict[str, Any], said: str) -> None:
    assert said in refused(record(1, "occupied", 0) | change)


@pytest.mark.parametrize("payload", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, b'{"a": 1'])
def test_refuses_what_is_no_object(payload: bytes) -> None:
    with pytest.raises(BadRecord, match="JSON object"):
        decode(payload)


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
