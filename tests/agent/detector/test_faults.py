"""Each fault of a sensor, what it does to the status, and how it passes."""

import pytest

from agent.detector import (
    Change,
    Detector,
    DetectorSettings,
    HealthChange,
    MagneticSettings,
    RangingSettings,
    Said,
)
from contract.words import HealthState, Status
from drivers import Quality, Reading

OK, DEGRADED, FAULT = HealthState.OK, HealthState.DEGRADED, HealthState.FAULT
FLOOR = 2500.0
CAR = 1200.0
RANGING = RangingSettings(floor_mm=FLOOR)


class Sensor:
    """A sensor whose readings are chosen one by one, once a second unless told."""

    def __init__(self, settings: DetectorSettings = RANGING, every_s: float = 1.0) -> None:
        self.detector = Detector(settings)
        self.state = self.detector.initial(0.0)
        self.now_s = 0.0
        self.every_s = every_s

    def take(self, reading: Reading | None) -> list[Said]:
        self.state, said = self.detector.step(self.state, reading, self.now_s)
        self.now_s += self.every_s
        return said

    def good(self, count: int, value: float = FLOOR) -> list[Said]:
        readings = (Reading(value, "mm", Quality.OK, value, self.now_s) for _ in range(count))
        return [each for reading in readings for each in self.take(reading)]

    def bad(self, count: int, quality: Quality | None) -> list[Said]:
        reading = quality and Reading(None, "mm", quality, None, self.now_s)
        return [each for _ in range(count) for each in self.take(reading)]


def occupied_bay() -> Sensor:
    sensor = Sensor()
    sensor.good(60, CAR)
    assert sensor.state.status is Status.OCCUPIED
    return sensor


def unknown(at_s: float) -> Change:
    return Change(Status.UNKNOWN, Status.OCCUPIED, at_s, 0.0)


@pytest.mark.parametrize(
    ("quality", "reason"),
    [(None, "no_data"), (Quality.NO_DATA, "no_data"), (Quality.OVERFLOW, "overflow")],
)
def test_silence_degrades_then_loses_the_status_and_comes_back_without_an_arrival(
    quality: Quality | None, reason: str
) -> None:
    sensor = occupied_bay()  # the last good reading at 59 s
    assert sensor.bad(4, quality) == []
    assert sensor.bad(1, quality) == [HealthChange(DEGRADED, reason, 64.0)]
    assert sensor.bad(54, quality) == []
    assert sensor.state.status is Status.OCCUPIED
    assert sensor.bad(1, quality) == [HealthChange(FAULT, reason, 119.0), unknown(119.0)]
    assert sensor.bad(600, quality) == []
    back_s = sensor.now_s + 2  # three good readings
    assert sensor.good(20, CAR) == [
        HealthChange(OK, "", back_s),
        Change(Status.OCCUPIED, Status.OCCUPIED, back_s, 1.0),
    ]


def test_a_few_missed_polls_are_nothing() -> None:
    sensor = occupied_bay()
    for _ in range(100):
        assert sensor.bad(4, None) == []
        assert sensor.good(1, CAR) == []


def test_no_echo_loses_the_status_and_is_never_free() -> None:
    sensor = occupied_bay()
    said = sensor.bad(600, Quality.NO_ECHO)
    assert said[0] == HealthChange(DEGRADED, "no_echo", 64.0)
    assert said[1] == HealthChange(FAULT, "no_echo", said[1].at_s)
    assert said[1].at_s - 60 <= 30
    assert said[2:] == [unknown(said[1].at_s)]


def test_no_echo_at_the_limit_does_not_chatter() -> None:
    sensor = occupied_bay()
    said = []
    for turn in range(200):  # 79 and 83 % without an echo, in turns
        said += sensor.bad(19 if turn % 2 else 15, Quality.NO_ECHO)
        said += sensor.good(4, CAR)
    faults = [each for each in said if isinstance(each, HealthChange) and each.health is FAULT]
    assert len(faults) <= 1


def test_no_echo_half_of_the_time_still_tells() -> None:
    sensor = Sensor()
    sensor.good(60)
    said = []
    for _ in range(30):
        said += sensor.good(1, CAR) + sensor.bad(1, Quality.NO_ECHO)
    (arrival,) = said
    assert (arrival.status, arrival.at_s) == (Status.OCCUPIED, 60.0)
    assert 0.4 < arrival.confidence < 0.7


@pytest.mark.parametrize("near_mm", [0.0, 40.0, 80.0])
def test_blocked_loses_the_status_after_a_minute(near_mm: float) -> None:
    sensor = Sensor()
    sensor.good(60)
    assert sensor.good(60, near_mm) == []
    assert sensor.good(1, near_mm) == [
        HealthChange(FAULT, "blocked", 120.0),
        Change(Status.UNKNOWN, Status.FREE, 120.0, 0.0),
    ]
    assert sensor.good(600, near_mm) == []
    said = sensor.good(30)
    assert said[-1] == Change(Status.FREE, Status.FREE, said[0].at_s, 1.0)


def test_a_blocked_suspicion_is_no_arrival() -> None:
    """A hand comes near, lies on the sensor for half a minute, and goes."""
    sensor = Sensor()
    sensor.good(60)
    assert sensor.good(3, 600.0) == []
    assert sensor.bad(30, Quality.BLOCKED) == []
    assert sensor.good(3, 600.0) == []
    assert sensor.good(60) == []


def test_silence_after_a_blocked_suspicion_is_silence() -> None:
    sensor = Sensor()
    sensor.good(60)
    sensor.bad(30, Quality.BLOCKED)
    said = sensor.bad(120, None)
    assert {each.reason for each in said if isinstance(each, HealthChange)} == {"no_data"}


def test_wrong_checksums_degrade_and_the_status_stays() -> None:
    sensor = occupied_bay()
    said = []
    for _ in range(10):
        said += sensor.bad(1, Quality.CHECKSUM) + sensor.good(9, CAR)
    assert [each.reason for each in said] == ["checksum_rate"]
    assert sensor.state.status is Status.OCCUPIED
    assert sensor.good(120, CAR) == [HealthChange(OK, "", 201.0)]  # one of 61 left


def test_one_wrong_checksum_a_minute_is_nothing() -> None:
    sensor = occupied_bay()
    for _ in range(10):
        assert sensor.bad(1, Quality.CHECKSUM) + sensor.good(59, CAR) == []


def test_a_sparse_sensor_is_judged_by_five_missed() -> None:
    sensor = Sensor(every_s=300.0)
    sensor.good(5, CAR)
    assert sensor.bad(4, Quality.NO_ECHO) == []
    said = sensor.bad(1, Quality.NO_ECHO)
    assert said[0] == HealthChange(FAULT, "no_echo", 2700.0)


def field(raw: int, now_s: float) -> Reading:
    return Reading((200.0, raw / 1.09, 400.0), "mG", Quality.OK, raw, now_s)


def test_a_stuck_magnetometer_is_found_and_recovers() -> None:
    sensor = Sensor(MagneticSettings())
    for count in range(60):
        sensor.take(field(count % 2, sensor.now_s))
    assert sensor.state.status is Status.FREE
    said = [each for _ in range(118) for each in sensor.take(field(1, sensor.now_s))]
    assert said == []  # with the 60th sample 119 alike
    at_s = sensor.now_s
    assert sensor.take(field(1, at_s)) == [
        HealthChange(FAULT, "stuck", at_s),
        Change(Status.UNKNOWN, Status.FREE, at_s, 0.0),
    ]
    back_s = sensor.now_s
    said = [each for n in range(10) for each in sensor.take(field(n % 2, sensor.now_s))]
    assert said[0] == HealthChange(OK, "", back_s)
    assert [(each.status, each.previous) for each in said[1:]] == [(Status.FREE, Status.FREE)]


def test_no_new_data_between_two_measurements_is_no_fault() -> None:
    sensor = Sensor(MagneticSettings(), every_s=1 / 24)
    for count in range(24 * 120):
        quiet = count % 24 != 0  # a chip that measures once a second
        reading = Reading(None, "mG", Quality.NO_DATA, None, sensor.now_s)
        assert not any(
            isinstance(each, HealthChange)
            for each in sensor.take(reading if quiet else field(count // 24 % 2, sensor.now_s))
        )


def test_a_distance_never_gets_stuck() -> None:
    assert occupied_bay().good(1000, CAR) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_a_missed_reading(value: float) -> None:
    sensor = occupied_bay()
    assert sensor.good(5, value) == [HealthChange(DEGRADED, "no_data", 64.0)]
