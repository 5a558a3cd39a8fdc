"""Devices over the API: registered, changed and retired by the gateway, for good."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from console.tokens import Scope


@pytest.fixture(scope="module")
def lot(make_site, tmp_path_factory: pytest.TempPathFactory, broker) -> Iterator[Any]:
    made = make_site(tmp_path_factory.mktemp("devices") / "lot", broker[1])
    made.beat()
    made.say("A1", "free")
    yield made
    made.stop()
    made.close()


@pytest.fixture(scope="module")
def console(lot, console_over, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    consoles = console_over(tmp_path_factory.mktemp("console"), lot)
    yield next(consoles)
    next(consoles, None)


def ask(console, lot, method: str, path: str, body: Any, key: str = "", scope=Scope.ADMIN):
    headers = console.headers(scope) | ({"Idempotency-Key": key} if key else {})
    url = f"/api/v1/lots/{lot.lot_id}/{path}"
    return console.http.request(method, url, json=body, headers=headers)


def done(console, lot, method: str, path: str, body: Any, key: str = "") -> dict[str, Any]:
    response = ask(console, lot, method, path, body, key)
    assert response.is_success, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_device_lives_and_is_retired(console, lot) -> None:
    new = {"device_id": "cam-1", "name": "Ramp", "spots": ["B1"], "silent_after_s": 600}
    made = ask(console, lot, "POST", "devices", new)
    assert made.status_code == 201
    assert (made.json()["kind"], made.json()["state"]) == ("http", "unconfirmed")
    assert (made.json()["spots"], made.json()["zones"], made.json()["floors"]) == (
        ["B1"],
        ["B"],
        [2],
    )
    assert console.read(f"/lots/{lot.lot_id}/spots/B1")["agent_id"] == "cam-1"
    assert console.read("/devices", zone="B")["items"] == [made.json()]

    event = {"device_id": "cam-1", "event_id": "1", "spot_id": "B1", "status": "free"}
    event["timestamp"] = datetime.now(UTC).isoformat()
    assert done(console, lot, "POST", "telemetry", event)["outcome"] == "accepted"
    lot.await_shown(lot.topics.spot("B1"), "status", "free")
    online = console.read(f"/lots/{lot.lot_id}/devices/cam-1")
    assert (online["state"], online["accepted_records"], online["clock"]) == ("online", 1, None)
    assert console.read("/summary")["devices_online"] == 2

    changed = done(console, lot, "PATCH", "devices/cam-1", {"note": "new lens"})
    assert (changed["name"], changed["note"], changed["spots"]) == ("Ramp", "new lens", ["B1"])

    gone = done(console, lot, "POST", "devices/cam-1/retire", {"note": "sold"})
    assert (gone["state"], gone["note"], gone["spots"]) == ("retired", "sold", [])
    assert datetime.fromisoformat(gone["retired"]).date() == datetime.now(UTC).date()
    lot.await_shown(lot.topics.spot("B1"), "reason", "unconfirmed")
    assert [each["agent_id"] for each in console.read("/devices")["items"]] == ["pi-1"]
    assert console.read("/devices", state="retired")["items"] == [gone]
    assert console.read("/summary")["devices_offline"] == 0
    event |= {"event_id": "2", "timestamp": datetime.now(UTC).isoformat()}
    refused = ask(console, lot, "POST", "telemetry", event)
    assert "retired_device" in refused.json()["detail"]

    log = console.get("/audit", Scope.ADMIN).json()["items"]
    assert [(each["action"], each["who"], each["outcome"]) for each in reversed(log)] == [
        ("device-add", "admin", "done"),
        ("device-update", "admin", "done"),
        ("device-retire", "admin", "done"),
    ]


def test_an_agent_is_named_and_no_more(console, lot) -> None:
    named = done(console, lot, "PATCH", "devices/pi-1", {"name": "Row A"})
    assert (named["kind"], named["name"], named["state"]) == ("mqtt", "Row A", "online")
    for method, path, body, words in (
        ("PATCH", "devices/pi-1", {"spots": []}, "lotkeeper gateway import"),
        ("POST", "devices/pi-1/retire", {}, "lotkeeper gateway revoke"),
        ("POST", "devices", {"device_id": "pi-1"}, "lotkeeper gateway add-agent"),
        ("POST", "devices", {"device_id": "pi-9", "kind": "mqtt"}, "gateway add-agent pi-9"),
    ):
        refused = ask(console, lot, method, path, body)
        assert (refused.status_code, words in refused.json()["detail"]) == (409, True), path


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "devices", {}, 422, "body.device_id"),
        ("POST", "devices", {"device_id": "a b"}, 422, "body.device_id"),
        ("POST", "devices", {"device_id": "c", "silent_after_s": 1}, 422, "silent_after_s"),
        ("POST", "devices", {"device_id": "c", "spots": ["A1"]}, 409, "belongs to pi-1"),
        ("POST", "devices", {"device_id": "c", "spots": ["Z9"]}, 409, "'Z9' is not in"),
        ("PATCH", "devices/cam-9", {"name": "x"}, 404, "'cam-9': not heard of"),
        ("POST", "devices/cam-9/retire", {}, 404, "'cam-9': not heard of"),
    ],
)
def test_what_cannot_be_is_refused(
    console, lot, method: str, path: str, body: Any, status: int, words: str
) -> None:
    refused = ask(console, lot, method, path, body)
    assert (refused.status_code, words in refused.json()["detail"]) == (status, True)


def test_a_key_registers_once(console, lot) -> None:
    first, again = (done(console, lot, "POST", "devices", {"device_id": "c-2"}, "k") for _ in "ab")
    assert first == again
    other = ask(console, lot, "POST", "devices", {"device_id": "c-2"}, "another")
    assert (other.status_code, "registered already" in other.json()["detail"]) == (409, True)


def test_a_restarted_gateway_knows_them(console, lot) -> None:
    done(console, lot, "POST", "devices", {"device_id": "c-3", "name": "Third"})
    lot.stop()
    try:
        silent = console.read(f"/lots/{lot.lot_id}/devices/c-3")
        assert (silent["name"], silent["state"]) == ("Third", "gateway_silent")
    finally:
        lot.open()
    assert done(console, lot, "PATCH", "devices/c-3", {"note": "n"})["name"] == "Third"


def test_an_operator_registers_nothing(console, lot) -> None:
    refused = ask(console, lot, "POST", "devices", {"device_id": "c-4"}, scope=Scope.OPERATOR)
    assert refused.status_code == 403
