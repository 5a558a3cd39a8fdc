"""Frames in a stream of bytes, and what a distance is worth: pure functions of drivers.

A framing knows how long a frame is that begins here, and whether it is a good one. Where none
is, the parser slides by one byte and never clears what it holds: the next frame may begin inside
what looked like one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from drivers import Quality, Reading


class Frames(NamedTuple):
    """What a run of bytes held: whole good frames, the number of bytes that belong to none, and
    the rest, which may be a frame's beginning and belongs before the next bytes."""

    whole: list[bytes]
    skipped: int
    rest: bytes


class Framing(NamedTuple):
    """How a sensor's frames are told apart.

    `size` answers how many bytes the frame has that begins with these, 0 where none does; with
    too few bytes to tell, any number greater than theirs. `good` judges a frame of that size.
    """

    size: Callable[[bytes], int]
    good: Callable[[bytes], bool]

    def parse(self, data: bytes) -> Frames:
        """Every whole good frame in `data`, in order."""
        whole: list[bytes] = []
        at = skipped = 0
        while at < len(data):
            size = self.size(data[at:])
            frame = data[at : at + size]
            if len(frame) < size:
                break
            if size and self.good(frame):
                whole.append(frame)
                at += size
            else:
                skipped += 1
                at += 1
        return Frames(whole, skipped, data[at:])


DISTANCE_HEADER = 0xFF
DISTANCE_BYTES = 4


def distance_framing(header_in_sum: bool = True) -> Framing:
    """`FF H L SUM`, the frame of A02YYUW, SEN0627, JSN-SR04T and their kin.

    SUM is the low byte of FF + H + L, or of H + L alone.
    """

    def size(head: bytes) -> int:
        return DISTANCE_BYTES if head[0] == DISTANCE_HEADER else 0

    def good(frame: bytes) -> bool:
        first = 0 if header_in_sum else 1
        return sum(frame[first:-1]) & 0xFF == frame[-1]

    return Framing(size, good)


def distance(frame: bytes) -> int:
    """H L of a distance frame, in the sensor's unit."""
    return int.from_bytes(frame[1:3], "big")


def ranged(
    distance_mm: float,
    nearest_mm: float,
    farthest_mm: float,
    raw: Any,
    monotonic_s: float,
    temperature_c: float | None = None,
) -> Reading:
    """The reading of a distance: no echo where it is 0 or beyond the range, blocked where it is
    within the blind zone. Many sensors send 0 for "nothing heard", so 0 is never near."""
    quality = Quality.OK
    if distance_mm <= 0 or distance_mm > farthest_mm:
        quality = Quality.NO_ECHO
    elif distance_mm < nearest_mm:
        quality = Quality.BLOCKED
    value = float(distance_mm) if quality is Quality.OK else None
    return Reading(value, "mm", quality, raw, monotonic_s, temperature_c)
