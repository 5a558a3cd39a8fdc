"""What the trigger/echo rangers share; each kind's own times and range are in its own test."""

import pytest
from gpiozero import DistanceSensor  # type: ignore[import-untyped]
from pydantic import ValidationError

from drivers import DriverError, hcsr04, jsn_sr04t
from drivers._echo import EchoConfig, EchoDriver, distance_mm
from drivers.testing import EchoRanger, ManualClock

GPIOZERO_SPEED_M_S = 343.26
CONFIG = hcsr04.Config(trigger=23, echo=24)


def test_gpiozeros_speed_of_sound_is_fixed() -> None:
    assert GPIOZERO_SPEED_M_S in DistanceSensor.__init__.__code__.co_consts


@pytest.mark.parametrize(("temperature_c", "error"), [(-20, -0.070), (0, -0.035), (40, 0.036)])
def test_the_true_distance_against_gpiozeros(temperature_c: float, error: float) -> None:
    fixed_mm = 0.01 * GPIOZERO_SPEED_M_S / 2 * 1000
    assert distance_mm(0.01, temperature_c) / fixed_mm - 1 == pytest.approx(error, abs=5e-4)


@pytest.mark.parametrize(("temperature_c", "error"), [(-20, +0.075), (40, -0.035)])
def test_gpiozero_reads_too_far_in_the_frost_and_too_near_in_the_heat(
    temperature_c: float, error: float
) -> None:
    fixed_mm = 0.01 * GPIOZERO_SPEED_M_S / 2 * 1000
    assert fixed_mm / distance_mm(0.01, temperature_c) - 1 == pytest.approx(error, abs=5e-4)


def test_pins_in_use_are_a_driver_error_with_a_hint() -> None:
    ranger = EchoRanger(CONFIG.trigger, CONFIG.echo, ManualClock())
    first = hcsr04.Driver(CONFIG, ManualClock(), pin_factory=ranger.factory)
    first.open()
    second = hcsr04.Driver(CONFIG, ManualClock(), pin_factory=ranger.factory)
    with pytest.raises(DriverError, match="hcsr04 on pins 23 and 24") as caught:
        second.open()
    assert "BCM" in caught.value.hint
    first.close()


def test_a_driver_that_is_open_may_be_opened_again() -> None:
    clock = ManualClock()
    ranger = EchoRanger(CONFIG.trigger, CONFIG.echo, clock)
    driver = hcsr04.Driver(CONFIG, clock, pin_factory=ranger.factory, sleep=clock.sleep)
    driver.open()
    driver.open()
    ranger.will_echo(0.01)
    assert driver.read().raw == pytest.approx(0.01)
    driver.close()


@pytest.mark.parametrize(
    ("config", "driver"),
    [(hcsr04.Config, hcsr04.Driver), (jsn_sr04t.Config, jsn_sr04t.Driver)],
    ids=["hcsr04", "jsn_sr04t"],
)
def test_a_read_ends_within_its_time_out_whatever_is_heard(
    config: type[EchoConfig], driver: type[EchoDriver]
) -> None:
    sensor = driver(config.model_validate({"trigger": 5, "echo": 6}), ManualClock())
    timing = driver.TIMING
    assert timing.no_obstacle_s < timing.echo_wait_s < timing.cycle_s
    assert sensor.timeout_s >= 0.5 + timing.cycle_s


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trigger": 5, "echo": 5}, "each needs its own"),
        ({"trigger": 5, "echo": 6, "minimum_mm": 50, "maximum_mm": 40}, "less than maximum_mm"),
        ({"trigger": 5, "echo": 28}, "less than or equal to 27"),
    ],
)
def test_config_refuses_what_cannot_work(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        hcsr04.Config.model_validate(options)
