"""The simulation itself: that it is exact, that it keeps its promises, and that it can fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proof.mutations import MUTATIONS, mutated
from proof.plan import draw
from proof.simulation import play
from proof.world import run

REPO = Path(__file__).parents[2]
TROUBLED = 37
"""A world with a great deal of trouble."""

FOUND_BY = {
    "ack-before-commit": 0,
    "clock-blanks": 82,
    "clock-orders": 112,
    "cursor-before-delivery": 29,
    "dedupe-off": 5,
    "future-refused": 78,
    "past-before-present": 35,
    "puback-trusted": 76,
    "replacement-ignored": 11,
    "replays-heard": 532,
    "seq-reused": 0,
    "silence-ignored": 27,
    "snapshot-back-in-time": 11,
    "words-unsaid": 0,
}


def findings(seeds: range, jobs: int = 1) -> list[str]:
    """What went wrong, each with the command that shows it."""
    return [
        f"{each}: python -m proof.simulation --seed {result.seed} --trace"
        for result in play(seeds, jobs)
        for each in result.findings
    ]


def traced(seed: int, hash_seed: str) -> bytes:
    """The trace of a seed, from a process of its own."""
    command = [sys.executable, "-m", "proof.simulation", "--seed", str(seed), "--trace"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        command, cwd=REPO, env=environment, stdout=subprocess.PIPE, check=True
    ).stdout


@pytest.mark.timeout(600)
def test_every_promise_is_kept() -> None:
    assert findings(range(300), jobs=os.cpu_count() or 1) == []


@pytest.mark.proof
@pytest.mark.timeout(4 * 3600)
def test_every_promise_is_kept_ten_thousand_times() -> None:
    assert findings(range(10_000), jobs=os.cpu_count() or 1) == []


def test_two_wrong_words_on_a_display_are_not_one_that_lasts() -> None:
    """All links are slow: free is shown too long, and then the occupied that came meanwhile."""
    assert findings(range(2481, 2482)) == []


def test_the_same_seed_is_the_same_world_to_the_byte() -> None:
    """Red with a `set` of strings in the place of the broker's list of filters."""
    traces = {traced(TROUBLED, hash_seed) for hash_seed in ("1", "2")}
    assert len(traces) == 1
    (trace,) = traces
    assert trace.count(b"\n") > 50
    assert b"every promise kept" in trace


def test_another_seed_is_another_world() -> None:
    assert run(1, tracing=True).trace[1:] != run(2, tracing=True).trace[1:]


def test_to_look_changes_nothing() -> None:
    assert run(TROUBLED).counts == run(TROUBLED, tracing=True).counts


def test_the_plans_hold_every_trouble_there_is() -> None:
    """Each kind, at each host, in the worlds that `make test` plays."""
    found = {(each.what, each.who) for seed in range(300) for each in draw(seed).troubles}
    assert {what for what, _ in found} == {
        *("broker", "clock", "cut", "doom", "garbage", "kill", "mischief"),
        *("reboot", "replace", "replay", "sink", "slow", "stop"),
    }
    for what in ("clock", "cut", "doom", "kill", "reboot"):
        assert {who for kind, who in found if kind == what} >= {"gateway", "pi-1", "pi-2"}
    assert {draw(seed).scale for seed in range(300)} == {1.0, 200.0}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_promise_is_found(name: str) -> None:
    with mutated(name):
        assert run(FOUND_BY[name]).findings
    assert run(FOUND_BY[name]).findings == []
