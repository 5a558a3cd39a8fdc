"""Tallies for people and programs."""

import io

import pytest
from rich.console import Console

from score.match import Event, Tally, match
from score.report import Scored, as_dict, counts, shares, show


def tally(true: int, missed: int, false: int = 0) -> Tally:
    truth = [Event(100.0 * n, "arrival") for n in range(true)]
    found = [Event(each.at_s + 1, each.kind) for each in truth[missed:]]
    found += [Event(-1000.0 - 100 * n, "arrival") for n in range(false)]
    return match(truth, found, 5)


def shown(*tallies: Tally) -> list[str]:
    out = io.StringIO()
    scored = [Scored("day.csv", f"A{n}", "ranging", 60, 59.0, t) for n, t in enumerate(tallies)]
    show(scored, Console(file=out, width=80))
    return out.getvalue().splitlines()


def test_the_table_fits_a_terminal_of_80_columns() -> None:
    lines = shown(tally(9999, 123, 45))
    assert lines[2].split() == [
        *("arrivals", "9999", "9876", "123", "45", "0"),
        *("98.8", "(98-99)", "99.5", "(99-100)", "1.0", "1.0"),
    ]
    assert max(map(len, lines)) <= 80


def test_one_kind_has_no_line_of_all() -> None:
    assert [line.split()[0] for line in shown(tally(3, 0))[2:3]] == ["arrivals"]
    assert not any(line.startswith("all") for line in shown(tally(3, 0)))


def test_nothing_at_all_has_a_line() -> None:
    assert shown(Tally())[2].split() == ["all", "0", "0", "0", "0", "0", "-", "-", "-"]


def test_several_sensors_have_a_sum() -> None:
    lines = shown(tally(3, 1), tally(4, 0))
    assert lines[lines.index("2 sensors") + 2].split()[:4] == ["arrivals", "7", "6", "1"]


@pytest.mark.parametrize(
    ("tallied", "expected"),
    [(tally(4, 1), (0.75, 1.0)), (tally(4, 0, 1), (1.0, 0.8)), (Tally(), (1.0, 1.0))],
)
def test_shares(tallied: Tally, expected: tuple[float, float]) -> None:
    assert shares(tallied) == expected


def test_no_events_tell_nothing_of_a_rate() -> None:
    found = counts(Tally())
    assert found["found_of_true_95"] == [0, 1]
    assert found["latency_s_p50"] is None


def test_for_programs_the_sum_is_of_all_sensors() -> None:
    scored = [Scored("day.csv", "A1", "ranging", 60, 59.0, tally(3, 1)) for _ in range(2)]
    found = as_dict(scored)
    assert found["sum"]["arrivals"]["true"] == 6
    assert found["sensors"][0]["events"]["arrivals"]["missed"] == 1
