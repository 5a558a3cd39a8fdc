"""A detector against the truth: what counts as wrong, hidden, told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from agent.detector import Change
from contract.words import Status
from score.match import Event
from simulator.world import Bay, Scenario
from simulator.world.faults import Fault
from simulator.world.samples import Timed
from simulator.world.traffic import Vehicle, Visit
from simulator.world.trial import (
    FAULT_S,
    SETTLING_S,
    STUCK_S,
    Spoken,
    published,
    run,
    truth,
    without,
    wrong_spans,
)

VEHICLE = Vehicle(1500.0, 4.6, 0.4, True, True, 0.0, 0.0, "")
VISIT = Visit(2000.0, 2005.0, 3000.0, 3005.0, VEHICLE)
MM = frozenset({"mm"})


@pytest.fixture
def bay() -> Bay:
    """One visit in an hour and a half."""
    found = Bay(Scenario("", "ranging"), "1/1", 5400.0)
    found.visits, found.faults = [VISIT], []
    return found


def test_a_detector_that_is_right_in_time_is_never_wrong(bay: Bay) -> None:
    statuses = [(10.0, Status.FREE), (2015.0, Status.OCCUPIED), (3020.0, Status.FREE)]
    assert wrong_spans(bay, statuses) == []


def test_free_while_occupied_is_wrong_once_the_settling_time_is_over(bay: Bay) -> None:
    assert wrong_spans(bay, [(10.0, Status.FREE)]) == [(2005.0 + SETTLING_S, 3000.0)]


def test_occupied_while_free_is_wrong_before_and_after(bay: Bay) -> None:
    assert wrong_spans(bay, [(10.0, Status.OCCUPIED)]) == [
        (10.0, 2000.0),
        (3005.0 + SETTLING_S, 5400.0),
    ]


def test_unknown_is_never_wrong(bay: Bay) -> None:
    assert wrong_spans(bay, []) == []


@pytest.mark.parametrize(("kind", "allowed_s"), [("dead", FAULT_S), ("stuck", STUCK_S)])
def test_a_fault_may_take_a_while_to_be_noticed(bay: Bay, kind: str, allowed_s: float) -> None:
    bay.faults = [Fault(kind, 2500.0, 2900.0, MM, "")]
    begin_s = 2005.0 + SETTLING_S
    assert wrong_spans(bay, [(10.0, Status.FREE)]) == [
        (begin_s, 2500.0),
        (2500.0 + allowed_s, 3000.0),
    ]


def test_spans_are_cut_out() -> None:
    assert without((0.0, 10.0), [(2.0, 3.0), (9.0, 20.0)]) == [(0.0, 2.0), (3.0, 9.0)]
    assert without((0.0, 10.0), [(-5.0, 20.0)]) == []


def test_what_was_published() -> None:
    statuses = [(5.0, Status.FREE), (7.0, Status.UNKNOWN)]
    assert list(published(statuses, 9.0)) == [
        (0.0, 5.0, Status.UNKNOWN),
        (5.0, 7.0, Status.FREE),
        (7.0, 9.0, Status.UNKNOWN),
    ]


def test_only_changes_between_free_and_occupied_are_events() -> None:
    spoken = Spoken()
    spoken.hear(Change(Status.FREE, Status.UNKNOWN, 1.0, 1.0), 11.0)
    spoken.hear(Change(Status.OCCUPIED, Status.FREE, 20.0, 1.0), 31.0)
    spoken.hear(Change(Status.UNKNOWN, Status.OCCUPIED, 40.0, 0.0), 41.0)
    spoken.hear(Change(Status.OCCUPIED, Status.OCCUPIED, 50.0, 1.0), 61.0)
    spoken.hear(Change(Status.FREE, Status.OCCUPIED, 70.0, 1.0), 81.0)
    assert spoken.told == {Event(20.0, "arrival"): 31.0, Event(70.0, "departure"): 81.0}
    assert len(spoken.statuses) == 5


def test_without_interference_the_default_ranger_is_right() -> None:
    outcome = run(Scenario("", "ranging"), "1/1", 6 * 3600.0)
    assert len(outcome.tally.truths) > 20
    assert outcome.tally.clean
    assert outcome.wrong == ()
    assert outcome.troubles == ()
    assert outcome.unknown_s == 0.0
    assert 10.0 < min(outcome.told_s) < max(outcome.told_s) < 60.0


def test_a_dead_sensor_is_unknown_and_hides_what_happens() -> None:
    scenario = Scenario("", "ranging", faults=frozenset({"dead"}))
    world = Bay(scenario, "1/1", 12 * 3600.0)
    outcome = run(scenario, "1/1", 12 * 3600.0)
    hidden = [
        event
        for event in truth(world)
        if any(-20.0 <= event.at_s - f.begin_s < f.end_s - f.begin_s + 150.0 for f in world.faults)
    ]
    assert outcome.hidden == len(hidden) > 2
    assert outcome.tally.truths == tuple(sorted(set(truth(world)) - set(hidden)))
    assert outcome.tally.clean
    assert outcome.unknown_s > 600.0
    assert outcome.wrong == ()


def test_what_the_detector_does_not_see_is_missed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blinded: the first hour over and over, in which nobody came."""
    readings = Bay.readings

    def empty(bay: Bay) -> Iterator[Timed]:
        kept = [each for _, each in readings(bay)][:600]
        for number in range(int(bay.until_s)):
            reading = kept[number % 600]
            assert reading is not None
            yield float(number), replace(reading, monotonic_s=float(number))

    monkeypatch.setattr(Bay, "readings", empty)
    outcome = run(Scenario("", "ranging"), "1/1", 6 * 3600.0)
    assert len(outcome.tally.missed) == len(outcome.tally.truths) > 20
    assert sum(end - begin for begin, end in outcome.wrong) > 1000.0
    assert {each.what for each in outcome.troubles} == {
        "missed arrival",
        "missed departure",
        "wrong status",
    }
