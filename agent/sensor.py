"""One sensor: opened, read, closed when it fails, and opened again later.

A sensor that fails is closed and opened again with a back-off of 1 to 60 s; every poll in between
is a missed reading, so that the detector can say `unknown`.
"""

import logging
from dataclasses import dataclass

from drivers import DriverError, Quality, Reading, SensorDriver

log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0
KEPT_S = 0.5


@dataclass(slots=True)
class Sensor:
    """A driver, how often it is read and when it was; `unit` of a fused spot's sensors alone."""

    driver: SensorDriver
    sample_s: float
    unit: str = ""
    due_s: float = 0.0
    polled_s: float | None = None
    last: Reading | None = None
    opened: bool = False
    retry_at_s: float = 0.0
    retry_s: float = FIRST_RETRY_S
    good_s: float | None = None
    """When its last good reading was taken."""
    kept: list[Reading] | None = None
    """Its readings, while somebody wants them; it is read faster then."""

    @property
    def pace_s(self) -> float:
        """How far apart it is read."""
        return self.sample_s if self.kept is None else min(self.sample_s, KEPT_S)

    def read(self, name: str, now_s: float) -> Reading | None:
        """The next reading at monotonic `now_s`; what stands for none where it did not come."""
        self.polled_s = now_s
        if not self.opened and now_s < self.retry_at_s:
            return self.missing(now_s)
        try:
            if not self.opened:
                self.driver.open()
                self.opened = True
            self.last = self.driver.read()
        except DriverError as error:
            self._back_off(name, now_s, error)
            return self.missing(now_s)
        self.retry_s = FIRST_RETRY_S
        if self.last.quality is Quality.OK:
            self.good_s = now_s
        if self.kept is not None:
            self.kept.append(self.last)
        return self.last

    def missing(self, now_s: float) -> Reading | None:
        """A reading that did not come: of two sensors it must be said whose."""
        return Reading(None, self.unit, Quality.NO_DATA, None, now_s) if self.unit else None

    def close(self) -> None:
        """Let the sensor go."""
        if self.opened:
            self.driver.close()
            self.opened = False

    def _back_off(self, name: str, now_s: float, error: DriverError) -> None:
        log.warning("%s: %s; %s", name, error, error.hint or "retrying")
        self.driver.close()
        self.opened = False
        self.retry_at_s = now_s + self.retry_s
        self.retry_s = min(self.retry_s * 2, LAST_RETRY_S)
