"""The table's figures."""

import pytest

from bench.peers.account import Account
from bench.peers.scenarios import Run
from bench.peers.table import COLUMNS, markdown, number, ratios, row, spread


def run(delivered: int, seconds: float, sent: int = 100) -> Run:
    return Run(Account(sent, delivered, 3, 2, 0), seconds, 50.5, 1000.0, None, 7)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([3, 1, 2], "1 / 2 / 3"),
        ([4, 4, 4], "4"),
        ([0.25, 0.5], "0.25 / 0.38 / 0.50"),
        ([None, None], ""),
        ([None, 5], "5"),
        ([], ""),
        ([12345.6], "12,346"),
    ],
)
def test_a_spread_is_minimum_median_maximum(values: list[float | None], shown: str) -> None:
    assert spread(values) == shown


def test_small_fractions_keep_two_decimals() -> None:
    assert [number(v) for v in (3.0, 3.14159, 9.999, 10.4)] == ["3", "3.14", "10.00", "10"]


def test_ratios_are_run_by_run_against_the_first_side() -> None:
    assert ratios([run(50, 1), run(50, 2)], [run(100, 1), run(25, 1)]) == [0.5, 1.0]


def test_a_side_that_delivered_nothing_has_a_rate_of_zero_and_no_ratio_to_it() -> None:
    assert run(0, 0).rate_per_s == 0
    assert ratios([run(50, 1)], [run(0, 1)]) == [None]


def test_a_row_says_what_was_lost() -> None:
    cells = dict(zip(COLUMNS, row("burst", "ours", [run(99, 1)], [run(99, 1)]), strict=True))
    assert (cells["lost"], cells["duplicated"], cells["out of order"]) == ("1", "3", "2")
    assert (cells["events/s"], cells["to the first"], cells["on disk"]) == ("99", "1", "7")
    assert cells["senders' B/event"] == ""


def test_a_table_has_a_head_and_a_cell_for_each_column() -> None:
    lines = markdown([row("burst", "ours", [run(99, 1)], [run(99, 1)])]).splitlines()
    assert len(lines) == 3
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
