"""The air's temperature, for sensors without a thermometer of their own.

Source: Linux kernel, "Kernel driver w1_therm", https://docs.kernel.org/w1/slaves/w1_therm.html:
the file `temperature` holds thousandths of a degree Celsius. hwmon's `temp1_input` does as well.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

EVERY_S = 60.0
"""A DS18B20 takes 0.75 s to measure, and air changes slowly."""


class Air:
    """Reads the file at most once a minute; None while it cannot be read."""

    def __init__(self, path: Path | None, monotonic: Callable[[], float]) -> None:
        self._path = path
        self._monotonic = monotonic
        self._read_s = -math.inf
        self._temperature_c: float | None = None
        self._fails = False

    def temperature_c(self) -> float | None:
        """Degrees Celsius."""
        if self._path is None or self._monotonic() - self._read_s < EVERY_S:
            return self._temperature_c
        self._read_s = self._monotonic()
        try:
            self._temperature_c = int(self._path.read_text()) / 1000
            self._fails = False
        except (OSError, ValueError) as error:
            self._temperature_c = None
            if not self._fails:
                log.warning("air_temperature %s cannot be read: %s", self._path, error)
            self._fails = True
        return self._temperature_c
