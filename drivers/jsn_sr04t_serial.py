"""JSN-SR04T and AJ-SR04M waterproof ultrasonic rangers, triggered over a serial port.

Source: DFRobot SEN0207 (JSN-SR04T), "Mode 2: UART controlled output",
https://wiki.dfrobot.com/sen0207/docs/20989: 9600 8N1, chosen by a resistor of 120 k (or a bridge)
on the pad MODE, M2, R27 or R19, as the board is marked; the byte 55 starts a measurement, at
least 60 ms after the one before it, which is answered with `FF H L SUM`: H L is the distance in
mm, SUM the low byte of FF + H + L.

Copies differ: some AJ-SR04M sum H + L alone (`header_in_sum = false`), some are asked with 01
(`request = 1`). Nearer than 25 cm the transducer still rings, and what is read there is no
distance (20 cm for the AJ-SR04M). The pulses of mode 1 are another driver's.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._frames import Frames, distance, distance_framing, ranged
from drivers._serial import PING_S, Port, SerialConfig, StreamDriver

MAXIMUM_MM = 6000


class Config(SerialConfig):
    """How this copy is asked and sums, and its blind zone in mm."""

    model_config = ConfigDict(title="jsn_sr04t_serial")

    timeout_s: float = Field(0.2, gt=0, le=0.4)
    request: int = Field(0x55, ge=0, le=0xFF)
    header_in_sum: bool = True
    minimum_mm: int = Field(250, ge=0, lt=MAXIMUM_MM)


def decode(frame: bytes, config: Config, monotonic_s: float) -> Reading:
    """The reading of a whole frame. 0 and more than 6000 mm are no echo."""
    distance_mm = distance(frame)
    # What stands at the blind zone's very edge is in it.
    return ranged(distance_mm, config.minimum_mm + 1, MAXIMUM_MM, distance_mm, monotonic_s)


class Driver(StreamDriver[Config]):
    """One JSN-SR04T. `raw` is the frame's distance in mm, or None where no good frame came."""

    BAUD = 9600
    EXTRA_S = PING_S

    def measure(self, port: Port) -> Reading:
        """Ping once, alone in the air."""
        self.forget()
        with self.pinging(port, bytes([self.config.request])):
            return super().measure(port)

    def parse(self, data: bytes) -> Frames:
        """The frames in a run of bytes."""
        return distance_framing(self.config.header_in_sum).parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole frame."""
        return decode(frame, self.config, monotonic_s)
