from collections.abc import Callable, Iterator

import pytest
from pydantic import ValidationError

from drivers import Quality
from drivers.jsn_sr04t import TIMING, Config, Driver, decode
from drivers.testing import DriverContract, EchoRanger, ManualClock

CONFIG = Config(trigger=23, echo=24)
MM_PER_S = 171710
"""Half the speed of sound at 20 C."""


@pytest.fixture
def ranger(clock: ManualClock) -> EchoRanger:
    return EchoRanger(CONFIG.trigger, CONFIG.echo, clock, trigger_s=20e-6, cycle_s=0.060)


@pytest.fixture
def driver(ranger: EchoRanger, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(CONFIG, clock, pin_factory=ranger.factory, sleep=clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, ranger: EchoRanger) -> Driver:
        return Driver(CONFIG, clock, pin_factory=ranger.factory, sleep=clock.sleep)

    @pytest.fixture
    def stimulate(self, ranger: EchoRanger) -> Callable[[], None]:
        return lambda: ranger.will_echo(2500 / MM_PER_S)


@pytest.mark.parametrize(
    ("echo_s", "quality"),
    [
        (None, Quality.NO_ECHO),
        (0.0, Quality.NO_ECHO),
        (200 / MM_PER_S, Quality.BLOCKED),
        (250 / MM_PER_S, Quality.BLOCKED),
        (251 / MM_PER_S, Quality.OK),
        (4499 / MM_PER_S, Quality.OK),
        (4501 / MM_PER_S, Quality.NO_ECHO),
        (0.060, Quality.NO_ECHO),
    ],
)
def test_decode_tells_what_an_echo_is_worth(echo_s: float | None, quality: Quality) -> None:
    reading = decode(echo_s, CONFIG, 7.0)
    assert reading.quality is quality
    assert (reading.value is None) == (quality is not Quality.OK)


def test_version_3_hears_to_6_m_in_the_frost() -> None:
    frosty = Config(trigger=23, echo=24, temperature_c=-20, maximum_mm=6000)
    assert decode(5999 / 159590, frosty, 0.0).quality is Quality.OK


def test_the_pulse_of_no_obstacle_is_no_echo_whatever_the_temperature() -> None:
    for temperature_c in (-50, 70):
        config = Config(trigger=23, echo=24, temperature_c=temperature_c, maximum_mm=6000)
        assert decode(0.060, config, 0.0).quality is Quality.NO_ECHO


def test_a_bay_is_ranged(driver: Driver, ranger: EchoRanger) -> None:
    ranger.will_echo(2500 / MM_PER_S)
    assert driver.read().value == pytest.approx(2500, abs=0.01)


def test_nothing_in_sight_is_no_echo_and_the_next_ping_waits_for_the_line_to_fall(
    driver: Driver, ranger: EchoRanger, clock: ManualClock
) -> None:
    ranger.will_echo(0.060)
    ranger.will_echo(2500 / MM_PER_S)
    assert driver.read().quality is Quality.NO_ECHO
    assert clock() - ranger.pinged_s[0] >= 0.070
    assert driver.read().quality is Quality.OK


def test_pings_are_100_ms_apart(driver: Driver, ranger: EchoRanger) -> None:
    for _ in range(3):
        driver.read()
    gaps = [b - a for a, b in zip(ranger.pinged_s, ranger.pinged_s[1:], strict=False)]
    assert gaps == [pytest.approx(TIMING.cycle_s)] * 2


def test_a_trigger_of_10_us_would_be_refused(clock: ManualClock) -> None:
    ranger = EchoRanger(CONFIG.trigger, CONFIG.echo, clock, trigger_s=20e-6)
    ranger.trigger(True)
    clock.sleep(10e-6)
    with pytest.raises(AssertionError, match="trigger pulse of 10 us, needs 20"):
        ranger.trigger(False)


def test_a_blind_zone_below_what_the_sensor_has_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"minimum_mm\n.*greater than or equal to 200"):
        Config(trigger=23, echo=24, minimum_mm=100)
