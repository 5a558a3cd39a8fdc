"""A sensor's samples as arrays, and as readings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from drivers import Quality, Reading
from simulator.world.spans import Bools, Floats, Ints

if TYPE_CHECKING:
    from simulator.world.bay import Bay

QUALITIES = tuple(Quality)
CODE = {quality: code for code, quality in enumerate(QUALITIES)}
OK = CODE[Quality.OK]
MISSING = len(QUALITIES)
"""The driver raised: the agent takes None."""
SILENT = MISSING + 1
"""Nobody was polled."""

LSB_PER_GAUSS = 1090.0
"""An HMC5883L at its default range."""

Timed = tuple[float, Reading | None]
"""Monotonic seconds, and what was read then."""


@dataclass
class Samples:
    """`value` in mm, one a sample, or in counts, three a sample; `code` indexes QUALITIES."""

    time_s: Floats
    value: Floats
    code: Ints
    temperature_c: Floats | None = None

    def lose(self, where: Bools, quality: Quality) -> None:
        """Make good samples worthless."""
        self.code[where & (self.code == OK)] = CODE[quality]


Interference: TypeAlias = Callable[["Bay", Samples, np.random.Generator], None]
"""Changes a chunk of samples in place."""


def distances(samples: Samples) -> Iterator[Timed]:
    """Readings in mm."""
    for time_s, code, value, celsius in _rows(samples):
        if code == MISSING:
            yield time_s, None
        else:
            yield time_s, _reading(code, value, "mm", value, time_s, celsius)


def fields(samples: Samples) -> Iterator[Timed]:
    """Readings in mG, their raw values in counts."""
    return _fields(samples, None)


def woken_fields(samples: Samples) -> Iterator[Timed]:
    """Readings in mG beside a ranger's, where None is the ranger's: without data, by their unit."""
    return _fields(samples, Reading(None, "mG", Quality.NO_DATA, None, 0.0))


def _fields(samples: Samples, missing: Reading | None) -> Iterator[Timed]:
    scale = 1000.0 / LSB_PER_GAUSS
    for time_s, code, (x, y, z), celsius in _rows(samples):
        vector = (x * scale, y * scale, z * scale)
        if code == MISSING:
            yield time_s, missing
        else:
            yield time_s, _reading(code, vector, "mG", (x, y, z), time_s, celsius)


def _rows(samples: Samples) -> Iterator[tuple[float, int, Any, float | None]]:
    count = len(samples.time_s)
    celsius: list[Any] = [None] * count
    if samples.temperature_c is not None:
        celsius = samples.temperature_c.tolist()
    rows = zip(
        samples.time_s.tolist(), samples.code.tolist(), samples.value.tolist(), celsius, strict=True
    )
    return (row for row in rows if row[1] != SILENT)


def _reading(
    code: int, value: Any, unit: str, raw: Any, time_s: float, celsius: float | None
) -> Reading:
    if code == OK:
        return Reading(value, unit, Quality.OK, raw, time_s, celsius)
    return Reading(None, unit, QUALITIES[code], None, time_s)
