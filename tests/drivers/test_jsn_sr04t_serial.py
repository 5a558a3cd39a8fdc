from collections.abc import Callable

import pytest

from drivers import Quality
from drivers.jsn_sr04t_serial import Config, Driver, decode
from drivers.testing import AskedTerminal, DriverContract, ManualClock
from drivers.testing.frames import distance_frame

GOLDEN = bytes.fromhex("FF 07 A1 A7")


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, asked: AskedTerminal) -> Driver:
        return Driver(Config(port=asked.port), clock, clock.sleep)

    @pytest.fixture
    def stimulate(self, asked: AskedTerminal) -> Callable[[], None]:
        return lambda: asked.will_answer(0x55, GOLDEN)


def read(asked: AskedTerminal, clock: ManualClock, **options: object) -> Quality:
    config = Config.model_validate({"port": asked.port, **options})
    driver = Driver(config, clock, clock.sleep)
    driver.open()
    try:
        return driver.read().quality
    finally:
        driver.close()


def test_the_published_frame_is_1953_mm() -> None:
    reading = decode(GOLDEN, Config(), 3.0)
    assert (reading.value, reading.raw, reading.monotonic_s) == (1953.0, 1953, 3.0)


@pytest.mark.parametrize(
    ("distance_mm", "quality"),
    [
        (0, Quality.NO_ECHO),
        (250, Quality.BLOCKED),
        (251, Quality.OK),
        (6000, Quality.OK),
        (6001, Quality.NO_ECHO),
    ],
)
def test_what_a_distance_is_worth(distance_mm: int, quality: Quality) -> None:
    assert decode(distance_frame(distance_mm), Config(), 0.0).quality is quality


@pytest.mark.parametrize(
    ("header_in_sum", "quality"), [(False, Quality.OK), (True, Quality.CHECKSUM)]
)
def test_a_copy_that_sums_h_and_l_alone_needs_its_option(
    asked: AskedTerminal, clock: ManualClock, header_in_sum: bool, quality: Quality
) -> None:
    asked.will_answer(0x55, distance_frame(1953, header_in_sum=False))
    assert read(asked, clock, header_in_sum=header_in_sum) is quality


def test_a_copy_that_is_asked_with_01(asked: AskedTerminal, clock: ManualClock) -> None:
    asked.will_answer(0x01, GOLDEN)
    assert read(asked, clock, request=1) is Quality.OK


def test_a_sensor_that_does_not_answer_is_no_data(asked: AskedTerminal, clock: ManualClock) -> None:
    assert read(asked, clock) is Quality.NO_DATA
