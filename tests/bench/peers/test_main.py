"""The command's own words; a run of it takes minutes and is `make peers`."""

from bench.peers.__main__ import SIDES, scenarios, told
from bench.peers.account import Account
from bench.peers.scenarios import Run


def test_a_run_is_told_in_a_line() -> None:
    words = told(Run(Account(100, 90, 4, 3, 0), 2.0, 50.0))
    assert words.startswith("45/s, 10 lost, 4 duplicated, 3 out of order; load ")


def test_every_scenario_is_there_at_every_scale() -> None:
    assert scenarios(1).keys() == scenarios(0.01).keys()
    assert len(scenarios(1)) == 6


def test_we_are_the_first_side_which_the_ratios_are_of() -> None:
    assert next(iter(SIDES)) == "Lotkeeper, arrays"
