"""What is drawn of a recording."""

from dataclasses import replace

from agent.detector import (
    Detector,
    DetectorSettings,
    FusedSettings,
    MagneticSettings,
    RangingSettings,
)
from drivers import Quality, Reading
from score.detect import steps
from score.trace import Traced, traced


def distances(*values: float | None) -> list[Reading]:
    return [
        Reading(v, "mm", Quality.NO_ECHO if v is None else Quality.OK, v, float(at_s))
        for at_s, v in enumerate(values)
    ]


def drawn(settings: DetectorSettings, readings: list[Reading]) -> Traced:
    trace = traced(settings, len(readings))
    for step in steps(Detector(settings), readings):
        trace.note(step)
    return trace


def test_a_given_floor_has_thresholds_from_the_beginning() -> None:
    trace = drawn(RangingSettings(floor_mm=2500), distances(2500, None, 2499))
    assert trace.points == [(0.0, 2500), (2.0, 2499)]
    assert trace.lost_s == [1.0]
    [(at_s, limits)] = trace.limits
    assert (at_s, limits.on, limits.off) == (0.0, 2100.0, 2250.0)


def test_a_ranger_without_data_has_lost_them_and_a_polled_chip_has_not() -> None:
    for settings, unit, lost_s in (
        (RangingSettings(), "mm", [0.0]),
        (MagneticSettings(), "mG", []),
    ):
        trace = drawn(settings, [Reading(None, unit, Quality.NO_DATA, None, 0.0)])
        assert trace.lost_s == lost_s


def test_a_learnt_floor_has_them_once_it_is_known() -> None:
    trace = drawn(RangingSettings(), distances(*[2400.0] * 60))
    assert trace.limits[0][0] > 0
    assert trace.limits[0][1].on == 2000.0


def test_a_field_is_drawn_as_its_deviation() -> None:
    still, bent = (200.0, 170.0, 420.0), (200.0, 230.0, 420.0)
    fields = [still] * 100 + [bent] * 50
    readings = [Reading(v, "mG", Quality.OK, (at, v), at / 5) for at, v in enumerate(fields)]
    trace = drawn(MagneticSettings(), readings)
    assert trace.unit == "mG"
    assert 0 < trace.points[0][0] < 20  # not before the baseline stands
    assert trace.points[20][1] < 1
    assert 55 < trace.points[-1][1] <= 60


def test_of_two_sensors_the_ranger_is_drawn() -> None:
    fields = [
        Reading((200.0, 170.0, 420.0), "mG", Quality.OK, at, 0.5 + at / 100) for at in range(50)
    ]
    readings = [*distances(2500), *fields, *distances(2500, 2400)[1:]]
    settings = FusedSettings(ranging=RangingSettings(floor_mm=2500))
    trace = drawn(settings, [*readings, replace(fields[0], monotonic_s=1.5)])
    assert trace.points == [(0.0, 2500), (1.0, 2400)]
    assert trace.unit == "mm"
