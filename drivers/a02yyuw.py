"""A02YYUW (and ME007YS) waterproof ultrasonic ranger on a serial port.

Source: DFRobot SEN0311, "Serial output" and "Output communication",
https://wiki.dfrobot.com/_A02YYUW_Waterproof_Ultrasonic_Sensor_SKU_SEN0311: 9600 8N1, a frame
`FF H L SUM` of its own accord every 100 ms (RX low, real time) to 300 ms (RX high or open,
processed); H L is the distance in mm, SUM the low byte of the sum of the three before it.

A distance of 0 is sent when the transducer is covered and also over open ground, so it says
nothing: never "near".
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Quality, Reading
from drivers._serial import Port, explained, open_port

BAUD = 9600
HEADER = 0xFF
FRAME_BYTES = 4
BLIND_ZONE_MM = 30
MAXIMUM_MM = 4500


class Config(BaseModel):
    """A frame comes at least every 300 ms; silence for `timeout_s` is no data."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="a02yyuw")

    port: str = Field("/dev/serial0", min_length=1)
    timeout_s: float = Field(0.5, gt=0, le=5)


class Frames(NamedTuple):
    """What a run of bytes held: distances in mm, bytes that belong to no frame, and the rest."""

    distances_mm: list[int]
    skipped: int
    rest: bytes


def parse(data: bytes) -> Frames:
    """Every whole frame in `data`.

    On a bad sum it slides by one byte, since the frame may begin inside what looked like one.
    `rest` may be a frame's beginning and belongs before the next bytes.
    """
    distances: list[int] = []
    at = skipped = 0
    while len(data) - at >= FRAME_BYTES:
        header, high, low, total = data[at : at + FRAME_BYTES]
        if header == HEADER and (header + high + low) & 0xFF == total:
            distances.append(high << 8 | low)
            at += FRAME_BYTES
        else:
            at += 1
            skipped += 1
    return Frames(distances, skipped, data[at:])


def decode(distance_mm: int, monotonic_s: float) -> Reading:
    """The reading of a frame's distance. 0 and more than 4500 mm are no echo."""
    if distance_mm == 0 or distance_mm > MAXIMUM_MM:
        return Reading(None, "mm", Quality.NO_ECHO, distance_mm, monotonic_s)
    if distance_mm < BLIND_ZONE_MM:
        return Reading(None, "mm", Quality.BLOCKED, distance_mm, monotonic_s)
    return Reading(float(distance_mm), "mm", Quality.OK, distance_mm, monotonic_s)


class Driver:
    """One A02YYUW. `raw` is the frame's distance in mm, or None where no good frame came."""

    def __init__(self, config: Config, monotonic: Monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self._name = f"a02yyuw on {config.port}"
        self._port: Port | None = None
        self._rest = b""
        self.bus = f"serial:{config.port}"
        # The wait for a last byte may begin just before the time is up.
        self.timeout_s = 2 * config.timeout_s

    def open(self) -> None:
        """Take the port for this process alone. Raises DriverError."""
        self.close()
        with explained(self._name):
            self._port = open_port(self._config.port, BAUD, self._config.timeout_s)

    def read(self) -> Reading:
        """The newest whole frame. Raises DriverError where the port went away.

        Answers no_data after the configured `timeout_s` of silence, checksum
        where bytes came and no good frame.
        """
        if self._port is None:
            raise DriverError(f"{self._name} is not open", "call open() first")
        with explained(self._name):
            frames = self._receive(self._port)
        now_s = self._monotonic()
        if frames.distances_mm:
            return decode(frames.distances_mm[-1], now_s)
        quality = Quality.CHECKSUM if frames.skipped else Quality.NO_DATA
        return Reading(None, "mm", quality, None, now_s)

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
        self._port = None
        self._rest = b""

    def _receive(self, port: Port) -> Frames:
        """All that waits, and more until it holds a frame or the time is up."""
        give_up_s = self._monotonic() + self._config.timeout_s
        skipped = 0
        while True:
            received = port.read(max(port.in_waiting, 1))
            frames = parse(self._rest + received)
            self._rest = frames.rest
            skipped += frames.skipped
            if frames.distances_mm or not received or self._monotonic() >= give_up_s:
                return frames._replace(skipped=skipped)
