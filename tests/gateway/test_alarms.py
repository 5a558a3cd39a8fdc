"""Alerts on a real store and lot: what is looked at, kept over restarts, written, and shown."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.batch import Arrived
from gateway.facts import Gatherer
from gateway.testing import START, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"
LONG = 3600.0 + 600.0
"""Zone A's longest stay, and the grace."""


def test_an_agent_that_falls_silent_is_told_once_and_resolved(post: Any) -> None:
    post.beat("free")
    assert post.look() == post.look(30.5) == post.look(89) == []
    assert post.look(2) == ["offline.pi-1"]
    alert = post.retained["alerts/offline.pi-1"]
    assert (alert["severity"], alert["state"], alert["agent_id"]) == ("critical", "raised", "pi-1")
    assert "its 2 spots are unknown" in alert["text"]
    post.beat("free")
    assert post.look(1) == ["offline.pi-1"]
    post.beat("free")
    assert post.look(11) == []
    assert post.retained["alerts/offline.pi-1"] is None


def test_an_overstay_is_told_when_a_live_reading_has_verified_it(post: Any) -> None:
    post.say("occupied")
    post.beat()
    assert post.look(LONG + 1) == []  # the newest reading is of the arrival
    assert post.live(status="free") == []  # a departure that was missed
    assert post.live() == ["overstay.A1"]
    alert = post.retained["alerts/overstay.A1"]
    assert alert["since"] == START.isoformat().replace("+00:00", "Z")
    post.say("free")
    assert post.look(5) == []


def test_a_stay_outlasts_restarts_and_whiles_in_which_nothing_was_known(post: Any) -> None:
    """Red where the arrival is not kept, or an `occupied` behind `unknown` is an arrival."""
    post.say("occupied")
    post.clock.now_s += 1000
    post.say("unknown", previous="occupied")
    post.restart()
    post.clock.now_s += 1000
    post.say("occupied", previous="occupied")
    post.restart()
    assert post.ingest.believed["A1"].since == START + timedelta(seconds=2000)
    assert post.live(LONG - 2001) == []
    assert post.live() == ["overstay.A1"]
    assert post.retained["alerts/overstay.A1"]["since"] == START.isoformat().replace("+00:00", "Z")


def test_the_next_vehicle_begins_a_stay_of_its_own(post: Any) -> None:
    post.say("occupied")
    post.clock.now_s += LONG
    post.say("free")
    post.say("occupied")
    post.beat()
    assert post.look(1) == []
    assert post.ingest.believed["A1"].arrived == START + timedelta(seconds=LONG)


def test_a_vehicle_that_came_while_the_spot_was_unknown_is_another(post: Any) -> None:
    post.say("occupied")
    post.say("unknown", previous="occupied")
    post.clock.now_s += 100
    post.say("occupied", previous="free")
    assert post.ingest.believed["A1"].arrived == START + timedelta(seconds=100)


BACKLOGS = {
    "it never left": (["occupied", "unknown", "occupied"], "occupied", 0),
    "another came": (["occupied", "free", "occupied"], "free", 2000),
}


@pytest.mark.parametrize("known_before", [True, False])
@pytest.mark.parametrize("case", BACKLOGS)
def test_a_snapshot_that_overtook_the_backlog_does_not_hide_the_arrival(
    post: Any, case: str, known_before: bool
) -> None:
    """Red where the records behind a snapshot are not looked at, or what was known is forgotten."""
    statuses, previous, arrived_s = BACKLOGS[case]
    backlog = [
        changed(n + 1, status, timestamp=(START + timedelta(seconds=1000 * n)).isoformat())
        for n, status in enumerate(statuses)
    ]
    backlog[1]["previous"], backlog[2]["previous"] = "occupied", previous
    snapshot = {**backlog[2], "type": "snapshot"}
    del snapshot["previous"], snapshot["prev_seq"]
    post.clock.now_s += 3000
    first = [backlog[0]] if known_before else []
    for body in (*first, snapshot, snapshot, *backlog[len(first) :]):
        post.ingest.take([Arrived("pi-1", EVENTS, json.dumps(body).encode())])
    assert post.ingest.believed["A1"].arrived == START + timedelta(seconds=arrived_s)
    post.restart()
    assert post.ingest.believed["A1"].arrived == START + timedelta(seconds=arrived_s)


def test_alerts_stand_over_a_restart_and_are_shown_again(post: Any) -> None:
    post.say("occupied")
    assert post.live(LONG + 1) == ["overstay.A1"]
    before = post.retained.pop("alerts/overstay.A1")
    post.restart()
    post.displays.owe_all()
    assert post.look() == ["overstay.A1"]
    assert post.retained["alerts/overstay.A1"] == before
    post.say("free")
    assert post.look(5) == []
    assert post.retained["alerts/overstay.A1"] is None


def test_nothing_is_written_while_nothing_changes(post: Any) -> None:
    post.say("occupied")
    assert post.live(LONG + 1) == ["overstay.A1"]
    before = post.store.db.total_changes
    for _ in range(20):
        assert post.live() == ["overstay.A1"]
    assert post.store.db.total_changes == before


def test_what_an_earlier_gateway_left_on_the_broker_is_ended(post: Any) -> None:
    post.retained = {"alerts/overstay.A2": {"text": "of a store that is gone"}}
    post.store.alerts.disown("overstay.A2")
    post.look()
    assert post.shown() == []


def test_what_is_open_is_not_ended_because_it_was_heard(post: Any) -> None:
    post.look()
    post.look(200)
    assert post.shown() == ["alerts/offline.pi-1"]
    post.store.alerts.disown("offline.pi-1")
    post.look()
    assert post.shown() == ["alerts/offline.pi-1"]


def test_refused_data_are_told_while_they_are_new(post: Any) -> None:
    post.ingest.take([Arrived("pi-1", EVENTS, b"{not json")])
    assert post.live(60) == ["invalid.pi-1"]
    assert "1 messages or records" in post.retained["alerts/invalid.pi-1"]["text"]
    post.restart()
    for _ in range(58):
        assert post.live(60, "free") == ["invalid.pi-1"]
    assert post.live(120, "free") == []


def test_how_far_an_agents_clock_is_off_is_reckoned_at_its_heartbeat(post: Any) -> None:
    """Red where the heartbeat's age counts as an error of the clock."""
    post.say("occupied")
    post.beat()
    told = post.clock.wall() - timedelta(seconds=200)
    post.lot.healths["pi-1"] = post.lot.healths["pi-1"].model_copy(update={"time": told})
    post.clock.now_s += 60
    facts = Gatherer(post.lot).facts(linked=True)
    assert facts.agents["pi-1"].clock_off_s == -200


def test_a_rule_that_is_turned_off_leaves_no_alert(post: Any, tmp_path: Path) -> None:
    post.look()
    assert post.look(200) == ["offline.pi-1"]
    post.settings = lot_settings(tmp_path, alerts={"offline": {"enabled": False}})
    post.restart()
    assert post.look() == []
    (over,) = post.store.alerts.past(10)
    assert over.resolved_by == "configuration"


def test_only_so_many_that_are_over_are_kept(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.alertbook.ALERTS_KEPT", 3)
    for _ in range(6):
        post.live()
        assert post.live(20) == []
        post.look(120)
        assert post.look(120) == ["offline.pi-1"]
    post.live()
    post.live(20)
    rows = post.store.db.execute("SELECT over FROM alerts ORDER BY over").fetchall()
    assert rows == [(1,), (1,), (1,)]
    assert len(post.store.alerts.past(10)) == 3
