from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.testing import AskedTerminal, DriverContract, ManualClock, assert_well_formed
from drivers.us100 import Config, Driver, decode, decode_temperature

PING, THERMOMETER = 0x55, 0x50
METRE = (1000).to_bytes(2, "big")
WARM = bytes([45 + 21])


@pytest.fixture
def driver(asked: AskedTerminal, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(Config(port=asked.port, timeout_s=0.1), clock, clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, asked: AskedTerminal) -> Driver:
        return Driver(Config(port=asked.port), clock, clock.sleep)

    @pytest.fixture
    def stimulate(self, asked: AskedTerminal) -> Callable[[], None]:
        return lambda: asked.will_answer(PING, METRE)


@pytest.mark.parametrize(
    ("distance_mm", "quality"),
    [
        (0, Quality.NO_ECHO),
        (19, Quality.BLOCKED),
        (20, Quality.OK),
        (4500, Quality.OK),
        (4501, Quality.NO_ECHO),
    ],
)
def test_what_a_distance_is_worth(distance_mm: int, quality: Quality) -> None:
    reading = decode(distance_mm.to_bytes(2, "big"), 21.0, 3.0)
    assert reading.quality is quality
    assert (reading.raw, reading.temperature_c, reading.monotonic_s) == (distance_mm, 21.0, 3.0)


@given(st.binary(min_size=2, max_size=2))
def test_no_answer_of_the_right_length_crashes_it(answer: bytes) -> None:
    assert_well_formed(decode(answer, None, 0.0))


@given(st.binary(max_size=3))
def test_a_temperature_is_one_byte_of_this_world(answer: bytes) -> None:
    temperature_c = decode_temperature(answer)
    assert temperature_c is None or (
        len(answer) == 1 and temperature_c == answer[0] - 45 and -40 <= temperature_c <= 85
    )


def test_a_byte_left_over_shifts_no_answer(driver: Driver, asked: AskedTerminal) -> None:
    asked.send(b"\x0b")
    asked.will_answer(PING, METRE, METRE)
    assert driver.read().value == 1000.0
    assert driver.read().value == 1000.0


@pytest.mark.parametrize(
    ("answer", "quality"),
    [(b"", Quality.NO_DATA), (b"\x03", Quality.CHECKSUM), (METRE + b"\x03", Quality.CHECKSUM)],
    ids=["none", "short", "long"],
)
def test_an_answer_of_the_wrong_length_is_none(
    driver: Driver, asked: AskedTerminal, answer: bytes, quality: Quality
) -> None:
    asked.will_answer(PING, answer, METRE)
    reading = driver.read()
    assert (reading.quality, reading.value) == (quality, None)
    assert driver.read().value == 1000.0


def test_the_temperature_is_asked_seldom(
    driver: Driver, asked: AskedTerminal, clock: ManualClock
) -> None:
    asked.will_answer(PING, *[METRE] * 3)
    asked.will_answer(THERMOMETER, WARM, bytes([45 - 7]))
    assert driver.read().temperature_c == 21.0
    assert driver.read().temperature_c == 21.0
    clock.sleep(60.0)
    assert driver.read().temperature_c == -7.0
    assert [request for _, request in asked.asked] == [PING, THERMOMETER, PING, PING, THERMOMETER]


def test_a_thermometer_that_does_not_answer_costs_no_distance(
    driver: Driver, asked: AskedTerminal
) -> None:
    asked.will_answer(PING, METRE)
    reading = driver.read()
    assert (reading.value, reading.temperature_c) == (1000.0, None)


def test_a_silent_sensor_is_not_asked_for_its_temperature(
    driver: Driver, asked: AskedTerminal
) -> None:
    asked.will_answer(THERMOMETER, WARM)
    assert driver.read().quality is Quality.NO_DATA
    asked.will_answer(PING, METRE)
    assert driver.read().temperature_c == 21.0
