"""HC-SR04 ultrasonic ranger on two GPIO pins.

Source: HC-SR04 user guide, Elecfreaks ("Timing diagram"),
https://cdn.sparkfun.com/datasheets/Sensors/Proximity/HCSR04.pdf: a trigger pulse of 10 us or
more starts eight cycles of 40 kHz; the echo line is then high for as long as the sound was under
way, or for about 38 ms where nothing came back; pings are to be 60 ms apart.

The echo line answers with 5 V: it needs a divider (1 k / 2 k) before a Pi's pin.

The echo's width is the difference of the two edges' own timestamps, so a busy Python does not
lengthen it. gpiozero's DistanceSensor is not used: it answers the median of old readings for as
long as new ones fail. Which pin library drives the pins is gpiozero's to choose
(GPIOZERO_PIN_FACTORY, see docs/drivers.md).
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers import DriverError, Monotonic, Quality, Reading

TRIGGER_S = 10e-6
CYCLE_S = 0.060
NO_OBSTACLE_S = 0.038
ECHO_WAIT_S = 0.050
"""An echo lasts at most 38 ms and begins within a few ms of the trigger."""

PINS = ("trigger", "echo")
"""The options that are pins: `lotkeeper agent check` finds those that are used twice."""

_PINS_HINT = (
    "check that the pins are BCM numbers used by nothing else, that the service's user is in the "
    "group gpio, and that lgpio (or RPi.GPIO) is installed"
)


class Config(BaseModel):
    """Pins are BCM numbers. The air's temperature sets the speed of sound."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="hcsr04")

    trigger: int = Field(ge=0, le=27)
    echo: int = Field(ge=0, le=27)
    temperature_c: float = Field(20.0, ge=-50, le=70)
    minimum_mm: float = Field(20.0, ge=0)
    maximum_mm: float = Field(4000.0, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.trigger == self.echo:
            raise ValueError(f"trigger and echo are both pin {self.echo}: each needs its own")
        if self.minimum_mm >= self.maximum_mm:
            raise ValueError("minimum_mm must be less than maximum_mm")
        return self


def distance_mm(echo_s: float, temperature_c: float) -> float:
    """Half the way that sound goes in `echo_s`, in air at `temperature_c`."""
    speed_m_s = 331.3 + 0.606 * temperature_c
    return echo_s * speed_m_s / 2 * 1000


def decode(echo_s: float | None, config: Config, monotonic_s: float) -> Reading:
    """The reading of an echo's width in seconds, or of none (None)."""
    if echo_s is None or echo_s > NO_OBSTACLE_S:
        return Reading(None, "mm", Quality.NO_ECHO, echo_s, monotonic_s)
    value = distance_mm(echo_s, config.temperature_c)
    if value > config.maximum_mm:
        return Reading(None, "mm", Quality.NO_ECHO, echo_s, monotonic_s)
    if value < config.minimum_mm:
        return Reading(None, "mm", Quality.BLOCKED, echo_s, monotonic_s)
    return Reading(value, "mm", Quality.OK, echo_s, monotonic_s)


class Driver:
    """One HC-SR04. `raw` is the echo's width in seconds, None where there was none.

    A read ends only when the air is quiet again (60 ms after its ping), so that sensors polled
    one after the other do not hear each other.
    """

    bus = "gpio"
    timeout_s = ECHO_WAIT_S + CYCLE_S

    def __init__(
        self,
        config: Config,
        monotonic: Monotonic,
        pin_factory: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._pin_factory = pin_factory
        self._sleep = sleep
        self._trigger: Any = None
        self._echo: Any = None
        self._ticks_diff: Callable[[Any, Any], float]
        self._rise: Any = None
        self._echo_s: float | None = None
        self._fallen = threading.Event()

    def open(self) -> None:
        """Claim the pins. Raises DriverError."""
        try:
            self._claim()
        # Each pin library raises classes of its own (lgpio.error, RuntimeError, OSError).
        except Exception as error:
            self.close()
            pins = f"pins {self._config.trigger} and {self._config.echo}"
            raise DriverError(f"hcsr04 on {pins}: {error}", _PINS_HINT) from error

    def read(self) -> Reading:
        """Ping once. Raises DriverError where the driver is not open."""
        if self._echo is None:
            raise DriverError("hcsr04 is not open", "call open() first")
        pinged_s = self._monotonic()
        if self._echo.pin.state:
            # Some copies hold the line up to 200 ms where nothing came back, and ignore pings.
            return Reading(None, "mm", Quality.NO_ECHO, None, pinged_s)
        echo_s = self._ping()
        self._wait_until(pinged_s + CYCLE_S)
        return decode(echo_s, self._config, pinged_s)

    def close(self) -> None:
        """Let the pins go."""
        for device in (self._trigger, self._echo):
            if device is not None:
                device.close()
        self._trigger = self._echo = None

    def _claim(self) -> None:
        from gpiozero import (  # type: ignore[import-untyped]
            DigitalOutputDevice,
            InputDevice,
        )

        self._trigger = DigitalOutputDevice(self._config.trigger, pin_factory=self._pin_factory)
        # The pull-down keeps the line of a torn cable from floating.
        echo = InputDevice(self._config.echo, pull_up=False, pin_factory=self._pin_factory)
        self._echo = echo
        self._ticks_diff = echo.pin_factory.ticks_diff
        echo.pin.edges = "both"
        echo.pin.when_changed = self._edge

    def _ping(self) -> float | None:
        self._rise = self._echo_s = None
        self._fallen.clear()
        self._trigger.on()
        self._sleep(TRIGGER_S)
        self._trigger.off()
        self._fallen.wait(ECHO_WAIT_S)
        return self._echo_s

    def _edge(self, ticks: Any, state: int) -> None:
        """On the pin library's thread. A fall without its rise is a former ping's: no echo."""
        if state and self._rise is None:
            self._rise = ticks
        elif not state and self._rise is not None and not self._fallen.is_set():
            self._echo_s = self._ticks_diff(ticks, self._rise)
            self._fallen.set()

    def _wait_until(self, due_s: float) -> None:
        left_s = due_s - self._monotonic()
        if left_s > 0:
            self._sleep(left_s)
