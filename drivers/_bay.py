"""An invented bay: when it is occupied and by what. The truth behind `drivers.simulated`."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from drivers import Vector

MOVE_S = (2.0, 4.0)
"""How long a vehicle takes to come in, or to leave."""

Session = tuple[float, float]
"""Arrival and departure, in seconds on the injected clock."""


class Schedule:
    """The times at which the bay's state changes, drawn only as far as they are asked for."""

    def __init__(self, changes: list[float], occupied_first: bool) -> None:
        self._changes = changes
        self._occupied_first = occupied_first
        self._rng = random.Random()
        self._mean_s: tuple[float, float] | None = None
        self._drawn_to_s = inf

    @classmethod
    def of_sessions(cls, sessions: Iterable[Session]) -> "Schedule":
        """Given sessions, in order; free before, between and after them."""
        return cls([time for session in sessions for time in session], occupied_first=False)

    @classmethod
    def endless(
        cls, seed: str, start_s: float, mean_stay_s: float, mean_gap_s: float, initially: float
    ) -> "Schedule":
        """Exponential stays and gaps from `start_s` on; `initially` is the chance of occupied."""
        rng = random.Random(f"{seed}/schedule")
        schedule = cls([], occupied_first=rng.random() < initially)
        schedule._rng = rng
        schedule._mean_s = (mean_gap_s, mean_stay_s)
        schedule._drawn_to_s = start_s
        return schedule

    def span(self, time_s: float) -> int:
        """The number of the span between two changes that holds `time_s`, from 0."""
        self._draw_beyond(time_s)
        return bisect_right(self._changes, time_s)

    def occupied(self, span: int) -> bool:
        """Whether a vehicle is in during a span."""
        return self._occupied_first ^ bool(span % 2)

    def vehicle(self, span: int) -> int:
        """The number of the vehicle that is in during a span, or left at its beginning."""
        return (span - 1 + self._occupied_first) // 2

    def bounds(self, span: int) -> tuple[float, float]:
        """When a span begins and ends; infinite where nothing changes."""
        begin = self._changes[span - 1] if span else -inf
        return begin, self._changes[span] if span < len(self._changes) else inf

    def between(self, from_s: float, to_s: float) -> list[tuple[float, bool]]:
        """The changes in from_s <= time < to_s, each with the state it leads to."""
        self._draw_beyond(to_s)
        first, last = bisect_left(self._changes, from_s), bisect_left(self._changes, to_s)
        return [(self._changes[i], self.occupied(i + 1)) for i in range(first, last)]

    def _draw_beyond(self, time_s: float) -> None:
        while self._drawn_to_s <= time_s and self._mean_s:
            mean_s = self._mean_s[self.occupied(len(self._changes))]
            # Nothing is shorter than the slowest movement; the mean stays what was asked for.
            self._drawn_to_s += MOVE_S[1] + self._rng.expovariate(1 / (mean_s - MOVE_S[1]))
            self._changes.append(self._drawn_to_s)


@dataclass(frozen=True, slots=True)
class Vehicle:
    """What sensors see of a vehicle.

    `field` is its change of the field in mG where it stands, `swing` a further one that comes
    and goes while it moves over the sensor.
    """

    height_mm: float
    move_s: float
    field: Vector
    swing: Vector


def vehicle(seed: str, number: int, height_mm: tuple[float, float]) -> Vehicle:
    """The bay's vehicle of that number, always the same.

    Fields of 60 to 300 mG are what recorded passes over an HMC5883L show.
    """
    rng = random.Random(f"{seed}/vehicle/{number}")
    return Vehicle(
        height_mm=rng.uniform(*height_mm),
        move_s=rng.uniform(*MOVE_S),
        field=_direction(rng, rng.uniform(60.0, 300.0)),
        swing=_direction(rng, rng.uniform(30.0, 150.0)),
    )


def earth_field(seed: str) -> Vector:
    """The bay's field without a vehicle, in mG: about half a gauss, as on the surface."""
    return _direction(random.Random(f"{seed}/earth"), 480.0)


def _direction(rng: random.Random, length: float) -> Vector:
    """A vector of that length in any direction."""
    x, y, z = (rng.gauss(0.0, 1.0) for _ in range(3))
    scale = length / ((x * x + y * y + z * z) ** 0.5 or 1.0)
    return x * scale, y * scale, z * scale
