"""Telemetry over HTTP: answered when it is committed, once however often it is sent."""

import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from console.tokens import Scope, Tokens, speaks_for
from gateway.tools.reading import reading
from gateway.tools.reconcile import reckon
from runtime.mqtt import Handlers, Link, MqttSettings

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def lot(make_site, tmp_path_factory: pytest.TempPathFactory, broker) -> Iterator[Any]:
    """A lot of its own with cam-1 at B1."""
    quiet = "[metrics]\nport = 0\n"
    made = make_site(tmp_path_factory.mktemp("door") / "lot", broker[1], more=quiet)
    yield made
    made.stop()
    made.close()


@pytest.fixture(scope="module")
def console(lot, console_over, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    consoles = console_over(tmp_path_factory.mktemp("console"), lot)
    made = next(consoles)
    live = made.desk.lots[lot.lot_id].live
    live.order("device-add", {"device_id": "cam-1", "spots": ["B1"]}, uuid.uuid4().hex)
    mine = [f"{lot.lot_id}/cam-1"]
    made.tokens[Scope.DEVICE] = made.desk.tokens.add("cams", Scope.DEVICE, devices=mine)
    yield made
    next(consoles, None)


class Camera:
    """A device whose events are each later than the one before, and change the status."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self.is_there = False

    def event(self, **fields: Any) -> dict[str, Any]:
        self.at += timedelta(milliseconds=1)
        self.is_there = not self.is_there
        return {
            "device_id": "cam-1",
            "event_id": uuid.uuid4().hex,
            "spot_id": "B1",
            "status": "occupied" if self.is_there else "free",
            "timestamp": self.at.isoformat(),
            **fields,
        }


@pytest.fixture(scope="module")
def camera() -> Camera:
    return Camera()


def post(console, lot, path: str, body: Any, scope: Scope = Scope.DEVICE):
    url = f"/api/v1/lots/{lot.lot_id}/telemetry{path}"
    return console.http.post(url, json=body, headers=console.headers(scope))


def bulk(console, lot, *items: Any) -> dict[str, Any]:
    response = post(console, lot, "/bulk", {"items": items})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def times(found: list[dict[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(each["timestamp"]) for each in found]


def records(lot) -> list[dict[str, Any]]:
    """What the gateway would forward of B1, in order."""
    rows = lot.store.read(0, 100_000, 100_000_000)
    return [body for row in rows if (body := json.loads(row.payload))["spot_id"] == "B1"]


def test_one_item_is_committed_when_it_is_answered(console, lot, camera: Camera) -> None:
    event = camera.event()
    taken = post(console, lot, "", event).json()
    assert (taken["outcome"], taken["event_id"]) == ("accepted", event["event_id"])
    assert records(lot)[-1]["event_id"] == taken["record"]
    assert console.read(f"/lots/{lot.lot_id}/spots/B1")["status"] == "occupied"
    again = post(console, lot, "", event).json()
    assert (again["outcome"], again["record"]) == ("duplicate", None)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"timestamp": "2999-01-01T00:00:00Z"}, 409, "future: "),
        ({"timestamp": "2001-01-01T00:00:00Z"}, 409, "too_old: "),
        ({"spot_id": "A1"}, 409, "foreign_spot: A1 is no spot of cam-1"),
        ({"device_id": "cam-2"}, 403, "not made for the device 'cam-2'"),
        ({"status": "closed"}, 422, "body.status"),
        ({"timestamp": "2026-03-01T12:00:00"}, 422, "body.timestamp"),
        ({"more": 1}, 422, "body.more"),
    ],
)
def test_what_is_wrong_is_refused(
    console, lot, camera: Camera, fields: dict[str, Any], status: int, words: str
) -> None:
    before = len(records(lot))
    refused = post(console, lot, "", camera.event(**fields))
    assert refused.status_code == status
    assert words in refused.json()["detail"]
    assert len(records(lot)) == before


def test_an_administrator_speaks_for_all_and_an_operator_for_none(
    console, lot, camera: Camera
) -> None:
    event = camera.event(device_id="cam-2")
    refused = post(console, lot, "", event, Scope.ADMIN)
    assert (refused.status_code, refused.json()["detail"][:15]) == (409, "unknown_device:")
    assert post(console, lot, "", event, Scope.OPERATOR).status_code == 403


def test_each_item_of_a_bulk_is_answered_for_itself(console, lot, camera: Camera) -> None:
    first, second = camera.event(), camera.event()
    bad = [{"device_id": 7}, camera.event(device_id="cam-2"), camera.event(spot_id="A1")]
    told = bulk(console, lot, first, *bad, second, first)
    assert [each["outcome"] for each in told["items"]] == [
        "accepted",
        *["refused"] * 3,
        "accepted",
        "duplicate",
    ]
    assert [each["reason"] for each in told["items"][1:4]] == [
        "invalid",
        "not_yours",
        "foreign_spot",
    ]
    assert "event_id: Field required" in told["items"][1]["detail"]
    assert (told["accepted"], told["refused"], told["duplicate"]) == (2, 3, 1)
    mine = [each["record"] for each in told["items"] if each["record"]]
    assert [each["event_id"] for each in records(lot)[-2:]] == mine


def test_parts_of_a_bulk_stay_in_order(console, lot, camera: Camera) -> None:
    before = len(records(lot))
    items = [camera.event() for _ in range(450)]
    assert bulk(console, lot, *items)["accepted"] == 450
    assert times(records(lot)[before:]) == times(items)
    assert bulk(console, lot, *items)["duplicate"] == 450
    assert len(records(lot)) == before + 450


@pytest.mark.parametrize("items", [[], [{}] * 1001, {}, [1]])
def test_a_bulk_that_is_none_is_refused(console, lot, items: Any) -> None:
    assert post(console, lot, "/bulk", {"items": items}).status_code == 422


def test_whom_a_token_speaks_for(tmp_path: Path, console) -> None:
    tokens: Tokens = console.desk.tokens
    found = tokens.find(tokens.add("two", Scope.DEVICE, devices=["lot-1/cam-1", "lot-2/*"]))
    assert found is not None
    mine = tokens.devices_of(found)
    assert speaks_for(mine, "lot-1", "cam-1")
    assert speaks_for(mine, "lot-2", "any")
    assert not speaks_for(mine, "lot-1", "cam-2")
    for bad in ("cam-1", "lot-1/", "*/*", "lot-1/cam 1"):
        with pytest.raises(ValueError, match="LOT/DEVICE"):
            tokens.add("bad", Scope.DEVICE, devices=[bad])


def test_what_a_silent_gateway_did_not_answer_is_taken_once(console, lot, camera: Camera) -> None:
    """It may find the request at the broker when it starts, as well as the one that comes again."""
    event = camera.event()
    lot.stop()
    try:
        refused = post(console, lot, "", event)
        assert refused.status_code == 504
        assert "is it running" in refused.json()["detail"]
        assert post(console, lot, "/bulk", {"items": [event]}).status_code == 504
    finally:
        lot.open()
    told = bulk(console, lot, event)
    assert told["accepted"] + told["duplicate"] == 1
    assert times(records(lot)).count(*times([event])) == 1


class Killer:
    """Kills a process in the moment in which the gateway answers a part of its bulk."""

    def __init__(self, lot, at_part: int) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._left = at_part
        mqtt = MqttSettings(port=lot.settings.mqtt.port, protocol="3.1.1")
        self.ready = threading.Event()
        self._topic = lot.topics.response("telemetry")
        handlers = Handlers(message=self._hear, connected=self._subscribe)
        self.link = Link(mqtt, f"killer-{uuid.uuid4().hex[:8]}", handlers, clean=True)

    def __enter__(self) -> "Killer":
        self.link.start()
        assert self.ready.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.link.stop()

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(self._topic)
        self.ready.set()

    def _hear(self, message: object) -> None:
        self._left -= 1
        if not self._left and self.process is not None:
            self.process.kill()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("at_part", [1, 3, 5])
def test_a_console_killed_in_a_bulk_leaves_nothing_half_done(
    lot, camera: Camera, console, tmp_path: Path, free_port: int, at_part: int
) -> None:
    config = written(tmp_path, lot, console, free_port)
    url = f"http://127.0.0.1:{free_port}/api/v1"
    token = console.desk.tokens.add("cams", Scope.DEVICE, devices=[f"{lot.lot_id}/*"])
    items, before = [camera.event() for _ in range(1000)], len(records(lot))

    def send() -> httpx.Response:
        return httpx.post(
            f"{url}/lots/{lot.lot_id}/telemetry/bulk",
            json={"items": items},
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE_S,
        )

    with Killer(lot, at_part) as killer, served(config, url) as killer.process:
        with suppress(httpx.TransportError):  # killed behind the last part, it may have answered
            send()
        killer.process.wait(PATIENCE_S)
    assert (len(records(lot)) - before) % 200 == 0  # a part is whole or is not

    with served(config, url):
        told = send().json()
    assert told["accepted"] + told["duplicate"] == 1000
    assert told["duplicate"] >= at_part * 200
    assert times(records(lot)[before:]) == times(items)
    with reading(lot.settings.store.path) as db:
        assert reckon(db).faults == []


@pytest.mark.timeout(180)
def test_a_gateway_killed_in_a_bulk_is_told_the_rest_again(console, lot, camera: Camera) -> None:
    items, before = [camera.event() for _ in range(1000)], len(records(lot))
    command = [sys.executable, "-m", "lotkeeper", "gateway", "run", "-c", lot.config]
    lot.stop()
    try:
        with Killer(lot, 2) as killer:
            killer.process = process = subprocess.Popen(command)
            while not console.read(f"/lots/{lot.lot_id}")["gateway_heard"]:
                assert process.poll() is None
            told = bulk(console, lot, *items)
            process.wait(PATIENCE_S)
        outcomes = [each["outcome"] for each in told["items"]]
        assert outcomes == ["accepted"] * told["accepted"] + ["no_answer"] * told["no_answer"]
        assert told["accepted"] % 200 == 0
        assert told["no_answer"] >= 400
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        lot.open()
    again = bulk(console, lot, *items)
    assert again["accepted"] + again["duplicate"] == 1000
    assert again["duplicate"] >= told["accepted"]
    assert times(records(lot)[before:]) == times(items)


def written(folder: Path, lot, console, port: int) -> Path:
    path = folder / "console.toml"
    path.write_text(
        f'[http]\nport = {port}\n[store]\npath = "{console.settings.store.path}"\n'
        f'[rate]\npath = "{folder}/rate.db"\n[[lots]]\ngateway = "{lot.config}"\n'
    )
    return path


@contextmanager
def served(config: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "lotkeeper", "console", "run", "-c", config])
    try:
        reached(f"{url}/health")
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@retry(
    retry=retry_if_exception_type(httpx.ConnectError),
    stop=stop_after_delay(PATIENCE_S),
    wait=wait_fixed(0.05),
)
def reached(url: str) -> None:
    httpx.get(url, timeout=PATIENCE_S)
