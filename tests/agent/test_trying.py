"""A trial's end inside the process: what fails is its fault; stopping wins over beginning."""

from pathlib import Path

import pytest

from agent.app import _blame_trial
from agent.ending import Ending
from agent.remote import Remote
from contract.commands import Configure

TOML = """
agent_id = "pi-1"
lot_id = "lot-1"
[spool]
path = "{folder}/agent.db"
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated" }}
"""


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    config = tmp_path / "agent.toml"
    config.write_text(TOML.format(folder=tmp_path))
    return Remote(config)


def test_a_failure_during_a_trial_rolls_it_back_at_once(remote: Remote) -> None:
    ending = Ending()
    remote.stage(Configure(transaction="1", revision="1-a", config={}), ())
    _blame_trial(remote, KeyError("register 0x0F"), ending)
    assert ending.anew
    assert ending.event.is_set()
    assert remote.report.config_state == "rolled_back"
    assert "it failed: KeyError('register 0x0F')" in remote.report.config_error


def test_a_failure_without_a_trial_is_systemds(remote: Remote) -> None:
    ending = Ending()
    _blame_trial(remote, KeyError("x"), ending)
    assert not ending.anew
    assert not ending.event.is_set()


def test_who_is_told_to_stop_does_not_begin_anew() -> None:
    for order in ("stop then anew", "anew then stop"):
        ending = Ending()
        for step in order.split(" then "):
            (ending.stop if step == "stop" else ending.begin_anew)()
        assert ending.event.is_set()
        assert not ending.anew
