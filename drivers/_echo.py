"""What rangers on two GPIO pins share: a trigger pulse in, an echo pulse out whose width is the
time that the sound was under way.

The width is the difference of the two edges' own timestamps, so a busy Python does not lengthen
it where the pin library gives any: lgpio takes the kernel's, RPi.GPIO has none and the callback's
time stands in (docs/drivers.md, "Pins"). gpiozero's DistanceSensor is not used: it answers the
median of old readings for as long as new ones fail. Which pin library drives the pins is
gpiozero's to choose (GPIOZERO_PIN_FACTORY).
"""

import math
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers import DriverError, Monotonic, Quality, Reading
from drivers._air import LONGEST_S, ping_cycle
from drivers._frames import ranged

PINS = ("trigger", "echo")
"""The options that are pins: `lotkeeper agent check` finds those that are used twice."""

_PINS_HINT = (
    "check that the pins are BCM numbers used by nothing else; that the service's user is in the "
    "group gpio; that lgpio is installed and may write to the working directory (or LG_WD): "
    "RPi.GPIO itself works neither on a Pi 5 nor on kernels since 6.6"
)


class EchoConfig(BaseModel):
    """Pins are BCM numbers. The air's temperature sets the speed of sound."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trigger: int = Field(ge=0, le=27)
    echo: int = Field(ge=0, le=27)
    temperature_c: float = Field(20.0, ge=-50, le=70)
    minimum_mm: float = Field(ge=0)
    maximum_mm: float = Field(gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.trigger == self.echo:
            raise ValueError(f"trigger and echo are both pin {self.echo}: each needs its own")
        if self.minimum_mm >= self.maximum_mm:
            raise ValueError("minimum_mm must be less than maximum_mm")
        return self


@dataclass(frozen=True, slots=True)
class Timing:
    """A sensor's times in seconds: the trigger pulse; the pulse that means that nothing came
    back; how long to wait for the end of any; from one ping to the next."""

    trigger_s: float
    no_obstacle_s: float
    echo_wait_s: float
    cycle_s: float


def distance_mm(echo_s: float, temperature_c: float) -> float:
    """Half the way that sound goes in `echo_s`, in air at `temperature_c`.

    Beside gpiozero's fixed 343.26 m/s this speed is 7.0 % less at -20 C and 3.6 % more at 40 C:
    who reckons with the fixed one reads 7.5 % too far in the frost, 3.5 % too near in the heat.
    """
    speed_m_s = 331.3 + 0.606 * temperature_c
    return echo_s * speed_m_s / 2 * 1000


def decode_echo(
    echo_s: float | None, config: EchoConfig, timing: Timing, monotonic_s: float
) -> Reading:
    """The reading of an echo's width in seconds, or of none (None)."""
    if echo_s is None or echo_s >= timing.no_obstacle_s:
        return Reading(None, "mm", Quality.NO_ECHO, echo_s, monotonic_s)
    # What stands at the blind zone's very edge is in it.
    nearest_mm = math.nextafter(config.minimum_mm, math.inf)
    value = distance_mm(echo_s, config.temperature_c)
    return ranged(value, nearest_mm, config.maximum_mm, echo_s, monotonic_s)


class EchoDriver:
    """A ranger with a trigger and an echo pin. Must override: `TIMING`.

    `raw` is the echo's width in seconds, None where there was none. A read ends only when the air
    is quiet again, so that sensors polled one after the other do not hear each other.
    """

    TIMING: ClassVar[Timing]
    unit = "mm"
    bus = "gpio"

    def __init__(
        self,
        config: EchoConfig,
        monotonic: Monotonic,
        pin_factory: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._pin_factory = pin_factory
        self._sleep = sleep
        self._kind = config.model_config.get("title")
        self.timeout_s = LONGEST_S + self.TIMING.echo_wait_s + self.TIMING.cycle_s
        self._trigger: Any = None
        self._echo: Any = None
        self._ticks_diff: Callable[[Any, Any], float]
        self._rise: Any = None
        self._echo_s: float | None = None
        self._fallen = threading.Event()

    def open(self) -> None:
        """Claim the pins. Raises DriverError."""
        self.close()
        try:
            self._claim()
        # Each pin library raises classes of its own (lgpio.error, RuntimeError, OSError).
        except Exception as error:
            self.close()
            # A device that gpiozero could not finish keeps its pin for as long as it lives, and
            # the next open() would find the pin in use.
            traceback.clear_frames(error.__traceback__)
            pins = f"pins {self._config.trigger} and {self._config.echo}"
            raise DriverError(f"{self._kind} on {pins}: {error}", _PINS_HINT) from error

    def read(self) -> Reading:
        """Ping once. Raises DriverError where the driver is not open."""
        if self._echo is None:
            raise DriverError(f"{self._kind} is not open", "call open() first")
        with ping_cycle(self.TIMING.cycle_s, self._monotonic, self._sleep) as pinged_s:
            # Some copies hold the line up to 200 ms where nothing came back, and ignore pings.
            echo_s = None if self._echo.pin.state else self._ping()
        return decode_echo(echo_s, self._config, self.TIMING, pinged_s)

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
        self._sleep(self.TIMING.trigger_s)
        self._trigger.off()
        self._fallen.wait(self.TIMING.echo_wait_s)
        return self._echo_s

    def _edge(self, ticks: Any, state: int) -> None:
        """On the pin library's thread. A fall without its rise is a former ping's: no echo."""
        if state and self._rise is None:
            self._rise = ticks
        elif not state and self._rise is not None and not self._fallen.is_set():
            self._echo_s = self._ticks_diff(ticks, self._rise)
            self._fallen.set()
