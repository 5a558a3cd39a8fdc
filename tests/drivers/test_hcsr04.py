from collections.abc import Callable, Iterator

import pytest

from drivers import Quality
from drivers.hcsr04 import TIMING, Config, Driver, decode
from drivers.testing import DriverContract, EchoRanger, ManualClock

CONFIG = Config(trigger=23, echo=24)
METRE_S = 2 / 343.42
"""The echo of a metre at 20 C."""


@pytest.fixture
def ranger(clock: ManualClock) -> EchoRanger:
    return EchoRanger(CONFIG.trigger, CONFIG.echo, clock)


@pytest.fixture
def driver(ranger: EchoRanger, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(CONFIG, clock, pin_factory=ranger.factory, sleep=clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def ranger(self, clock: ManualClock) -> EchoRanger:
        return EchoRanger(CONFIG.trigger, CONFIG.echo, clock)

    @pytest.fixture
    def driver(self, clock: ManualClock, ranger: EchoRanger) -> Driver:
        return Driver(CONFIG, clock, pin_factory=ranger.factory, sleep=clock.sleep)

    @pytest.fixture
    def stimulate(self, ranger: EchoRanger) -> Callable[[], None]:
        return lambda: ranger.will_echo(METRE_S)


@pytest.mark.parametrize(
    ("echo_s", "quality"),
    [
        (None, Quality.NO_ECHO),
        (0.0381, Quality.NO_ECHO),
        (4001 / 171710, Quality.NO_ECHO),
        (3999 / 171710, Quality.OK),
        (21 / 171710, Quality.OK),
        (19 / 171710, Quality.BLOCKED),
        (0.0, Quality.NO_ECHO),
    ],
)
def test_decode_tells_what_an_echo_is_worth(echo_s: float | None, quality: Quality) -> None:
    reading = decode(echo_s, CONFIG, 7.0)
    assert reading.quality is quality
    assert (reading.value is None) == (quality is not Quality.OK)
    assert reading.monotonic_s == 7.0


def test_the_datasheets_no_obstacle_pulse_is_no_echo_whatever_the_range() -> None:
    wide = Config(trigger=23, echo=24, maximum_mm=10_000)
    assert decode(0.0385, wide, 0.0).quality is Quality.NO_ECHO


def test_the_echo_is_timed_on_the_edges_own_timestamps(driver: Driver, ranger: EchoRanger) -> None:
    ranger.will_echo(METRE_S)
    reading = driver.read()
    assert reading.value == pytest.approx(1000.0, abs=0.01)
    assert reading.raw == pytest.approx(METRE_S, abs=1e-9)


def test_silence_is_no_echo(driver: Driver) -> None:
    reading = driver.read()
    assert (reading.quality, reading.value) == (Quality.NO_ECHO, None)


def test_back_to_back_reads_ping_60_ms_apart(driver: Driver, ranger: EchoRanger) -> None:
    for _ in range(3):
        ranger.will_echo(METRE_S)
        assert driver.read().quality is Quality.OK
    gaps = [b - a for a, b in zip(ranger.pinged_s, ranger.pinged_s[1:], strict=False)]
    assert gaps == [pytest.approx(TIMING.cycle_s)] * 2


def test_the_air_is_quiet_when_a_read_ends(driver: Driver, clock: ManualClock) -> None:
    before_s = clock()
    driver.read()
    assert clock() - before_s >= TIMING.cycle_s - 1e-9


def test_a_line_stuck_high_is_no_echo_and_is_not_pinged(driver: Driver, ranger: EchoRanger) -> None:
    ranger.echo.edge(0.0, True)
    assert driver.read().quality is Quality.NO_ECHO
    assert ranger.pinged_s == []
    ranger.echo.edge(1.0, False)
    ranger.will_echo(METRE_S)
    assert driver.read().quality is Quality.OK


RISE = (0.0005, True)
FALL = (0.0060, False)


@pytest.mark.parametrize("missed", [[RISE], [FALL]], ids=["no fall", "no rise"])
def test_a_missed_edge_does_not_poison_the_next_ping(
    driver: Driver, ranger: EchoRanger, missed: list[tuple[float, bool]]
) -> None:
    ranger.will_answer(*missed)
    ranger.will_echo(METRE_S)
    assert driver.read().quality is Quality.NO_ECHO
    ranger.echo._state = False  # the line fell, the edge was not reported
    assert driver.read().value == pytest.approx(1000.0, abs=0.01)


def test_a_former_pings_late_fall_and_a_second_echo_are_not_this_pings(
    driver: Driver, ranger: EchoRanger
) -> None:
    fall = (RISE[0] + METRE_S, False)
    ranger.will_answer((0.0001, False), RISE, fall, (0.03, True), (0.033, False))
    assert driver.read().value == pytest.approx(1000.0, abs=0.01)
