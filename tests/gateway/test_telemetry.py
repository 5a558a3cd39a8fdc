"""Telemetry of devices without MQTT: taken once, in order, all of a request or nothing."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import telemetry
from gateway.testing import START
from gateway.tools.reading import reading
from gateway.tools.reconcile import reckon

DAY_S = 86_400.0


def event(number: int, status: str = "occupied", **fields: Any) -> dict[str, Any]:
    """Event `number` of device cam-1, at B1, so many seconds before START + 100."""
    at = START - timedelta(seconds=100 - number)
    return {
        "device_id": "cam-1",
        "event_id": f"e{number}",
        "spot_id": "B1",
        "status": status,
        "timestamp": at.isoformat(),
        **fields,
    }


class Door:
    """A lot with the device cam-1 at B1."""

    def __init__(self, post: Any) -> None:
        self.post = post
        self.asked("device-add", device_id="cam-1", spots=["B1"], silent_after_s=600)

    def asked(self, name: str, **data: Any) -> dict[str, Any]:
        response = self.post.ask(name, **data)
        assert response.status == "ok", response.error
        while self.post.desk.taken:
            outcome = self.post.ingest.settle(self.post.desk.taken.pop())
            assert not outcome.acks
            for agent_id in outcome.heard:
                self.post.lot.presences[agent_id].hears(self.post.clock.monotonic())
        return dict(response.data)

    def take(self, *items: Any) -> list[str]:
        """The outcome of each, with the reason of a refusal."""
        results = self.asked("telemetry", items=list(items))["results"]
        return [each.get("reason") or each["outcome"] for each in results]

    def spooled(self) -> list[dict[str, Any]]:
        with self.post.store.lock:
            rows = self.post.store.spool.read(0, 1000)
        return [json.loads(row.payload) for row in rows]

    def restart(self) -> None:
        asked, self.post.clock.now_s = self.post.asked, self.post.clock.now_s + 1
        self.post.restart()
        self.post.asked = asked

    @property
    def shown(self) -> tuple[str, str]:
        what = self.post.lot.shown("B1")
        return what.status.value, what.reason


@pytest.fixture
def door(post: Any) -> Door:
    return Door(post)


def test_an_event_is_a_record_like_an_agents(door: Door) -> None:
    assert door.take(event(1, "free"), event(2)) == ["accepted", "accepted"]
    first, arrival = door.spooled()
    assert (first["event_type"], first["status"], first["seq"]) == ("STATUS", "vacant", 1)
    assert (arrival["event_type"], arrival["seq"], arrival["clock"]) == ("ARRIVAL", 2, "synced")
    assert arrival["event_id"] == f"cam-1:{arrival['epoch']}:2"
    assert arrival["timestamp"] == "2026-03-01T11:58:22.000Z"
    assert (arrival["zone_id"], arrival["historical"]) == ("B", False)
    assert door.shown == ("occupied", "")


def test_what_comes_again_is_known_behind_a_restart_too(door: Door) -> None:
    assert door.take(event(1), event(1)) == ["accepted", "duplicate"]
    door.restart()
    same = event(1, timestamp=event(1)["timestamp"].replace("11:58:21+00:00", "12:58:21+01:00"))
    assert door.take(event(1), same, event(2, "free")) == ["duplicate", "duplicate", "accepted"]
    assert [each["seq"] for each in door.spooled()] == [1, 2]


def test_an_id_of_another_event_is_refused_and_not_swallowed(door: Door) -> None:
    assert door.take(event(1), event(2, "free", event_id="e1")) == ["accepted", "id_reused"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (event(1, device_id="cam-2"), "unknown_device"),
        (event(1, device_id="pi-1", spot_id="A1"), "unknown_device"),
        (event(1, spot_id="A1"), "foreign_spot"),
        (event(1, spot_id="Z9"), "foreign_spot"),
        (event(100 + 301), "future"),
        (event(-int(8 * DAY_S)), "too_old"),
        (event(1, status="closed"), "invalid"),
        (event(1, timestamp="2026-03-01T11:58:21"), "invalid"),
        (event(1, timestamp=1772366301), "invalid"),
        (event(1, timestamp="0001-01-01T00:00:00+14:00"), "invalid"),
        (event(1, confidence=True), "invalid"),
        (event(1, event_id="a b"), "invalid"),
        ({}, "invalid"),
        ("e1", "invalid"),
        (None, "invalid"),
    ],
)
def test_what_is_wrong_is_refused_alone(door: Door, item: Any, reason: str) -> None:
    assert door.take(event(0, "free"), item, event(2)) == ["accepted", reason, "accepted"]
    assert [each["seq"] for each in door.spooled()] == [1, 2]
    assert door.post.store.letters.counts() == {}


def test_five_minutes_ahead_may_be_a_clocks_difference(door: Door) -> None:
    assert door.take(event(100 + 300)) == ["accepted"]


def test_a_gateway_without_a_clock_judges_no_time(door: Door) -> None:
    door.post.clock.is_synced = False
    assert door.take(event(-int(8 * DAY_S), "free"), event(100 + 301)) == ["accepted"] * 2


def test_a_time_that_nobody_could_judge_does_not_shut_out_what_comes(door: Door) -> None:
    door.post.clock.is_synced = False
    assert door.take(event(1, "free", timestamp="2900-01-01T00:00:00Z")) == ["accepted"]
    assert door.take(event(2)) == ["out_of_order"]
    door.post.clock.is_synced = True
    assert door.take(event(2), event(3, "free")) == ["accepted", "accepted"]
    assert door.shown == ("free", "")


def test_the_layout_goes_before_the_register(door: Door) -> None:
    """Its B1 was given to an agent, after the device was registered for it."""
    spots = [s.model_copy(update={"agent_id": "pi-9"}) for s in door.post.settings.spots]
    door.post.settings = door.post.settings.model_copy(update={"spots": spots})
    door.restart()
    assert door.take(event(1)) == ["foreign_spot"]
    assert door.post.ingest.spots["B1"].agent_id == "pi-9"


def test_the_past_does_not_come_behind_the_present(door: Door) -> None:
    assert door.take(event(5, "free"), event(4), event(6)) == [
        "accepted",
        "out_of_order",
        "accepted",
    ]
    door.restart()
    assert door.take(event(5, event_id="late")) == ["out_of_order"]
    assert door.shown[0] != "free"


def test_a_repeated_status_is_a_sign_of_life_that_is_not_written(door: Door) -> None:
    door.take(event(1))
    before = door.post.store.devices.events
    door.post.clock.now_s += 601
    assert door.shown == ("unknown", "agent_offline")
    assert door.take(event(2)) == ["unchanged"]
    assert door.shown == ("occupied", "")
    assert door.post.store.devices.events == before
    late = event(1, "free", event_id="late", timestamp="2026-03-01T11:58:21.500Z")
    assert door.take(late) == ["out_of_order"]
    assert len(door.spooled()) == 1


def test_a_departure_is_one_also_where_the_spot_was_unknown_between(door: Door) -> None:
    door.take(event(1, "free"), event(2), event(3, "unknown", health="fault"))
    door.restart()
    door.take(event(4, "free"))
    assert [each["event_type"] for each in door.spooled()] == [
        "STATUS",
        "ARRIVAL",
        "STATUS",
        "DEPARTURE",
    ]


def test_ids_are_forgotten_with_the_time_in_which_they_may_come(door: Door) -> None:
    door.take(event(1, "free"), event(2))
    door.post.clock.now_s += 7 * DAY_S + 7200
    at = door.post.clock.wall().isoformat()
    assert door.take(event(3, "free", timestamp=at)) == ["accepted"]
    assert door.post.store.devices.events == 1
    door.post.clock.is_synced = False  # nothing but the horizon is left to know it by
    assert door.take(event(2), event(1, "free")) == ["too_old", "too_old"]


def test_a_clock_that_was_wrong_for_a_while_shuts_nothing_out(door: Door) -> None:
    door.take(event(1, "free"))
    door.post.clock.now_s += 3650 * DAY_S
    assert door.take(event(2)) == ["too_old"]
    door.post.clock.now_s -= 3650 * DAY_S
    assert door.take(event(1, "free"), event(2)) == ["too_old", "accepted"]


def test_what_is_kept_of_events_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "IDS_KEPT", 20)
    for number in range(60):
        door.take(event(number, "free" if number % 2 else "occupied"))
        assert door.post.store.devices.events <= 20
    assert door.take(event(59, "free"), event(0)) == ["duplicate", "too_old"]


@pytest.mark.parametrize("items", [None, {}, [], [event(1)] * 201])
def test_a_request_without_a_good_list_is_refused_whole(door: Door, items: Any) -> None:
    response = door.post.ask("telemetry", items=items)
    assert (response.status, "1 to 200" in response.error) == ("error", True)


def test_a_commit_that_fails_takes_nothing_and_the_retry_takes_all(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [event(1, "free"), event(2)]
    with monkeypatch.context() as broken:
        broken.setattr(door.post.store.books, "note", _disk_full)
        with pytest.raises(sqlite3.OperationalError):
            door.post.ask("telemetry", items=items)
    assert door.spooled() == []
    assert door.take(*items) == ["accepted", "accepted"]
    assert [each["seq"] for each in door.spooled()] == [1, 2]


def _disk_full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


EVENTS = [event(each, "free" if each % 2 else "occupied") for each in range(12)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 6), st.booleans()), max_size=10))
def test_whatever_is_repeated_each_event_is_one_record_in_order(
    post: Any, tmp_path: Path, deliveries: list[tuple[int, int, bool]]
) -> None:
    """A device that sends again from somewhere before, and a gateway that may restart."""
    post.store.close()
    for file in tmp_path.iterdir():
        file.unlink()
    post.open()
    door, known = Door(post), 0
    for begin, count, restarts in deliveries:
        first = min(begin, known)
        items = EVENTS[first : first + count]
        fresh = max(first + len(items) - known, 0)
        expected = ["duplicate"] * (len(items) - fresh) + ["accepted"] * fresh
        assert (door.take(*items) if items else []) == expected
        known += fresh
        if restarts:
            door.restart()
    spooled = door.spooled()
    assert [each["seq"] for each in spooled] == list(range(1, known + 1))
    assert [each["timestamp"] for each in spooled] == [
        each["timestamp"].replace("+00:00", ".000Z") for each in EVENTS[:known]
    ]
    with reading(post.store.path) as db:
        assert reckon(db).faults == []
