"""An agent killed at each stage of a desired configuration, and started again as systemd would."""

import random
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from agent.trial import MOST_STARTS
from tests.e2e.town import DEAD, GOOD, Town, soon, spot

pytestmark = pytest.mark.timeout(180)  # three processes started, trials waited for

STAGES: dict[str, Callable[[Town], bool]] = {
    "staged": lambda town: town.kept.trial is not None,
    "started": lambda town: town.kept.starts == 1,
    "applied": lambda town: town.kept.good is not None,
}


@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_a_stage_it_goes_on_where_it_was(town: Town, stage: str) -> None:
    revision = town.desire(GOOD)
    soon(lambda: STAGES[stage](town))
    town.agent.kill()
    found = town.ends(revision)
    assert found["state"] == "applied"
    town.until(lambda: town.status("A2") == "occupied")


def test_killed_before_it_read_the_command_it_reads_it_later(town: Town) -> None:
    town.agent.kill()
    revision = town.desire(GOOD)
    assert town.state(revision)["state"] == "sent"
    assert town.ends(revision)["state"] == "applied"


def test_killed_as_it_rolls_back_it_is_rolled_back(town: Town) -> None:
    revision = town.desire(DEAD, trial_s=5)
    town.until(lambda: town.kept.trial is not None)
    soon(lambda: town.kept.last is not None)
    town.agent.kill()
    assert town.ends(revision)["state"] == "rolled_back"
    assert town.status("A1") == "free"


def test_what_is_killed_at_every_start_is_rolled_back(town: Town) -> None:
    revision = town.desire(GOOD, trial_s=60)
    for start in range(1, MOST_STARTS + 1):
        soon(lambda start=start: town.kept.starts == start)
        town.agent.kill()
        town.agent.start()
    found = town.ends(revision)
    assert found["state"] == "rolled_back"
    assert found["reason"] == f"it was not confirmed in {MOST_STARTS} starts"
    assert town.status("A1") == "free"


ROUNDS = 30
FREE = {"spots": [spot("A1"), spot("A2")]}


@pytest.mark.proof
@pytest.mark.timeout(1200)
def test_killed_at_any_moment_it_has_what_is_desired_in_the_end(town: Town) -> None:
    rng, pause = random.Random(7), threading.Event()
    epoch, _ = town.epoch_and_seqs()
    caught: Counter[str] = Counter()
    for number in range(ROUNDS):
        config, status = ((GOOD, "occupied"), (FREE, "free"))[number % 2]
        revision = town.desire(config, trial_s=24)
        pause.wait(rng.uniform(0, 5))
        kept = town.kept
        stage = f"trial, start {kept.starts}" if kept.trial else "steady"
        caught[stage if kept.trial or town.state(revision)["state"] == "applied" else "sent"] += 1
        town.agent.kill()
        town.agent.start()
        assert town.ends(revision)["state"] == "applied"
        town.until(lambda status=status: town.status("A2") == status)
        epoch_now, seqs = town.epoch_and_seqs()
        assert epoch_now == epoch
        assert seqs == list(range(1, len(seqs) + 1))
    print(f"{ROUNDS} kills: {dict(caught)}")
    assert len(caught) >= 3, caught
