"""A02YYUW (and ME007YS) waterproof ultrasonic ranger on a serial port.

Source: DFRobot SEN0311, "Communication Protocol Description",
https://wiki.dfrobot.com/sen0311/docs/21651: 9600 8N1, a frame `FF H L SUM` of its own accord
every 100 ms (RX low, real time) to 300 ms (RX high or open, processed); H L is the distance in
mm, SUM the low byte of the sum of the three before it.

A distance of 0 is sent when the transducer is covered and also over open ground, so it says
nothing: never "near".
"""

from pydantic import ConfigDict

from drivers import Reading
from drivers._frames import Frames, distance, distance_framing, ranged
from drivers._serial import SerialConfig, StreamDriver

BLIND_ZONE_MM = 30
MAXIMUM_MM = 4500
FRAMING = distance_framing()


class Config(SerialConfig):
    """A frame comes at least every 300 ms; silence for `timeout_s` is no data."""

    model_config = ConfigDict(title="a02yyuw")


def decode(frame: bytes, monotonic_s: float) -> Reading:
    """The reading of a whole frame. 0 and more than 4500 mm are no echo."""
    distance_mm = distance(frame)
    return ranged(distance_mm, BLIND_ZONE_MM, MAXIMUM_MM, distance_mm, monotonic_s)


class Driver(StreamDriver[Config]):
    """One A02YYUW. `raw` is the frame's distance in mm, or None where no good frame came."""

    BAUD = 9600

    def parse(self, data: bytes) -> Frames:
        """The frames in a run of bytes."""
        return FRAMING.parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole frame."""
        return decode(frame, monotonic_s)
