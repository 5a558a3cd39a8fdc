"""Devices: registered, changed and retired over MQTT; each spot has one who speaks for it."""

import json
from typing import Any

import pytest

from gateway.batch import Arrived
from gateway.testing import changed


def ordered(post: Any, name: str, /, **data: Any) -> dict[str, Any]:
    response = post.ask(name, **data)
    assert response.status == "ok", response.error
    return dict(response.data)


def refused(post: Any, name: str, /, **data: Any) -> str:
    response = post.ask(name, **data)
    assert response.status == "error"
    return str(response.error)


def listed(post: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ordered(post, "devices-list")["devices"]
    return found


def outcomes(post: Any, device_id: str, number: int, status: str = "occupied") -> str:
    item = {
        "device_id": device_id,
        "event_id": f"e{number}",
        "spot_id": "B1",
        "status": status,
        "timestamp": post.clock.wall().isoformat(),
    }
    (result,) = ordered(post, "telemetry", items=[item])["results"]
    while post.desk.taken:
        post.ingest.settle(post.desk.taken.pop())
    return str(result.get("reason") or result["outcome"])


def test_a_device_is_registered_changed_and_retired(post: Any) -> None:
    added = ordered(post, "device-add", device_id="cam-1", name="Ramp", spots=["B1"])
    assert added["spots"] == ["B1"]
    assert listed(post) == [added]
    changed_ = ordered(post, "device-update", device_id="cam-1", note="lens is new", spots=[])
    assert (changed_["name"], changed_["note"], changed_["spots"]) == ("Ramp", "lens is new", [])
    assert outcomes(post, "cam-1", 1) == "foreign_spot"
    ordered(post, "device-update", device_id="cam-1", spots=["B1"])
    post.restart()
    assert outcomes(post, "cam-1", 1) == "accepted"
    gone = ordered(post, "device-retire", device_id="cam-1", note="sold")
    assert (gone["retired"], gone["note"], gone["spots"]) == (
        "2026-03-01T12:00:00.000Z",
        "sold",
        [],
    )
    assert outcomes(post, "cam-1", 2) == "retired_device"
    post.restart()
    assert "cam-1" not in post.lot.presences
    assert post.look(0) == []  # who was retired is not missed
    back = ordered(post, "device-add", device_id="cam-1", spots=["B1"])
    assert (back["retired"], back["name"]) == (None, "Ramp")
    assert outcomes(post, "cam-1", 2, "free") == "accepted"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("device-add", {}, "device_id"),
        ("device-add", {"device_id": "a b"}, "device_id = 'a b'"),
        ("device-add", {"device_id": "cam-1"}, "registered already"),
        ("device-add", {"device_id": "pi-1"}, "lotkeeper gateway add-agent"),
        ("device-add", {"device_id": "cam-2", "spots": ["A1"]}, "'A1' belongs to pi-1"),
        ("device-add", {"device_id": "cam-2", "spots": ["B1"]}, "'B1' belongs to cam-1"),
        ("device-add", {"device_id": "cam-2", "spots": ["Z9"]}, "'Z9' is not in"),
        ("device-add", {"device_id": "cam-2", "silent_after_s": 1}, "silent_after_s = 1"),
        ("device-add", {"device_id": "cam-2", "name": "x" * 65}, "name = "),
        ("device-update", {"device_id": "cam-2"}, "not registered"),
        ("device-update", {"device_id": "pi-1", "spots": ["B1"]}, "lotkeeper gateway import"),
        ("device-retire", {"device_id": "cam-2"}, "not registered"),
        ("device-retire", {"device_id": "pi-1"}, "lotkeeper gateway revoke"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend(
    post: Any, name: str, data: dict[str, Any], words: str
) -> None:
    before = [ordered(post, "device-add", device_id="cam-1", spots=["B1"])]
    assert words in refused(post, name, **data)
    assert listed(post) == before


def test_an_agent_has_a_name_and_a_note(post: Any) -> None:
    named = ordered(post, "device-update", device_id="pi-1", name="Row A", note="behind the gate")
    assert (named["kind"], named["name"], named["spots"]) == ("mqtt", "Row A", [])
    assert post.ingest.spots["A1"].agent_id == "pi-1"
    post.say("occupied")
    assert post.lot.shown("A1").status.value == "occupied"
    assert "lotkeeper gateway revoke" in refused(post, "device-retire", device_id="pi-1")
    assert "lotkeeper gateway add-agent" in refused(post, "device-add", device_id="pi-1")


def test_nobody_else_speaks_for_a_devices_spot(post: Any) -> None:
    ordered(post, "device-add", device_id="cam-1", spots=["B1"])
    body = changed(1, spot_id="B1")
    topic = "parking/v1/lot-1/agents/pi-1/events"
    post.ingest.take([Arrived("pi-1", topic, json.dumps(body).encode())])
    assert post.store.letters.counts() == {"foreign_spot": 1}
    ordered(post, "device-retire", device_id="cam-1")
    post.ingest.take(
        [Arrived("pi-1", topic, json.dumps({**body, "seq": 2, "prev_seq": 1}).encode())]
    )
    assert post.ingest.believed["B1"].agent_id == "pi-1"


def test_a_device_that_is_silent_for_too_long_is_missed(post: Any) -> None:
    ordered(post, "device-add", device_id="cam-1", spots=["B1"], silent_after_s=1000)
    outcomes(post, "cam-1", 1)
    post.lot.presences["cam-1"].hears(post.clock.monotonic())
    assert "offline.cam-1" not in post.live(900)
    post.live(200)
    assert "offline.cam-1" in post.live(100)
    ordered(post, "device-retire", device_id="cam-1")
    assert post.lot.state("cam-1") == "unconfirmed"  # looking for it does not bring it back
    post.live(20)
    assert "offline.cam-1" not in post.live(20)


def test_an_order_is_done_once(post: Any) -> None:
    first = post.ask("device-add", "t", device_id="cam-1", spots=["B1"])
    assert post.ask("device-add", "t", device_id="cam-1", spots=["B1"]) == first
