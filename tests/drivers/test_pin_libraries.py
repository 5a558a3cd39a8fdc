"""The trigger/echo drivers on gpiozero's own lgpio and RPi.GPIO factories, as a Pi chooses them.

Only the libraries below gpiozero are fake. lgpio tells when an edge was; RPi.GPIO does not, and
the time of its callback stands in.
"""

import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import gpiozero.pins.local  # type: ignore[import-untyped]
import pytest
from gpiozero import Device

from drivers import DriverError, Quality, hcsr04, jsn_sr04t
from drivers._echo import EchoConfig, EchoDriver
from drivers.testing import ManualClock
from drivers.testing.pin_libraries import FakeLgpio, FakeRPiGPIO, LgpioError, Lines
from drivers.testing.pins import Transducer

TRIGGER, ECHO = 23, 24
PI_4, PI_5 = 0xC03111, 0xC04170
METRE_S = 2 / 343.42

SENSORS = pytest.mark.parametrize(
    ("config", "driver"),
    [
        (hcsr04.Config(trigger=TRIGGER, echo=ECHO), hcsr04.Driver),
        (jsn_sr04t.Config(trigger=TRIGGER, echo=ECHO), jsn_sr04t.Driver),
    ],
    ids=["hcsr04", "jsn_sr04t"],
)
LIBRARIES = pytest.mark.parametrize("library", ["lgpio", "rpigpio"])
Use = Callable[..., None]


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def ranger(clock: ManualClock, lines: Lines) -> Transducer:
    """A sensor at the lines: time passes until an edge, and then its callback comes."""
    ranger = Transducer(clock, trigger_s=10e-6)
    lines.on_output[TRIGGER] = ranger.trigger
    ranger.line_high = lambda: lines.level.get(ECHO, False)

    def deliver(at_s: float, level: bool) -> None:
        clock.sleep(at_s - clock())
        lines.edge(ECHO, at_s, level)

    ranger.deliver = deliver
    return ranger


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, clock: ManualClock, lines: Lines) -> Iterator[Use]:
    """Choose a pin library as an installation does, by what is there and the environment."""

    def use(
        library: str, revision: int = PI_4, lgpio: object = None, rpigpio: object = None
    ) -> None:
        rpi = ModuleType("RPi")
        monkeypatch.setattr(rpi, "GPIO", rpigpio or FakeRPiGPIO(lines), raising=False)
        for name, module in {"lgpio": lgpio or FakeLgpio(lines), "RPi": rpi}.items():
            monkeypatch.setitem(sys.modules, name, module)
            monkeypatch.delitem(sys.modules, f"gpiozero.pins.{name}", raising=False)
        monkeypatch.delitem(sys.modules, "gpiozero.pins.rpigpio", raising=False)
        monkeypatch.setattr(gpiozero.pins.local, "get_pi_revision", lambda: revision)
        monkeypatch.setattr(gpiozero.pins.local, "monotonic", clock)
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", library)
        monkeypatch.setattr(Device, "pin_factory", None)

    yield use
    if Device.pin_factory is not None:
        Device.pin_factory.close()


def opened(driver: type[EchoDriver], config: EchoConfig, clock: ManualClock) -> EchoDriver:
    sensor = driver(config, clock, sleep=clock.sleep)
    sensor.open()
    return sensor


@LIBRARIES
@SENSORS
def test_a_distance_is_measured_with_either_library(
    use: Use,
    ranger: Transducer,
    clock: ManualClock,
    library: str,
    config: EchoConfig,
    driver: type[EchoDriver],
) -> None:
    use(library)
    sensor = opened(driver, config, clock)
    assert Device.pin_factory.__module__ == f"gpiozero.pins.{library}"
    for width_s in (METRE_S, 2 * METRE_S):
        ranger.will_echo(width_s)
        assert sensor.read().raw == pytest.approx(width_s, abs=2e-9)
    sensor.close()


@LIBRARIES
def test_pins_are_set_up_as_the_wiring_wants(
    use: Use, lines: Lines, ranger: Transducer, clock: ManualClock, library: str
) -> None:
    use(library)
    sensor = opened(hcsr04.Driver, hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)
    assert (lines.mode[TRIGGER], lines.mode[ECHO]) == ("out", "in")
    assert lines.level[TRIGGER] is False
    assert lines.pull[ECHO] in (FakeLgpio.SET_PULL_DOWN, FakeRPiGPIO.PUD_DOWN)
    sensor.close()
    assert lines.mode.get(TRIGGER) != "out"
    assert lines.on_edge == {}


@LIBRARIES
def test_silence_and_a_line_held_high_are_no_echo(
    use: Use, lines: Lines, ranger: Transducer, clock: ManualClock, library: str
) -> None:
    use(library)
    sensor = opened(hcsr04.Driver, hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)
    assert sensor.read().quality is Quality.NO_ECHO
    lines.edge(ECHO, clock(), True)
    assert sensor.read().quality is Quality.NO_ECHO
    assert len(ranger.pinged_s) == 1
    lines.edge(ECHO, clock(), False)
    ranger.will_echo(METRE_S)
    assert sensor.read().quality is Quality.OK
    sensor.close()


@pytest.mark.parametrize(
    ("library", "error_mm"), [("lgpio", 0.0), ("rpigpio", -171.71)], ids=["lgpio", "rpigpio"]
)
def test_a_callback_a_millisecond_late_costs_rpigpio_17_cm_and_lgpio_nothing(
    use: Use, lines: Lines, ranger: Transducer, clock: ManualClock, library: str, error_mm: float
) -> None:
    use(library)
    sensor = opened(hcsr04.Driver, hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)
    deliver = ranger.deliver

    def busy(at_s: float, level: bool) -> None:
        if level:
            clock.sleep(at_s + 0.001 - clock())
            lines.edge(ECHO, at_s, level)
        else:
            deliver(at_s, level)

    ranger.deliver = busy
    ranger.will_echo(METRE_S)
    assert sensor.read().value == pytest.approx(1000 + error_mm, abs=0.01)
    sensor.close()


def test_a_rise_and_a_fall_reported_together_are_no_echo_with_rpigpio(
    use: Use, lines: Lines, ranger: Transducer, clock: ManualClock
) -> None:
    use("rpigpio")
    sensor = opened(hcsr04.Driver, hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)

    def late(at_s: float, level: bool) -> None:
        lines.edge(ECHO, at_s, False)  # the level is read when both edges are over

    ranger.deliver = late
    ranger.will_echo(METRE_S)
    assert sensor.read().quality is Quality.NO_ECHO
    sensor.close()


def test_a_pi_5_is_driven_by_lgpio(use: Use, lines: Lines, clock: ManualClock) -> None:
    use("lgpio", revision=PI_5)
    sensor = opened(hcsr04.Driver, hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)
    assert lines.mode[TRIGGER] == "out"
    sensor.close()


def refusal(clock: ManualClock) -> DriverError:
    """What opening ends with, the second time too."""
    sensor = hcsr04.Driver(hcsr04.Config(trigger=TRIGGER, echo=ECHO), clock)
    with pytest.raises(DriverError) as first:
        sensor.open()
    with pytest.raises(DriverError) as second:
        sensor.open()
    assert str(first.value) == str(second.value)
    return second.value


def test_rpigpio_on_a_pi_5_is_a_driver_error_that_names_lgpio(
    use: Use, lines: Lines, clock: ManualClock
) -> None:
    use("rpigpio", revision=PI_5, rpigpio=FakeRPiGPIO(lines, soc=False))
    error = refusal(clock)
    assert "Cannot determine SOC peripheral base address" in str(error)
    assert "lgpio" in error.hint


def test_rpigpio_on_a_new_kernel_is_a_driver_error_that_names_lgpio(
    use: Use, lines: Lines, clock: ManualClock
) -> None:
    use("rpigpio", rpigpio=FakeRPiGPIO(lines, sysfs=False))
    error = refusal(clock)
    assert "Failed to add edge detection" in str(error)
    assert "6.6" in error.hint


def test_no_gpio_chip_is_a_driver_error_with_a_hint(
    use: Use, lines: Lines, clock: ManualClock
) -> None:
    use("lgpio", lgpio=FakeLgpio(lines, chips=()))
    error = refusal(clock)
    assert "can not open gpiochip" in str(error)
    assert "group gpio" in error.hint


def test_the_fake_lgpio_refuses_what_lgpio_refuses(lines: Lines) -> None:
    lgpio = FakeLgpio(lines)
    with pytest.raises(LgpioError, match="not allocated"):
        lgpio.gpio_read(0, 5)
    with pytest.raises(LgpioError, match="not allocated"):
        lgpio.gpio_free(0, 5)
    lgpio.gpio_claim_input(0, 5)
    with pytest.raises(AssertionError, match="no output"):
        lgpio.gpio_write(0, 5, 1)


def test_the_fake_rpigpio_refuses_what_rpigpio_refuses(lines: Lines) -> None:
    gpio = FakeRPiGPIO(lines)
    with pytest.raises(RuntimeError, match="numbering mode"):
        gpio.setup(5, gpio.IN)
    gpio.setmode(gpio.BCM)
    with pytest.raises(ValueError, match="not valid for outputs"):
        gpio.setup(5, gpio.OUT, gpio.PUD_UP)
    with pytest.raises(RuntimeError, match="set up as an OUTPUT"):
        gpio.output(5, 1)
    with pytest.raises(RuntimeError, match=r"setup\(\) the GPIO channel first"):
        gpio.input(5)
    with pytest.raises(RuntimeError, match="as an input first"):
        gpio.add_event_detect(5, gpio.BOTH, print)
    gpio.setup(5, gpio.IN)
    gpio.add_event_detect(5, gpio.BOTH, print)
    with pytest.raises(RuntimeError, match="Conflicting"):
        gpio.add_event_detect(5, gpio.BOTH, print)
