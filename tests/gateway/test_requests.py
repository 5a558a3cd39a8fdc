"""Requests on a real store: no data stops the gateway, orders are done once, letters replayed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.requests import Response
from contract.words import Status
from gateway.batch import Arrived
from gateway.desk import Desk
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.requests import ORDERS, QUESTIONS, answer
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"


class Office:
    """A lot without its service."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SetClock()
        self.open()

    def open(self, **sections: Any) -> None:
        self.settings = lot_settings(self.folder, **sections)
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.store.register_sinks(["disk"])
        self.ingest = Ingest(self.settings, self.store, self.clock)
        self.lot = Lot(self.settings, self.store, self.ingest, self.clock)
        self.desk = Desk(self.lot, [])
        self.asked = 0

    def take(self, *messages: Any) -> None:
        payloads = (m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages)
        self.ingest.take([Arrived("pi-1", EVENTS, payload) for payload in payloads])

    def ask(self, name: str, transaction: str = "", **data: Any) -> Response:
        self.asked += 1
        request = {"transaction": transaction or f"t{self.asked}", "data": data}
        response = answer(self.desk, name, json.dumps(request).encode())
        assert response is not None
        return response

    def told(self, name: str, **data: Any) -> dict[str, Any]:
        response = self.ask(name, **data)
        assert response.status == "ok", response.error
        assert response.data is not None
        return response.data

    def letters(self) -> list[tuple[int, str]]:
        found = self.told("dead-letters-list")["dead_letters"]
        return [(each["id"], each["reason"]) for each in found]

    def spooled(self) -> list[dict[str, Any]]:
        return [json.loads(row.payload) for row in self.store.spool.read(0, 1000)]

    def settle(self) -> None:
        """What the service does behind a request's commit."""
        while self.desk.taken:
            self.ingest.settle(self.desk.taken.pop())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def worn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for many examples."""
    made = Office(tmp_path_factory.mktemp("worn"))
    yield made
    made.store.close()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.sampled_from([2**63, -(2**70), 10**30, "A1", "L", "", "\0"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(sorted(QUESTIONS | ORDERS)),
    data=st.dictionaries(
        st.sampled_from(
            ["id", "limit", "spot_id", "zone_id", "count", "note", "alert_id", "by", "all", "kinds"]
        ),
        VALUES,
    ),
)
def test_no_data_stops_the_gateway(worn: Office, name: str, data: dict[str, Any]) -> None:
    response = worn.ask(name, **data)
    assert (response.status == "error") == bool(response.error)


@given(payload=st.binary(max_size=100))
def test_what_is_no_request_is_not_answered(worn: Office, payload: bytes) -> None:
    assert answer(worn.desk, "ping", payload) is None


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("dead-letters-show", {"id": [1]}, "id = [1]"),
        ("dead-letters-drop", {"id": 10**30}, "id = 1000"),
        ("count-correct", {"zone_id": ["L"], "count": 1}, "zone_id = ['L']"),
        ("count-correct", {"zone_id": "A", "count": 1}, "zone_id = 'A'"),
        ("count-correct", {"zone_id": "L", "count": 10**30}, "count = 1000"),
        ("spot-close", {"spot_id": {}}, "spot_id = {}"),
        ("dead-letters-list", {"limit": True}, "limit = True"),
    ],
)
def test_the_refusal_names_the_field_and_its_value(
    office: Office, name: str, data: dict[str, Any], told: str
) -> None:
    response = office.ask(name, **data)
    assert response.status == "error"
    assert told in (response.error or "")


def test_two_corrections_in_one_moment_both_count(office: Office) -> None:
    office.told("count-correct", zone_id="L", count=3)
    office.told("count-correct", zone_id="L", count=1)
    assert office.store.counts() == {"L": 1}


def test_an_order_is_done_once_by_its_transaction_over_a_restart(office: Office) -> None:
    first = office.ask("count-correct", "same", zone_id="L", count=3)
    office.told("count-correct", zone_id="L", count=1)
    office.store.close()
    office.open()
    assert office.ask("count-correct", "same", zone_id="L", count=3) == first
    assert office.store.counts() == {"L": 1}


def test_a_salvaged_letter_that_is_no_record_any_more_stops_nothing(office: Office) -> None:
    for payload in (b"{torn", b"[]", b"7", b"\xff"):
        with office.store.transaction():
            office.store.letters.bury(START, "sink:disk", "", "sink_rejected", "", payload)
        number = office.store.letters.last_id()
        response = office.ask("dead-letters-replay", id=number)
        assert "no record any more; drop the letter" in (response.error or "")
    assert len(office.letters()) == 4


def test_a_letter_of_a_sink_that_is_gone_is_kept(office: Office) -> None:
    with office.store.transaction():
        office.store.letters.bury(START, "sink:gone", "", "sink_rejected", "", b'{"event_id":"e"}')
    response = office.ask("dead-letters-replay", id=1)
    assert "its sink 'gone' is no longer configured" in (response.error or "")
    assert office.letters() == [(1, "sink_rejected")]


# Replay ----------------------------------------------------------------------------------------

WITH_Z9 = {"spots": [{"spot_id": spot, "zone_id": "A"} for spot in ("A1", "Z9")]}


def test_a_record_that_was_refused_is_taken_when_its_cause_is_mended(office: Office) -> None:
    office.take(changed(1), changed(2, spot_id="Z9"), changed(3, "free"))
    ((number, reason),) = office.letters()
    assert reason == "unknown_spot"
    office.store.close()
    office.open(**WITH_Z9)
    assert office.told("dead-letters-replay", id=number) == {"replayed": number}
    office.settle()
    assert not office.letters()
    assert office.ingest.believed["Z9"].status is Status.OCCUPIED
    record = office.spooled()[-1]
    assert (record["event_id"], record["historical"]) == ("pi-1:e1:2", True)
    assert [r["seq"] for r in office.spooled()] == [1, 3, 2]
    office.store.close()
    office.open(**WITH_Z9)
    assert office.ingest.believed["Z9"].status is Status.OCCUPIED


def forgotten(office: Office) -> int:
    """A1's second record comes while the lot does not list A1: the letter's number."""
    office.take(changed(1))
    office.store.close()
    office.open(spots=[{"spot_id": "Z9", "zone_id": "A"}])
    office.take(changed(2, "free"))
    ((number, _),) = office.letters()
    office.store.close()
    office.open()
    return number


def test_a_replay_does_not_turn_a_spot_back_nor_move_the_stream(office: Office) -> None:
    number = forgotten(office)
    office.take(changed(3, "occupied"))
    office.told("dead-letters-replay", id=number)
    office.settle()
    assert office.ingest.believed["A1"].status is Status.OCCUPIED
    assert office.store.streams() == {("pi-1", "e1"): 3}
    assert office.store.accepted() == {"pi-1": 3}


def test_the_newest_word_of_a_spot_counts_again_once_it_is_replayed(office: Office) -> None:
    number = forgotten(office)
    assert office.ingest.believed["A1"].status is Status.OCCUPIED
    office.told("dead-letters-replay", id=number)
    office.settle()
    assert office.ingest.believed["A1"].status is Status.FREE


def test_what_is_refused_again_is_a_letter_again_and_nothing_is_lost(office: Office) -> None:
    office.take(changed(1, spot_id="Z9"), b"{not json")
    for number, _ in office.letters():
        office.told("dead-letters-replay", id=number)
        office.settle()
    assert [reason for _, reason in office.letters()] == ["unknown_spot", "malformed_json"]
    assert min(number for number, _ in office.letters()) > 2


def test_a_replay_that_a_crash_cuts_short_has_happened_whole_or_not_at_all(
    office: Office,
) -> None:
    office.take(changed(1, spot_id="Z9"))
    ((number, _),) = office.letters()
    office.store.close()
    office.open(**WITH_Z9)
    office.ask("dead-letters-replay", "once", id=number)
    office.store.close()  # before anything else was done
    office.open(**WITH_Z9)
    assert not office.letters()
    assert [r["seq"] for r in office.spooled()] == [1]
    assert office.ask("dead-letters-replay", "once", id=number).status == "ok"
    assert len(office.spooled()) == 1


def test_what_a_sink_refused_goes_to_that_sink_again(office: Office) -> None:
    office.take(changed(1))
    (row,) = office.store.spool.read(0, 10)
    with office.store.transaction():
        office.store.spool.advance("disk", 1, delivered=0, dead_lettered=1)
        office.store.spool.forget()
        office.store.letters.bury(START, "sink:disk", "", "sink_rejected", "too large", row.payload)
    told = office.told("dead-letters-replay", id=office.letters()[0][0])
    assert told == {
        "replayed": 1, "sink": "disk", "spool_seq": 2, "event_id": "pi-1:e1:1", "last_letter": 1,
    }  # fmt: skip
    office.settle()
    (again,) = office.store.spool.read(0, 10)
    assert again.key == "A1/@disk"
    assert json.loads(again.payload) == json.loads(row.payload) | {"historical": True}
    assert not office.letters()
    assert office.store.depth("disk").balanced
    assert list(office.lot.presences) == []
