"""The table: `python -m bench.accuracy`."""

from pathlib import Path

import pytest

from bench import accuracy
from score.match import Event, Pair, Tally
from simulator.world import Scenario
from simulator.world.trial import Outcome
from simulator.world.trouble import Trouble

ARRIVAL, DEPARTURE, FALSE = Event(10.0, "arrival"), Event(50.0, "departure"), Event(70.0, "arrival")
OUTCOME = Outcome(
    bay="1/4",
    tally=Tally((Pair(ARRIVAL, Event(12.0, "arrival")),), (DEPARTURE,), (FALSE,)),
    hidden=0,
    told_s=(14.0,),
    wrong=((60.0, 66.0), (100.0, 103.0)),
    unknown_s=20.0,
    watched_s=1000.0,
    troubles=(Trouble("missed departure", 50.0, 50.0, "rain"),),
)
ROW = accuracy.Row(Scenario("all", "ranging"), [OUTCOME])


def test_a_line_holds_the_figures() -> None:
    cells = dict(zip(accuracy.HEADINGS, accuracy.line(ROW), strict=True))
    assert cells == {
        "world": "all",
        "arrivals found": "1/1 = 100.00 % (20.65-100.00)",
        "departures found": "0/1 = 0.00 % (0.00-79.35)",
        "missed": "1",
        "false": "1 = 50.00 % (9.45-90.55)",
        "doubled": "0",
        "told after, p50 / p95": "14.0 / 14.0 s",
        "dated off by, p50 / p95": "2.0 / 2.0 s",
        "wrong status": "9 s = 0.900 %",
        "longest": "6 s",
        "unknown": "2.00 %",
    }


def test_a_trouble_names_what_plays_it_again() -> None:
    assert list(accuracy.troubles(ROW)) == [
        "ranging, all, bay 4: missed departure, 50 to 50 s; near: rain"
    ]
    assert list(accuracy.causes(ROW)) == ["ranging, all: 1 x missed departure; near: rain"]


def test_the_table_goes_between_the_markers_and_the_rest_of_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "accuracy.md"
    page.write_text("# Accuracy\n\nText.\n")
    accuracy.write("laser", "| first |\n", page)
    page.write_text(page.read_text() + "\nMore.\n")
    accuracy.write("laser", "| second |\n", page)
    accuracy.write("radar", "| third |\n", page)
    assert page.read_text() == (
        "# Accuracy\n\nText.\n\n"
        "<!-- accuracy of laser: begin -->\n| second |\n<!-- accuracy of laser: end -->\n"
        "\nMore.\n\n"
        "<!-- accuracy of radar: begin -->\n| third |\n<!-- accuracy of radar: end -->\n"
    )


def test_each_family_has_a_table_with_its_command() -> None:
    [(family, text)] = accuracy.tables([ROW], "bench --family {family}").items()
    assert family == "ranging"
    assert text.startswith("### ranging\n`bench --family ranging`\n\n| world | arrivals found |")
    assert text.count("\n") == 6


def test_tasks_have_a_bay_for_each_84_arrivals() -> None:
    todo = accuracy.tasks(["ranging"], "all", 840, None)
    assert [task.bay for task in todo] == list(range(10))
    assert [task.bay for task in accuracy.tasks(["ranging"], "all", 840, 7)] == [7]


def test_a_row_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match=r"no row is called 'hail': choose one of .*rain alone"):
        accuracy.tasks(["ranging"], "hail", 840, None)


def test_a_day_of_one_bay_can_be_played_again() -> None:
    [task] = accuracy.tasks(["laser"], "nothing", 840, 3)
    noted: list[None] = []
    first, second = (
        accuracy.play_all([task], 1, 1, lambda: noted.append(None))[0] for _ in range(2)
    )
    assert first == second
    assert first.bay == "1/3"
    assert len(noted) == 2
