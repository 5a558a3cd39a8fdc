"""DFRobot SEN0627 ultrasonic ranger on a serial port: long range, in centimetres, slow.

Source: DFRobot SEN0627, "Communication Protocol Description",
https://wiki.dfrobot.com/sen0627/docs/18084: 9600 8N1; a falling edge of 10 us to 2 ms on RX
starts a measurement, which may begin 2.5 s after the one before it (T1) and is answered 0.9 to
2.5 s later (T2) with `FF H L SUM`, as the A02YYUW's frame but in cm.

The byte FF is that edge: of its ten bits only the start bit is low, for 104 us at 9600 baud.

A measurement lasts so long that it does not keep other sensors' pings waiting; mount it out of
their hearing. The page gives no range, so the range is an option.
"""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from drivers import Reading
from drivers._frames import Frames, distance, distance_framing, ranged
from drivers._serial import Port, SerialConfig, StreamDriver, ask

TRIGGER = b"\xff"
CYCLE_S = 2.5
FRAMING = distance_framing()


class Config(SerialConfig):
    """The range of a reading, in mm; an answer takes 2.5 s at most."""

    model_config = ConfigDict(title="sen0627")

    timeout_s: float = Field(2.6, gt=0, le=3)
    minimum_mm: float = Field(250.0, ge=0)
    maximum_mm: float = Field(10_000.0, gt=0)

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.minimum_mm >= self.maximum_mm:
            raise ValueError("minimum_mm must be less than maximum_mm")
        return self


def decode(frame: bytes, config: Config, monotonic_s: float) -> Reading:
    """The reading of a whole frame, in mm. 0 and more than the range are no echo."""
    distance_cm = distance(frame)
    return ranged(10 * distance_cm, config.minimum_mm, config.maximum_mm, distance_cm, monotonic_s)


class Driver(StreamDriver[Config]):
    """One SEN0627. `raw` is the frame's distance in cm, or None where no good frame came."""

    BAUD = 9600
    EXTRA_S = CYCLE_S
    _asked_s = float("-inf")

    def measure(self, port: Port) -> Reading:
        """Start a measurement as soon as the sensor takes one, and await its frame."""
        self._await_cycle()
        self._asked_s = self._monotonic()
        self.forget()
        ask(port, TRIGGER)
        return super().measure(port)

    def parse(self, data: bytes) -> Frames:
        """The frames in a run of bytes."""
        return FRAMING.parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole frame."""
        return decode(frame, self.config, monotonic_s)

    def _await_cycle(self) -> None:
        left_s = self._asked_s + CYCLE_S - self._monotonic()
        if left_s > 0:
            self._sleep(left_s)
