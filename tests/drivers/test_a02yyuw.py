from collections.abc import Callable

import pytest

from drivers import Quality
from drivers.a02yyuw import FRAMING, Config, Driver, decode
from drivers.testing import DriverContract, ManualClock, PseudoTerminal
from drivers.testing.frames import distance_frame

GOLDEN = bytes.fromhex("FF 07 A1 A7")


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, line: PseudoTerminal) -> Driver:
        return Driver(Config(port=line.port), clock)

    @pytest.fixture
    def stimulate(self, line: PseudoTerminal) -> Callable[[], None]:
        return lambda: line.send(GOLDEN)


def test_the_published_frame_is_1953_mm() -> None:
    assert FRAMING.parse(GOLDEN) == ([GOLDEN], 0, b"")
    reading = decode(GOLDEN, 3.0)
    assert (reading.value, reading.raw, reading.monotonic_s) == (1953.0, 1953, 3.0)


@pytest.mark.parametrize(
    ("distance_mm", "quality"),
    [
        (0, Quality.NO_ECHO),
        (29, Quality.BLOCKED),
        (30, Quality.OK),
        (4500, Quality.OK),
        (4501, Quality.NO_ECHO),
        (0xFFFF, Quality.NO_ECHO),
    ],
)
def test_what_a_distance_is_worth(distance_mm: int, quality: Quality) -> None:
    assert decode(distance_frame(distance_mm), 0.0).quality is quality


def test_a_bad_sum_does_not_take_the_good_frame_with_it(
    clock: ManualClock, line: PseudoTerminal
) -> None:
    driver = Driver(Config(port=line.port), clock)
    driver.open()
    line.send(GOLDEN[:3] + b"\x00" + GOLDEN)
    assert driver.read().value == 1953.0
    driver.close()
