"""What people change: through the gateway, once, audited, and only with the scope for it."""

import json
import threading
from typing import Any

import pytest

from console.tokens import Scope


def post(console, path: str, body: Any = None, scope=Scope.OPERATOR, key: str = ""):
    headers = console.headers(scope) | ({"Idempotency-Key": key} if key else {})
    return console.http.post(f"/api/v1{path}", json={} if body is None else body, headers=headers)


@pytest.fixture
def alert_id(site, console) -> str:
    """Two holders of pi-1's identity take turns: an alert of the gateway itself."""
    for session in ("s1", "s2", "s1"):
        site.beat(session)
    site.await_shown(site.topics.alert("clone.pi-1"), "kind", "clone")
    return "clone.pi-1"


def test_an_alert_is_acknowledged_noted_once_a_key_and_resolved(
    console, site, alert_id: str
) -> None:
    path = f"/lots/{site.lot_id}/alerts/{alert_id}"
    assert console.read("/alerts", lot=site.lot_id)["items"][0]["state"] == "raised"
    assert console.read("/summary")["open_alerts"]["critical"] == 1

    seen = post(console, f"{path}/acknowledge", {"note": "on my way"}).json()
    assert (seen["state"], seen["acknowledged_by"]) == ("acknowledged", "operator")
    noted = post(console, f"{path}/notes", {"note": "fuse 3 is out"}).json()
    assert [each["text"] for each in noted["notes"]] == ["on my way", "fuse 3 is out"]
    assert console.read("/alerts", state="acknowledged", lot=site.lot_id)["total"] == 1

    same = [post(console, f"{path}/notes", {"note": "once"}, key="k-1").json() for _ in range(2)]
    assert same[0] == same[1]
    other = post(console, f"{path}/notes", {"note": "once"}, key="k-2").json()
    assert [each["text"] for each in other["notes"]].count("once") == 2

    ended = post(console, f"{path}/resolve", {"note": "card replaced"}).json()
    assert (ended["state"], ended["resolved_by"]) == ("resolved", "operator")
    site.await_shown(site.topics.alert(alert_id), "kind", None)
    assert console.read("/alerts", lot=site.lot_id)["total"] == 0
    assert console.read("/alerts", lot=site.lot_id, past=True)["items"][0]["alert_id"] == alert_id
    again = post(console, f"{path}/acknowledge")
    assert again.status_code == 409
    assert alert_id in again.json()["detail"]

    log = console.get("/audit", Scope.ADMIN).json()["items"]
    mine = [each for each in log if each["data"].get("alert_id") == alert_id]
    assert [(each["action"], each["outcome"][:7]) for each in reversed(mine)] == [
        ("alerts-acknowledge", "done"),
        *[("alerts-note", "done")] * 4,
        ("alerts-resolve", "done"),
        ("alerts-acknowledge", "refused"),
    ]
    assert {each["who"] for each in mine} == {"operator"}


def test_a_spot_is_closed_and_opened(console, site) -> None:
    path = f"/lots/{site.lot_id}/spots/A2"
    assert post(console, f"{path}/close", {"note": "paint"}).json()["status"] == "closed"
    assert console.read(path)["status"] == "closed"
    assert console.read(f"/lots/{site.lot_id}")["closed"] == 1
    assert post(console, f"{path}/open").json()["status"] == "open"
    assert console.read(path)["status"] == "free"


@pytest.mark.parametrize("body", [{"note": "x" * 501}, {"n": "x"}, {"note": ""}, {"note": " "}])
def test_a_wrong_note_is_refused(console, site, body: dict[str, str]) -> None:
    refused = post(console, f"/lots/{site.lot_id}/alerts/a/notes", body)
    assert refused.status_code == 422
    assert refused.json()["faults"][0]["where"].startswith("body.")


def test_a_silent_gateway_changes_nothing_and_the_audit_says_so(console, silent) -> None:
    refused = post(console, f"/lots/{silent.lot_id}/spots/A1/close")
    assert refused.status_code == 504
    assert "is it running?" in refused.json()["detail"]
    newest = console.get("/audit", Scope.ADMIN, limit=1).json()["items"][0]
    assert (newest["lot_id"], newest["outcome"]) == (silent.lot_id, "no_answer")


def test_a_viewer_changes_nothing(console, site) -> None:
    before = console.get("/audit", Scope.ADMIN).json()["total"]
    path = f"/lots/{site.lot_id}/spots/A1/close"
    assert post(console, path, scope=Scope.VIEWER).status_code == 403
    assert console.get("/audit", Scope.ADMIN).json()["total"] == before
    assert console.read(f"/lots/{site.lot_id}/spots/A1")["status"] == "occupied"


class Heard(threading.Thread):
    """Who listens to the stream of events, until one is the wanted."""

    def __init__(self, console, kind: str, lot: str) -> None:
        super().__init__(daemon=True)
        self.console, self.kind, self.lot = console, kind, lot
        self.began = threading.Event()
        self.found: dict[str, Any] = {}

    def run(self) -> None:
        headers = self.console.headers(Scope.VIEWER)
        url = f"/api/v1/events?lot={self.lot}"
        with self.console.http.stream("GET", url, headers=headers) as response:
            kind = ""
            for line in response.iter_lines():
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: ") and kind == "hello":
                    self.began.set()
                elif line.startswith("data: ") and kind == self.kind:
                    self.found = json.loads(line.removeprefix("data: "))
                    return


def test_a_change_is_pushed_and_what_was_kept_is_dropped(make_console, site) -> None:
    console = make_console(live={"cache_s": 60, "timeout_s": 3})
    listener = Heard(console, "spot", site.lot_id)
    listener.start()
    assert listener.began.wait(10)
    assert console.read(f"/lots/{site.lot_id}/spots/A2")["status"] == "free"
    site.say("A2", "occupied")
    listener.join(10)
    assert listener.found["lot_id"] == site.lot_id
    assert console.read(f"/lots/{site.lot_id}/spots/A2")["status"] == "occupied"
    site.say("A2", "free")


def test_two_processes_serve_the_same(make_console, site) -> None:
    one, other = make_console(), make_console()
    path = f"/lots/{site.lot_id}/spots/A2"
    assert post(one, f"{path}/close").status_code == 200
    token = other.tokens[Scope.ADMIN]
    one.tokens[Scope.ADMIN] = token
    assert one.get("/audit", Scope.ADMIN).json() == other.get("/audit", Scope.ADMIN).json()
    assert other.read(path)["status"] == "closed"
    assert post(other, f"{path}/open").status_code == 200
    site.await_shown(site.topics.spot("A2"), "status", "free")
