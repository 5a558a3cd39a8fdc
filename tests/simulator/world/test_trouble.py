"""What was going on where something went wrong."""

from dataclasses import replace

import pytest

from simulator.world import Bay, Scenario
from simulator.world.rows import everything
from simulator.world.trouble import trouble

DAY_S = 86400.0


@pytest.fixture(scope="module")
def bay() -> Bay:
    return Bay(replace(everything("fused"), faults=frozenset({"dead"})), "1/1", DAY_S)


@pytest.mark.parametrize(
    ("spans", "name"), [("people", "people"), ("beats", "crosstalk"), ("outages", "outage")]
)
def test_interferences_are_named(bay: Bay, spans: str, name: str) -> None:
    for begin_s in bay.spans[spans].begins_s[:5]:
        assert name in trouble(bay, "false arrival", begin_s, begin_s).near.split(", ")


def test_what_is_off_is_not_named() -> None:
    quiet = Bay(Scenario("", "ranging"), "1/1", DAY_S)
    begin_s = float(quiet.spans["people"].begins_s[0])
    assert "people" not in trouble(quiet, "false arrival", begin_s, begin_s).near


def test_faults_are_named_with_their_sensor(bay: Bay) -> None:
    fault = bay.faults[0]
    near = trouble(bay, "wrong status", fault.begin_s + 1.0, fault.end_s).near
    assert f"fault dead of {'+'.join(sorted(fault.units))}" in near


def test_short_stays_and_the_next_bay_are_named(bay: Bay) -> None:
    short = next(v for v in bay.visits if v.departure_s - v.standing_s < 60.0)
    assert "short stay" in trouble(bay, "missed arrival", short.arrival_s, short.arrival_s).near
    moved_s = bay.neighbour_visits[0].arrival_s
    assert "next door moves" in trouble(bay, "false arrival", moved_s, moved_s).near
    stands_s = bay.neighbour_visits[0].standing_s
    assert "next door is in" in trouble(bay, "false arrival", stands_s, stands_s).near


def test_fast_sun_is_named() -> None:
    hot = Bay(Scenario("", "magnetic", frozenset({"temperature"}), season="hot"), "1/1", DAY_S)
    times_s = [600.0 * number for number in range(2, 140)]
    named = ["temperature moves" in trouble(hot, "", at, at).near for at in times_s]
    assert 0.1 < sum(named) / len(named) < 0.9
