from collections.abc import Callable

import pytest
from pydantic import ValidationError

from drivers import Quality
from drivers.sen0627 import CYCLE_S, FRAMING, TRIGGER, Config, Driver, decode
from drivers.testing import AskedTerminal, DriverContract, ManualClock
from drivers.testing.frames import distance_frame

GOLDEN = bytes.fromhex("FF 01 A1 A1")


@pytest.fixture
def driver(asked: AskedTerminal, clock: ManualClock) -> Driver:
    return Driver(Config(port=asked.port, timeout_s=0.5), clock, clock.sleep)


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, asked: AskedTerminal) -> Driver:
        return Driver(Config(port=asked.port), clock, clock.sleep)

    @pytest.fixture
    def stimulate(self, asked: AskedTerminal) -> Callable[[], None]:
        return lambda: asked.will_answer(TRIGGER[0], GOLDEN)


def test_the_published_frame_is_417_cm() -> None:
    assert FRAMING.parse(GOLDEN) == ([GOLDEN], 0, b"")
    reading = decode(GOLDEN, Config(), 3.0)
    assert (reading.value, reading.raw, reading.monotonic_s) == (4170.0, 417, 3.0)


@pytest.mark.parametrize(
    ("distance_cm", "quality"),
    [
        (0, Quality.NO_ECHO),
        (24, Quality.BLOCKED),
        (25, Quality.OK),
        (300, Quality.OK),
        (301, Quality.NO_ECHO),
        (0xFFFF, Quality.NO_ECHO),
    ],
)
def test_what_a_distance_is_worth(distance_cm: int, quality: Quality) -> None:
    config = Config(minimum_mm=250, maximum_mm=3000)
    assert decode(distance_frame(distance_cm), config, 0.0).quality is quality


def test_a_measurement_begins_no_sooner_than_2_5_s_after_the_last(
    driver: Driver, asked: AskedTerminal
) -> None:
    asked.will_answer(TRIGGER[0], GOLDEN, distance_frame(95))
    driver.open()
    assert driver.read().value == 4170.0
    assert driver.read().value == 950.0
    driver.close()
    (first_s, _), (second_s, _) = asked.asked
    assert second_s - first_s == pytest.approx(CYCLE_S)


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than maximum_mm"):
        Config(minimum_mm=500, maximum_mm=500)
