"""JSN-SR04T waterproof ultrasonic ranger in mode 1, on two GPIO pins.

Source: JSN-SR04T manual, "Mode 1" (R27 open, as delivered), as given by
https://qariya.net/product/jsn-sr04t-waterproof-ultrasonic-distance-measuring-module: trigger and
echo as on the HC-SR04, but where nothing comes back the echo line falls only after 60 ms. One
transducer sends and listens, and rings on for as long as sound takes to 20-25 cm and back. The
manual asks for a trigger of 10 us; stable readings want 20 ("Ping mode" of
https://www.modulemore.com/en/product/1225/k02-jsn-sr04t-integrated-ultrasonic-distance-measuring-module-reversing-radar-waterproof-ultrasonic).

The echo line gives the supply's voltage: at 5 V it needs a divider (1 k / 2 k) before a Pi's pin.
With a resistor on R27 the sensor speaks on a serial port: kind `jsn_sr04t_serial`.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._echo import PINS, EchoConfig, EchoDriver, Timing, decode_echo

__all__ = ["PINS", "TIMING", "Config", "Driver", "decode"]

FARTHEST_MM = 6000.0
"""Of version 3.0; version 2.0 hears to 4500 mm."""

TIMING = Timing(trigger_s=20e-6, no_obstacle_s=0.050, echo_wait_s=0.070, cycle_s=0.100)
"""Sound needs 38 ms for 6 m and back at -20 C: a pulse of 50 is none of an echo. The pulse of 60
is over by 70; 100 is the period at which the sensor pings when it does so of its own accord."""


class Config(EchoConfig):
    """Pins, the air's temperature, and the range in mm."""

    model_config = ConfigDict(title="jsn_sr04t")

    minimum_mm: float = Field(250.0, ge=200)
    maximum_mm: float = Field(4500.0, gt=0, le=FARTHEST_MM)


def decode(echo_s: float | None, config: Config, monotonic_s: float) -> Reading:
    """The reading of an echo's width in seconds, or of none (None)."""
    return decode_echo(echo_s, config, TIMING, monotonic_s)


class Driver(EchoDriver):
    """One JSN-SR04T in mode 1."""

    TIMING = TIMING
