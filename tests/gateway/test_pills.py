"""No message may stop the service: what is never acknowledged comes again at every start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.batch import Arrived
from gateway.decode import Poison, decode
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"
LIMIT = 10_000


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    settings = lot_settings(tmp_path_factory.mktemp("pills"))
    store = GatewayStore(settings.store.path, 10_000_000)
    yield Ingest(settings, store, SetClock())
    store.close()


def encoded(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


def stray(**fields: Any) -> dict[str, Any]:
    """A record of an unknown type whose place in the stream looks readable."""
    return {"type": "weather", "epoch": "e1", "seq": 1, "prev_seq": 0, **fields}


PILLS = {
    "an epoch that is no id": stray(epoch="no id"),
    "an epoch that is no text": b'{"type":"x","epoch":"\\ud800","seq":1,"prev_seq":0}',
    "a seq that SQLite cannot hold": stray(seq=2**63),
    "a time before all time in UTC": changed(1, timestamp="0001-01-01T00:00:00+14:00"),
    "a time after all time in UTC": changed(1, timestamp="9999-12-31T23:59:59-14:00"),
    "the same among others": [changed(1, timestamp="0001-01-01T00:00:00+14:00")],
    "a type that nests": b'{"type":' + b"[" * 3000 + b"]" * 3000 + b"}",
    "an unsynced monotonic time": changed(1, clock="unsynced", monotonic_ms=10**40),
    "a count of anything": changed(1, type="gap", first_seq=1, last_seq=1, count=10**400),
}


@pytest.mark.parametrize("pill", PILLS.values(), ids=PILLS)
@pytest.mark.parametrize("beat_ms", [0, 10**40])
def test_a_pill_is_taken_and_the_next_record_too(tmp_path: Path, pill: Any, beat_ms: int) -> None:
    settings = lot_settings(tmp_path)
    ingest = Ingest(settings, GatewayStore(settings.store.path, 10_000_000), SetClock())
    ingest.note_clock("pi-1", "pi-boot", beat_ms)
    ingest.take([Arrived("pi-1", EVENTS, encoded(pill))])
    unsynced = changed(2, prev_seq=0, clock="unsynced", spot_id="A2")
    ingest.take([Arrived("pi-1", EVENTS, encoded(unsynced))])
    assert ingest.streams["pi-1", "e1"] == 2
    assert "A2" in ingest.believed
    ingest.store.close()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([2**63, -1, 10**40, "no id", "", "A1", "e1", "9999-12-31T23:59:59-14:00"])
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KINDS = ["spot_changed", "snapshot", "health_changed", "vehicle_counted", "birth", "gap", "x"]
RECORD = {
    **changed(1),
    "session_id": "s",
    "version": "1",
    "spots": [],
    "first_seq": 1,
    "last_seq": 1,
    "count": 1,
    "reason": "corrupt",
    "event_id": "x",
    "event_type": "ARRIVAL",
    "lane_id": "in",
    "zone_id": "L",
    "health": "ok",
}


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    fields=st.dictionaries(st.sampled_from(sorted(RECORD)), JSON, max_size=3),
    seq=st.integers(1, 9),
    together=st.booleans(),
)
def test_no_values_stop_ingest(
    ingest: Ingest, kind: str, fields: dict[str, Any], seq: int, together: bool
) -> None:
    record = {**RECORD, "type": kind, "seq": seq, "prev_seq": 0, **fields}
    payload = json.dumps([record, record] if together else record).encode()
    ingest.take([Arrived("pi-1", EVENTS, payload)])


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=200))
def test_no_bytes_stop_ingest(ingest: Ingest, payload: bytes) -> None:
    ingest.take([Arrived("pi-1", EVENTS, payload)])


@pytest.mark.parametrize("space", [b" ", b"\n\t"])
def test_white_space_before_a_record_is_json(space: bytes) -> None:
    (item,) = decode(space + encoded(changed(1)), "pi-1", LIMIT)
    assert not isinstance(item, Poison)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_poison(word: str) -> None:
    payload = encoded(changed(1)).replace(b'"confidence": 1.0', f'"confidence": {word}'.encode())
    (item,) = decode(payload, "pi-1", LIMIT)
    assert isinstance(item, Poison)
    assert item.place == ("e1", 1, 0)
