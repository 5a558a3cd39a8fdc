"""Benewake TFmini-S, TFmini Plus and TF-Luna: single-point lidars on a serial port.

Source: Benewake TFmini-S manual, section 5.4 and Table 8,
https://www.easymanua.ls/benewake/tfmini-s/manual?p=12; TFmini Plus manual SJ-PM-TFmini Plus-T-01
A04, sections 5.2 to 5.4; TF-Luna manual SJ-PM-TF-Luna A05, section 6.4 and Appendix I,
https://www.easymanua.ls/benewake/tf-luna/manual?p=24: 115200 8N1, of its own accord 100
times a second `59 59 DL DH SL SH TL TH SUM`, low bytes first: distance in cm, signal strength,
chip temperature in 1/8 C above -256 C; SUM is the low byte of the sum of the eight before it.

A strength below 100 is too little to measure with: no echo (TFmini Plus then says 0 cm, TFmini-S
-1). 65535 is saturation; TFmini-S also says -2 for it and -4 for ambient light, and TF-Luna a
strength above 32768 in the sun. None of these is a distance, near or far.
"""

from typing import Literal, NamedTuple

from pydantic import ConfigDict

from drivers import Quality, Reading
from drivers._frames import Frames, Framing, ranged
from drivers._serial import SerialConfig, StreamDriver

HEADER = b"\x59\x59"
FRAME_BYTES = 9
WEAKEST = 100
SATURATED = 0xFFFF
SATURATED_CM = (-2, -4)
COLDEST_C, HOTTEST_C = -40.0, 125.0


class Model(NamedTuple):
    """The range in mm, and the greatest strength that is no ambient light."""

    nearest_mm: int
    farthest_mm: int
    strongest: int = SATURATED - 1


MODELS = {
    "tfmini_s": Model(100, 12_000),
    "tfmini_plus": Model(100, 12_000),
    "tf_luna": Model(200, 8_000, strongest=32_768),
}


class Config(SerialConfig):
    """Which of the family. A frame comes every 10 ms as delivered."""

    model_config = ConfigDict(title="tfmini")

    model: Literal["tfmini_s", "tfmini_plus", "tf_luna"] = "tfmini_s"


def _size(head: bytes) -> int:
    return FRAME_BYTES if HEADER.startswith(head[:2]) else 0


def _good(frame: bytes) -> bool:
    return sum(frame[:-1]) & 0xFF == frame[-1]


FRAMING = Framing(_size, _good)


def decode(frame: bytes, model: Model, monotonic_s: float) -> Reading:
    """The reading of a whole frame, with the chip's temperature where it tells one."""
    distance_cm = int.from_bytes(frame[2:4], "little", signed=True)
    strength = int.from_bytes(frame[4:6], "little")
    raw = (distance_cm, strength)
    temperature_c = _temperature(frame)
    if strength > model.strongest or distance_cm in SATURATED_CM:
        return Reading(None, "mm", Quality.OVERFLOW, raw, monotonic_s, temperature_c)
    if strength < WEAKEST:
        return Reading(None, "mm", Quality.NO_ECHO, raw, monotonic_s, temperature_c)
    return ranged(
        10 * distance_cm, model.nearest_mm, model.farthest_mm, raw, monotonic_s, temperature_c
    )


def _temperature(frame: bytes) -> float | None:
    """Firmware before 1.3.0 and the first TFmini have something else in its place."""
    temperature_c = int.from_bytes(frame[6:8], "little") / 8 - 256
    return temperature_c if COLDEST_C <= temperature_c <= HOTTEST_C else None


class Driver(StreamDriver[Config]):
    """One lidar. `raw` is (distance in cm, strength), or None where no good frame came."""

    BAUD = 115_200

    def parse(self, data: bytes) -> Frames:
        """The frames in a run of bytes."""
        return FRAMING.parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole frame."""
        return decode(frame, MODELS[self.config.model], monotonic_s)
