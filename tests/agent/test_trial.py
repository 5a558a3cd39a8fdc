"""The state machine of a desired configuration, as a table, and a trial's verdict."""

from typing import Any

import pytest

from agent import trial
from agent.trial import MOST_STARTS, Kept, Outcome, Trial, Verdict
from contract.commands import Configure


def desired(revision: str) -> Configure:
    return Configure(transaction=f"t{revision}", revision=revision, config={}, trial_s=60)


ONE, TWO, THREE = desired("1"), desired("2"), desired("3")


def ended(revision: str, state: Any, reason: str = "") -> Outcome:
    return Outcome(revision=revision, state=state, reason=reason)


NOTHING = Kept()
STEADY = Kept(good=ONE, last=ended("1", "applied"))
TRYING = Kept(good=ONE, trial=TWO, starts=1)
FIRST = Kept(trial=TWO, starts=1)
WORN = Kept(good=ONE, trial=TWO, starts=MOST_STARTS)
BACK = Kept(good=ONE, last=ended("2", "rolled_back", "dead"))
REFUSED = Kept(good=ONE, last=ended("2", "refused", "no"))

TABLE = [
    (NOTHING, lambda kept: trial.staged(kept, TWO), Kept(trial=TWO)),
    (STEADY, lambda kept: trial.staged(kept, TWO, ("A9",)),
     Kept(good=ONE, trial=TWO, excused=("A9",))),
    (TRYING, lambda kept: trial.staged(kept, THREE), Kept(good=ONE, trial=THREE)),
    (BACK, lambda kept: trial.staged(kept, THREE), Kept(good=ONE, trial=THREE)),
    (NOTHING, trial.started, NOTHING),
    (STEADY, trial.started, STEADY),
    (Kept(good=ONE, trial=TWO), trial.started, TRYING),
    (WORN, trial.started, Kept(good=ONE, last=ended(
        "2", "rolled_back", "it was not confirmed in 3 starts"))),
    (TRYING, trial.confirmed, Kept(good=TWO, last=ended("2", "applied"))),
    (TRYING, lambda kept: trial.rolled_back(kept, "dead"), BACK),
    (FIRST, lambda kept: trial.rolled_back(kept, "dead"),
     Kept(last=ended("2", "rolled_back", "dead"))),
    (STEADY, lambda kept: trial.rolled_back(kept, "dead"),
     Kept(last=ended("1", "rolled_back", "dead"))),
    (STEADY, lambda kept: trial.refused(kept, TWO, "no"), REFUSED),
    (TRYING, lambda kept: trial.refused(kept, THREE, "no"),
     Kept(good=ONE, trial=TWO, starts=1, last=ended("3", "refused", "no"))),
    (STEADY, lambda kept: trial.adopted(kept, TWO), Kept(good=TWO, last=ended("2", "applied"))),
]  # fmt: skip


@pytest.mark.parametrize(("before", "step", "after"), TABLE)
def test_each_step(before: Kept, step: trial.Change, after: Kept) -> None:
    assert step(before) == after
    assert Kept.model_validate_json(after.model_dump_json(exclude_none=True)) == after


ANSWERS = [
    (NOTHING, ONE, None),
    (STEADY, ONE, ("ok", None)),
    (STEADY, TWO, None),
    (TRYING, TWO, ("accepted", None)),
    (TRYING, ONE, None),
    (BACK, TWO, ("error", "rolled_back: dead")),
    (BACK, ONE, ("ok", None)),
    (REFUSED, TWO, ("error", "refused: no")),
]


@pytest.mark.parametrize(("kept", "asked", "told"), ANSWERS)
def test_a_revision_that_is_known_is_answered_and_not_tried_again(
    kept: Kept, asked: Configure, told: tuple[str, str | None] | None
) -> None:
    response = trial.answer(kept, asked)
    assert (response and (response.status, response.error)) == told
    assert response is None or response.transaction == asked.transaction


REPORTS = [
    (NOTHING, (None, "local", None, "")),
    (STEADY, ("1", "applied", "1", "")),
    (TRYING, ("2", "trial", "2", "")),
    (BACK, ("1", "rolled_back", "2", "dead")),
    (REFUSED, ("1", "refused", "2", "no")),
]


@pytest.mark.parametrize(("kept", "told"), REPORTS)
def test_the_heartbeat_tells_what_is_in_force_and_what_became_of_the_last(
    kept: Kept, told: tuple[str | None, str, str | None, str]
) -> None:
    report = trial.report(kept)
    assert tuple(report.model_dump().values()) == told


def test_a_trial_that_never_lives_long_enough_ends() -> None:
    kept = trial.staged(STEADY, TWO)
    starts = 0
    while kept.trial:
        kept = trial.started(kept)
        starts += 1
    assert starts == MOST_STARTS + 1
    assert kept.good == ONE


def test_all_back_and_steady_is_good() -> None:
    watched = Trial(60, 100)
    assert watched.look(100, ["A1"], False) is None
    assert watched.look(101, [], False) is None
    assert watched.look(103, [], True) is None
    assert watched.look(107.9, [], True) is None
    assert watched.look(108, [], True) == Verdict(True)


def test_what_goes_away_again_has_to_be_steady_anew() -> None:
    watched = Trial(60, 0)
    watched.look(1, [], True)
    watched.look(3, [], False)
    assert watched.look(7, [], True) is None
    assert watched.look(12, [], True) == Verdict(True)


@pytest.mark.parametrize(
    ("missing", "linked", "told"),
    [
        (["A1", "A2"], True, "no reading of A1, A2 within 60 s"),
        ([], False, "no acknowledgement of the gateway within 60 s"),
        (["A1"], False, "no reading of A1 and no acknowledgement of the gateway within 60 s"),
        ([], True, "readings and link were not back for long enough within 60 s"),
    ],
)
def test_what_does_not_come_back_is_named(missing: list[str], linked: bool, told: str) -> None:
    watched = Trial(60, 0)
    assert watched.look(59.9, missing, linked) is None
    assert watched.look(60, missing, linked) == Verdict(False, told)
