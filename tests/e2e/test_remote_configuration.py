"""A desired configuration on a real agent, gateway and broker: applied, refused, rolled back.

The agent's process is started again when it is killed, as systemd would; nothing else restarts it.
"""

import json
import tomllib
from pathlib import Path

import pytest

from agent.remote import kept_path
from agent.trial import Kept
from tests.e2e.town import DEAD, GOOD, PARKED, Town, log_of, spot

pytestmark = pytest.mark.timeout(180)  # three processes started, trials waited for


def test_a_good_one_is_applied_and_the_store_goes_on(town: Town, tmp_path: Path) -> None:
    epoch, seqs = town.epoch_and_seqs()
    pid = town.agent.pid
    revision = town.desire(GOOD)
    found = town.ends(revision)
    assert (found["state"], found["reported"], found["drift"]) == ("applied", revision, False)
    town.until(lambda: town.status("A2") == "occupied")
    assert town.status("A1") == "free"
    assert town.agent.pid == pid
    assert town.agent.running
    epoch_after, seqs_after = town.epoch_and_seqs()
    assert epoch_after == epoch
    assert seqs_after[: len(seqs)] == seqs
    assert seqs_after == list(range(1, len(seqs_after) + 1))
    assert list(tmp_path.glob("agent.db.damaged*")) == []
    assert town.kept.good
    assert (town.kept.good.revision, town.kept.trial) == (revision, None)


def test_what_an_agent_refuses_is_named_and_changes_nothing(town: Town) -> None:
    pid, seqs = town.agent.pid, town.epoch_and_seqs()
    bad = spot("A1")
    bad["detector"]["dwell_on_s"] = -1
    found = town.ends(town.desire({"spots": [bad]}))
    assert found["state"] == "refused"
    assert "spots.0.detector.ranging.dwell_on_s = -1" in found["reason"]
    assert found["reported"] is None
    assert found["drift"]
    assert (town.agent.pid, town.epoch_and_seqs()) == (pid, seqs)


REFUSED = [
    ({"mqtt": {"host": "evil"}}, "config.mqtt is not changed from afar: a wrong broker"),
    ({"spool": {"path": "/x"}}, "config.spool is not changed from afar: the store is never moved"),
    ({"agent_id": "pi-9"}, "config.agent_id is not changed from afar"),
    ({"spots": [spot("Z9")]}, "config.spots.0.spot_id = 'Z9': not in the lot's layout"),
    ({"spots": [spot("B1")]}, "config.spots.0.spot_id = 'B1': the layout gives it to pi-2"),
]


def test_what_the_gateway_refuses_is_named(town: Town) -> None:
    for config, told in REFUSED:
        assert told in town.refusal("config-set", agent_id="pi-1", config=config)
    assert "there are pi-1, pi-2" in town.refusal("config-set", agent_id="pi-7", config={})
    assert "trial_s = 1" in town.refusal("config-set", agent_id="pi-1", config={}, trial_s=1)
    assert town.kept == Kept()


def test_a_sensor_that_never_answers_is_rolled_back(town: Town) -> None:
    first = town.desire(GOOD)
    town.ends(first)
    found = town.ends(town.desire(DEAD, trial_s=5))
    assert (found["state"], found["reason"]) == ("rolled_back", "no reading of A2 within 5 s")
    assert found["reported"] == first
    town.until(lambda: town.status("A2") == "occupied")
    assert town.kept.trial is None


def test_a_sensor_that_was_dead_before_is_not_waited_for(town: Town) -> None:
    """Or nothing could be mended while another sensor is broken."""
    dead = spot("A2", fault="dead")
    kept = {"good": {"transaction": "1", "revision": "1-x", "config": DEAD}}
    town.agent.stop()
    kept_path(town.folder / "agent.db").write_text(json.dumps(kept))
    town.agent.start()
    town.until(lambda: town.ask("config-list")["agents"][0]["reported"] == "1-x")
    found = town.ends(town.desire({"spots": [spot("A1", **PARKED), dead]}))
    assert found["state"] == "applied"


def test_a_link_that_never_returns_is_rolled_back_and_told_when_it_does(town: Town) -> None:
    revision = town.desire(GOOD, trial_s=6)
    town.until(lambda: town.kept.trial is not None)
    town.broker.kill()
    town.until(lambda: town.kept.last is not None)
    assert town.kept.last
    assert town.kept.last.reason == "no acknowledgement of the gateway within 6 s"
    town.broker.start()
    found = town.ends(revision)
    assert (found["state"], found["reported"]) == ("rolled_back", None)
    assert town.status("A1") == "free"


def test_two_quickly_one_after_the_other(town: Town) -> None:
    first = town.desire(DEAD, trial_s=60)
    second = town.desire(GOOD)
    assert town.ends(second)["state"] == "applied"
    assert town.state(first)["state"] == "superseded"
    assert town.kept.good
    assert town.kept.good.revision == second


def test_the_same_again_is_applied_without_a_start_and_a_failed_one_is_not_tried_again(
    town: Town,
) -> None:
    town.ends(town.desire(GOOD))
    starts = log_of(town).count("watching 2 sensors")
    again = town.ends(town.desire(GOOD))
    assert again["state"] == "applied"
    assert log_of(town).count("watching 2 sensors") == starts
    failed = town.desire(DEAD, trial_s=5)
    assert town.ends(failed)["state"] == "rolled_back"
    tried = log_of(town).count("is to be tried")
    town.agent.kill()  # it reads the retained command again
    town.until(lambda: town.agent.running)
    reborn = log_of(town).count("connected to broker")
    town.until(lambda: log_of(town).count("connected to broker") > reborn)
    town.until(lambda: town.ask("agent-report", agent_id="pi-1")["config_tried"] == failed)
    assert log_of(town).count("is to be tried") == tried
    assert town.state(failed)["state"] == "rolled_back"


def test_a_spot_that_is_taken_away_is_unknown(town: Town) -> None:
    town.ends(town.desire(GOOD))
    town.until(lambda: town.status("A2") == "occupied")
    town.ends(town.desire({"spots": [spot("A1")]}))
    town.until(lambda: town.status("A2") == "unknown")
    assert town.spot("A2")["reason"] == "unconfigured"


def test_the_commands_configure_it(grown: Town, tmp_path: Path) -> None:
    wanted = tmp_path / "wanted.toml"
    wanted.write_text(
        '[[spots]]\nspot_id = "A1"\nsample_s = 0.1\n'
        "sensor = { kind = 'simulated', sessions = [] }\n"
        "[spots.detector]\nkind = 'ranging'\ndwell_on_s = 0.5\ndwell_off_s = 0.5\n"
    )
    done = grown.cli("configure", "pi-1", str(wanted), "--trial", "20", "--wait")
    assert done.exit_code == 0, done.output
    assert "of pi-1: applied" in done.stdout
    listed = json.loads(grown.cli("config", "list", "--json").stdout)["agents"]
    assert [each["drift"] for each in listed] == [False, False]
    shown = grown.cli("config", "show", "pi-1")
    assert "applied" in shown.stdout
    again = tomllib.loads(shown.stdout[shown.stdout.index("#") :])
    assert again == tomllib.loads(wanted.read_text())
    wanted.write_text("[mqtt]\nport = 1\n")
    done = grown.cli("configure", "pi-1", str(wanted))
    assert done.exit_code == 1
    assert "config.mqtt is not changed from afar" in done.stderr
    assert grown.cli("configure", "pi-1", str(tmp_path / "absent.toml")).exit_code == 2
    done = grown.cli("config", "clear", "pi-1", "--wait", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["config"] == {}


def test_the_commands_ask_it(grown: Town) -> None:
    done = grown.cli("recalibrate", "pi-1", "A1", "--seconds", "3", "--json")
    assert done.exit_code == 0, done.output
    assert abs(json.loads(done.stdout)["sensors"][0]["floor_mm"] - 2500) < 20
    done = grown.cli("identify", "pi-1", "A1", "--seconds", "2")
    assert done.exit_code == 1
    assert "A1 did not react; its status is free" in done.stdout
    done = grown.cli("identify", "pi-1", "A9", "--seconds", "2")
    assert "spot_id = 'A9': this agent has A1" in done.stderr
    grown.agent.stop()
    done = grown.cli("recalibrate", "pi-1", "A1")
    assert (done.exit_code, "pi-1 is not there to be asked: agent_offline" in done.stderr) == (
        1,
        True,
    )
    grown.gateway.stop()
    assert "only a running gateway can ask" in grown.cli("identify", "pi-1", "A1").stderr
