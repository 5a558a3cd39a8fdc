"""Hi-Link HLK-LD2410C 24 GHz presence radar on a serial port.

Source: Hi-Link LD2410C serial communication protocol V1.00, section 2.3 ("Radar data output
protocol"), through https://aio-ld2410.readthedocs.io/en/stable/about/protocol.html: 256000 8N1, of
its own accord ten times a second `F4F3F2F1 LENGTH(2) TYPE AA ... 55 00 F8F7F6F5`, low bytes first.
TYPE 02 is the basic report: state, distance in cm (2) and energy 0-100 of the moving target, the
same of the still one, detection distance (2). TYPE 01, engineering mode, has more behind it.
There is no checksum, so head, length, inner head and both tails must be right.

State 0 is a positive statement that nobody is there. It is answered as the distance `clear_mm`,
so that a ranging detector with `floor_mm = clear_mm` reads it as free. A target whose energy is
below `minimum_energy` is not believed. A target at 0 cm has no distance: no echo, never near. In
states 4 to 6 the radar measures its own noise and says nothing.

A radar tells what moves: a still and empty car may be lost after some time. Fuse it with a
magnetometer.
"""

from pydantic import ConfigDict, Field

from drivers import Quality, Reading
from drivers._frames import Frames, Framing, ranged
from drivers._serial import SerialConfig, StreamDriver

HEADER = bytes.fromhex("F4F3F2F1")
TAIL = bytes.fromhex("F8F7F6F5")
DATA_HEAD = 0xAA
DATA_TAIL = bytes.fromhex("5500")
ENGINEERING, BASIC = 0x01, 0x02
BASIC_BYTES = 13
LONGEST_BYTES = 64
"""Of the data: a basic report has 13, engineering mode 35 and, with other firmware, some more."""
AROUND_BYTES = len(HEADER) + 2 + len(TAIL)
MOVING, STILL = 0b01, 0b10
LAST_TARGET_STATE = MOVING | STILL
FARTHEST_MM = 6750
"""The end of the last of nine gates of 0.75 m: more is no distance."""


class Config(SerialConfig):
    """What "nobody there" is worth in mm, and the energy (0-100) from which on a target counts."""

    model_config = ConfigDict(title="ld2410c")

    clear_mm: float = Field(6000.0, gt=0)
    minimum_energy: int = Field(0, ge=0, le=100)


def _size(head: bytes) -> int:
    if not HEADER.startswith(head[: len(HEADER)]):
        return 0
    if len(head) < len(HEADER) + 2:
        return len(head) + 1
    length = int.from_bytes(head[4:6], "little")
    return AROUND_BYTES + length if BASIC_BYTES <= length <= LONGEST_BYTES else 0


def _good(frame: bytes) -> bool:
    data = frame[6 : -len(TAIL)]
    known = data[0] == ENGINEERING or (data[0] == BASIC and len(data) == BASIC_BYTES)
    return known and data[1] == DATA_HEAD and data.endswith(DATA_TAIL) and frame.endswith(TAIL)


FRAMING = Framing(_size, _good)


def decode(frame: bytes, config: Config, monotonic_s: float) -> Reading:
    """The nearest believed target of a whole report; `clear_mm` where there is none."""
    state = frame[8]
    moving_cm, moving_energy = int.from_bytes(frame[9:11], "little"), frame[11]
    still_cm, still_energy = int.from_bytes(frame[12:14], "little"), frame[14]
    raw = (state, moving_cm, moving_energy, still_cm, still_energy)
    if state > LAST_TARGET_STATE:
        return Reading(None, "mm", Quality.NO_DATA, raw, monotonic_s)
    believed = []
    if state & MOVING and moving_energy >= config.minimum_energy:
        believed.append(moving_cm)
    if state & STILL and still_energy >= config.minimum_energy:
        believed.append(still_cm)
    if not believed:
        return Reading(config.clear_mm, "mm", Quality.OK, raw, monotonic_s)
    nearest_cm = min(filter(None, believed), default=0)
    return ranged(10 * nearest_cm, 0, FARTHEST_MM, raw, monotonic_s)


class Driver(StreamDriver[Config]):
    """One LD2410C. `raw` is (state, cm and energy of the moving, cm and energy of the still
    target), or None where no good frame came."""

    BAUD = 256_000

    def parse(self, data: bytes) -> Frames:
        """The reports in a run of bytes."""
        return FRAMING.parse(data)

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole report."""
        return decode(frame, self.config, monotonic_s)
