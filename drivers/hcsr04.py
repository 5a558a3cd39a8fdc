"""HC-SR04 ultrasonic ranger on two GPIO pins.

Source: HC-SR04 user guide, Elecfreaks ("Timing diagram"),
https://cdn.sparkfun.com/datasheets/Sensors/Proximity/HCSR04.pdf: a trigger pulse of 10 us or
more starts eight cycles of 40 kHz; the echo line is then high for as long as the sound was under
way, or for about 38 ms where nothing came back; pings are to be 60 ms apart.

The echo line answers with 5 V: it needs a divider (1 k / 2 k) before a Pi's pin.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._echo import PINS, EchoConfig, EchoDriver, Timing, decode_echo

__all__ = ["PINS", "TIMING", "Config", "Driver", "decode"]

TIMING = Timing(trigger_s=10e-6, no_obstacle_s=0.038, echo_wait_s=0.050, cycle_s=0.060)
"""An echo lasts at most 38 ms and begins within a few ms of the trigger."""


class Config(EchoConfig):
    """Pins, the air's temperature, and the range in mm."""

    model_config = ConfigDict(title="hcsr04")

    minimum_mm: float = Field(20.0, ge=0)
    maximum_mm: float = Field(4000.0, gt=0)


def decode(echo_s: float | None, config: Config, monotonic_s: float) -> Reading:
    """The reading of an echo's width in seconds, or of none (None)."""
    return decode_echo(echo_s, config, TIMING, monotonic_s)


class Driver(EchoDriver):
    """One HC-SR04."""

    TIMING = TIMING
