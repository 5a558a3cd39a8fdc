"""What people may ask and order about alerts, over MQTT and by the command."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import GatewaySettings
from gateway.ownership import own

ID = "offline.pi-1"


@pytest.fixture
def open_alert(post: Any) -> Any:
    """A post with one open alert."""
    post.look()
    assert post.look(200) == [ID]
    return post


def test_the_open_ones_are_listed_the_worst_first(open_alert: Any) -> None:
    post = open_alert
    post.ingest.take([])
    for seq in range(1, 3):
        post.say("occupied", f"A{seq}")
    post.live(500)
    assert post.live(100) == ["full.A"]
    post.look(31)
    assert post.look(100) == [ID, "full.A"]
    listed = post.ask("alerts-list").data
    assert [each["alert_id"] for each in listed["open"]] == [ID, "full.A"]
    assert "past" not in listed
    assert len(post.ask("alerts-list", limit=1).data["open"]) == 1
    past = post.ask("alerts-list", all=True).data["past"]
    assert [(each["alert_id"], each["resolved_by"]) for each in past] == [(ID, "itself")]


def test_who_acknowledged_is_kept_and_shown(open_alert: Any) -> None:
    post = open_alert
    data = {"alert_id": ID, "by": "ann", "note": "on my way"}
    response = post.ask("alerts-acknowledge", "once", **data)
    assert response.data["acknowledged_by"] == "ann"
    post.look()
    shown = post.retained[f"alerts/{ID}"]
    assert (shown["state"], shown["notes"][0]["text"]) == ("acknowledged", "on my way")
    assert post.ask("alerts-acknowledge", "once", **data) == response
    post.restart()
    (alert,) = post.store.alerts.open
    assert [(note.by, note.text) for note in alert.notes] == [("ann", "on my way")]


def test_what_is_resolved_by_a_person_is_not_shown_and_stays_so(open_alert: Any) -> None:
    post = open_alert
    post.ask("alerts-resolve", alert_id=ID, by="ann", note="unplugged for the winter")
    assert post.look(10) == []
    assert post.shown() == []
    post.restart()
    assert post.look(1000) == post.look(1000) == []
    (past,) = post.ask("alerts-list", all=True).data["past"]
    assert past["resolved_by"] == "ann"
    post.live(1, "free")
    post.live(11, "free")
    post.look(31)
    assert post.look(91) == [ID]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("alerts-acknowledge", {}, "alert_id = None: an alert's id; ask alerts-list"),
        ("alerts-resolve", {"alert_id": "offline.pi-9"}, "no open alert 'offline.pi-9'"),
        ("alerts-note", {"alert_id": ID}, "note is missing"),
        ("alerts-note", {"alert_id": ID, "note": "x" * 501}, "at most 500 characters"),
        ("alerts-note", {"alert_id": ID, "note": "x", "by": 7}, "by = 7"),
        ("alerts-list", {"limit": 0}, "limit = 0"),
        ("spot-vehicle", {"spot_id": "Z9", "kinds": []}, "spot_id = 'Z9'"),
        ("spot-vehicle", {"spot_id": "A1", "kinds": ["bus"]}, "kinds = ['bus']"),
        ("spot-vehicle", {"spot_id": "A1", "kinds": []}, "nobody stands there"),
    ],
)
def test_the_refusal_names_the_field_and_the_mend(
    open_alert: Any, name: str, data: dict[str, Any], told: str
) -> None:
    response = open_alert.ask(name, **data)
    assert response.status == "error"
    assert told in response.error


def test_a_vehicle_without_a_claim_is_told_until_it_leaves(post: Any) -> None:
    """Red where what was said of one vehicle counts for the next."""
    body = post.settings.model_dump()
    body["spots"][0]["kinds"] = ["ev"]
    post.settings = GatewaySettings.model_validate(body)
    post.restart()
    post.say("occupied")
    assert post.ask("spot-vehicle", spot_id="A1", kinds=["permit"]).status == "ok"
    assert post.live() == post.live(100) == []
    assert post.live(25) == ["ineligible.A1"]
    post.restart()
    assert post.live() == ["ineligible.A1"]
    post.say("free")
    assert post.live(5, "free") == []
    post.clock.now_s += 60
    post.say("occupied")
    assert post.live() == post.live(200) == []


def test_each_sensors_score_is_told_with_its_parts(post: Any) -> None:
    post.say("occupied")
    post.beat(quality="no_echo")
    one, other, unheard = post.ask("sensors").data["sensors"]
    assert (one["spot_id"], one["score"]) == ("A1", 80)
    assert {"name": "quality", "points": 0, "of": 20, "why": "no_echo"} in one["parts"]
    assert (other["score"], other["parts"], unheard["score"]) == (None, [], None)


# The command -----------------------------------------------------------------------------------


@pytest.fixture
def run(open_alert: Any) -> Any:
    """The command on the file of a stopped gateway."""
    path = open_alert.settings.store.path.with_name("gateway.toml")
    path.write_text(
        'facility_id = "f1"\nlot_id = "lot-1"\n[mqtt]\nport = 1\n'
        f'[store]\npath = "{open_alert.settings.store.path}"\n[[zones]]\nzone_id = "A"\n'
    )

    def ran(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, ["alerts", *words, "-c", str(path)])
        assert done.exit_code == status, done.output
        return done.output

    return ran


def test_the_command_lists_beside_the_gateway_and_orders_by_whoever_owns_the_file(
    open_alert: Any, run: Any
) -> None:
    assert run("list").startswith(f"{ID:<24} critical raised")
    (listed,) = json.loads(run("list", "--json"))["open"]
    assert listed["alert_id"] == ID
    open_alert.store.close()
    done = json.loads(run("acknowledge", ID, "--by", "ann", "--note", "seen", "--json"))
    assert (done["acknowledged_by"], done["done_by"]) == ("ann", "the file of the stopped gateway")
    assert "ann: seen" in run("list")
    assert "fuse 3" in run("note", ID, "fuse 3", "--by", "bob")
    assert "resolved" in run("resolve", ID, "--by", "ann")
    assert run("list") == "no open alerts\n"
    assert ID in run("list", "--all")
    assert "no open alert" in run("note", ID, "late", status=1)
    open_alert.open()


def test_the_command_says_where_nobody_answers(open_alert: Any, run: Any) -> None:
    with own(open_alert.settings.store.path):
        assert "no broker at 127.0.0.1:1" in run("acknowledge", ID, status=1)
