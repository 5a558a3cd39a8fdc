from collections.abc import Callable, Iterator

import pytest

from drivers import Quality
from drivers.jsn_sr04t_serial import Config, Driver, decode
from drivers.testing import AskedTerminal, DriverContract, ManualClock
from drivers.testing.frames import distance_frame

GOLDEN = bytes.fromhex("FF 07 A1 A7")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def line(clock: ManualClock) -> Iterator[AskedTerminal]:
    with AskedTerminal(clock) as line:
        yield line


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: AskedTerminal) -> Driver:
        return Driver(Config(port=line.port), clock, clock.sleep)

    @pytest.fixture
    def stimulate(self, line: AskedTerminal) -> Callable[[], None]:
        return lambda: line.will_answer(0x55, GOLDEN)


def read(line: AskedTerminal, clock: ManualClock, **options: object) -> Quality:
    config = Config.model_validate({"port": line.port, **options})
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
        (249, Quality.BLOCKED),
        (250, Quality.OK),
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
    line: AskedTerminal, clock: ManualClock, header_in_sum: bool, quality: Quality
) -> None:
    line.will_answer(0x55, distance_frame(1953, header_in_sum=False))
    assert read(line, clock, header_in_sum=header_in_sum) is quality


def test_a_copy_that_is_asked_with_01(line: AskedTerminal, clock: ManualClock) -> None:
    line.will_answer(0x01, GOLDEN)
    assert read(line, clock, request=1) is Quality.OK


def test_a_sensor_that_does_not_answer_is_no_data(line: AskedTerminal, clock: ManualClock) -> None:
    assert read(line, clock) is Quality.NO_DATA
