"""The detector over recordings, and what of its sayings is an event."""

from agent.detector import Detector, RangingSettings
from agent.detector.changes import Change, HealthChange, Passage
from contract.words import HealthState, Status
from drivers import Quality, Reading
from score.detect import events, steps
from score.match import Event

FREE, OCCUPIED, UNKNOWN = Status.FREE, Status.OCCUPIED, Status.UNKNOWN


def distances(*spans: tuple[int, float]) -> list[Reading]:
    values = [value for count, value in spans for _ in range(count)]
    return [Reading(v, "mm", Quality.OK, v, 50.0 + at_s) for at_s, v in enumerate(values)]


def test_changes_between_free_and_occupied_are_events() -> None:
    said = [
        Change(FREE, UNKNOWN, 1.0, 1.0),  # a first start
        Change(OCCUPIED, FREE, 2.0, 1.0),
        Change(UNKNOWN, OCCUPIED, 3.0, 0.0),  # a fault
        Change(OCCUPIED, OCCUPIED, 4.0, 1.0),  # and back
        HealthChange(HealthState.OK, "", 4.0),
        Change(FREE, OCCUPIED, 5.0, 1.0),
        Passage(6.0, 1.0, 50.0, 1.0),
    ]
    assert events(said) == [Event(2.0, "arrival"), Event(5.0, "departure"), Event(6.0, "passage")]


def test_each_reading_is_stepped_at_its_own_time() -> None:
    readings = distances((30, 2500.0), (30, 1200.0))
    taken = list(steps(Detector(RangingSettings(floor_mm=2500)), readings))
    assert [step.reading for step in taken] == readings
    said = [each for step in taken for each in step.said]
    assert events(said) == [Event(80.0, "arrival")]
    assert taken[-1].state.status is OCCUPIED


def test_a_restart_keeps_what_was_published_and_drops_what_was_pending() -> None:
    readings = distances((30, 2500.0), (30, 1200.0))
    detector = Detector(RangingSettings(floor_mm=2500))
    taken = list(steps(detector, readings, restarts_s=[85.0]))
    said = [each for step in taken for each in step.said]
    assert [each.status for each in said if isinstance(each, Change)] == [FREE, OCCUPIED]
    assert events(said) == [Event(85.0, "arrival")]
    assert taken[34].state is not taken[35].state


def test_nothing_recorded_says_nothing() -> None:
    assert list(steps(Detector(RangingSettings()), [], restarts_s=[1.0])) == []
