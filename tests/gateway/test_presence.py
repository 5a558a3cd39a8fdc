"""Presence, occupancy and decode: the gateway's pure cores."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.words import ClockState, HealthState, Status
from gateway.decode import Poison, decode
from gateway.occupancy import Believed, Term, newer, shown, tally
from gateway.presence import (
    CLONE_QUIET_S,
    OFFLINE,
    SESSIONS_KEPT,
    UNCONFIRMED,
    Presence,
)
from gateway.testing import START, changed

LIMIT = 10_000


def test_nobody_is_believed_before_a_live_word() -> None:
    presence = Presence()
    assert presence.silence(0, 30) == UNCONFIRMED
    assert not presence.is_news("s1", 500, retained=True)
    assert not presence.is_news("s1", 500, retained=True)
    assert presence.is_news("s1", 600, retained=True)
    assert Presence().is_news("s1", 500, retained=False)
    presence.hears_up("s1", 100)
    assert presence.silence(130, 30) == ""
    assert presence.silence(130.1, 30) == OFFLINE
    presence.hears(200)
    assert presence.silence(201, 30) == ""


def test_the_will_of_an_old_session_is_ignored() -> None:
    presence = Presence()
    assert presence.hears_up("s1", 0)
    assert not presence.hears_up("s1", 1)
    assert presence.hears_up("s2", 2)
    assert not presence.hears_down("s1")
    assert presence.silence(3, 30) == ""
    assert presence.hears_down("s2")
    assert presence.silence(3, 30) == OFFLINE
    assert not presence.clone_suspected


def test_a_will_counts_where_no_session_is_known() -> None:
    """A gateway that has just started has records of an agent, and not yet its heartbeat."""
    presence = Presence()
    presence.hears(0)
    assert presence.hears_down("s1")
    assert presence.silence(1, 30) == OFFLINE
    presence.hears_up("s2", 2)
    assert presence.silence(3, 30) == ""


def test_a_session_that_was_replaced_and_speaks_again_is_a_clone() -> None:
    presence = Presence()
    for session in ("s1", "s2", "s1"):
        presence.hears_up(session, 0)
    assert presence.clone_suspected


def beat(presence: Presence, session: str, beat_ms: int, now_s: float = 0.0) -> None:
    if presence.is_news(session, beat_ms, retained=False):
        presence.hears_up(session, now_s)


def test_a_heartbeat_that_comes_again_brings_nobody_back_and_is_no_clone() -> None:
    presence = Presence()
    for session, beat_ms in (("s1", 100), ("s1", 200), ("s2", 50), ("s1", 100), ("s1", 200)):
        beat(presence, session, beat_ms)
    assert presence.session_id == "s2"
    assert not presence.clone_suspected
    beat(presence, "s2", 50, now_s=100)
    assert presence.silence(100, 30) == OFFLINE
    presence.hears_down("s2")
    beat(presence, "s2", 50)
    presence.hears(1.0)  # a record, sent again too
    assert presence.silence(2, 30) == OFFLINE
    beat(presence, "s2", 51)
    assert presence.silence(3, 30) == ""


def test_a_clone_is_told_until_one_holder_has_been_silent_for_an_hour() -> None:
    presence = Presence()
    beat(presence, "s1", 1, 0)
    beat(presence, "s2", 1, 5)
    beat(presence, "s1", 2, 10)
    assert presence.clone_suspected
    beat(presence, "s1", 3, 10 + CLONE_QUIET_S)
    assert presence.clone_suspected
    beat(presence, "s1", 4, 11 + CLONE_QUIET_S)
    assert not presence.clone_suspected
    beat(presence, "s2", 2, 12 + CLONE_QUIET_S)
    assert presence.clone_suspected


def test_only_some_sessions_are_remembered() -> None:
    presence = Presence()
    for number in range(50):
        beat(presence, f"s{number}", 1)
    assert len(presence.left) == len(presence.beats_ms) - 1 == SESSIONS_KEPT


def believed(status: Status = Status.FREE, epoch: str = "e1", seq: int = 5) -> Believed:
    return Believed(status, START, 1.0, HealthState.OK, "", "pi-1", epoch, seq)


def test_what_is_shown_of_a_spot() -> None:
    free = believed()
    assert shown(free, closed=False, silence="").status is Status.FREE
    assert shown(free, closed=False, silence=OFFLINE).status is Status.UNKNOWN
    assert shown(free, closed=False, silence=OFFLINE).reason == OFFLINE
    assert shown(None, closed=False, silence="").status is Status.UNKNOWN
    assert shown(free, closed=True, silence=OFFLINE).status is Status.CLOSED


def test_a_record_is_newer_by_its_place_in_the_stream_and_by_its_epochs_birth() -> None:
    known = believed(seq=5)
    assert newer("pi-1", "e1", 6, known, ["e1"])
    assert not newer("pi-1", "e1", 5, known, ["e1"])
    assert newer("pi-1", "e2", 1, known, ["e1", "e2"])
    assert not newer("pi-1", "e0", 99, known, ["e0", "e1"])
    assert newer("pi-1", "e9", 1, known, ["e9"])
    assert newer("pi-2", "e1", 1, known, ["e1"])


@given(st.lists(st.sampled_from(list(Status))))
def test_unknown_is_never_counted_as_free(statuses: list[Status]) -> None:
    until = START + timedelta(seconds=60)
    term: Term = {
        "as_of": START,
        "valid_until": until,
        "valid_for_s": 60.0,
        "clock": ClockState.SYNCED,
    }
    counts = tally("lot-1", None, statuses, term)
    assert counts.free == sum(each is Status.FREE for each in statuses)
    assert counts.total == len(statuses)
    known = sum(each is not Status.UNKNOWN for each in statuses)
    assert counts.coverage == pytest.approx(known / len(statuses) if statuses else 0, abs=1e-4)


@given(st.binary(max_size=300))
def test_any_bytes_are_poison_or_records_and_never_an_error(payload: bytes) -> None:
    items = decode(payload, "pi-1", LIMIT)
    assert items
    assert all(isinstance(item, Poison) for item in items)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(changed(1))), value=JSON)
def test_any_value_in_any_field_is_poison_or_a_record(field: str, value: object) -> None:
    items = decode(json.dumps(changed(1) | {field: value}).encode(), "pi-1", LIMIT)
    assert len(items) == 1


def test_one_bad_item_does_not_cost_the_others() -> None:
    items = decode(json.dumps([changed(1), {"seq": 2}, 7, changed(3)]).encode(), "pi-1", LIMIT)
    reasons = [item.reason if isinstance(item, Poison) else item.seq for item in items]
    assert reasons == [1, "unknown_schema", "wrong_type", 3]


@pytest.mark.parametrize("payload", [b"[]", b"7", b'"x"', b"null", b"", b"[" * 20_000])
def test_what_holds_no_record_is_poison(payload: bytes) -> None:
    (item,) = decode(payload, "pi-1", 100_000)
    assert isinstance(item, Poison)
    assert item.reason == "malformed_json"


def test_poison_tells_its_place_where_it_can_be_read() -> None:
    (item,) = decode(json.dumps(changed(4, "parked")).encode(), "pi-1", LIMIT)
    assert isinstance(item, Poison)
    assert item.place == ("e1", 4, 3)
    (item,) = decode(json.dumps(changed(4, "parked") | {"seq": "4"}).encode(), "pi-1", LIMIT)
    assert isinstance(item, Poison)
    assert item.place is None
