"""A bay without hardware: a seeded world that a ranging or magnetic sensor looks at.

Source of the figures: noise, passes and invalid shares of public recordings (an HMC5883L's noise
of 1.4-1.7 LSB at 1090 LSB/G, passes of 70-330 LSB,
https://github.com/ColoradoSchoolOfMines/parking_sensor).

The truth changes when a vehicle begins to move in or out. The signal follows over 2-4 s: a ranger
hears bonnet, slanted windscreen (often nothing) and roof, a magnetometer sees the field swing.
"""

import random
from math import inf, pi, sin
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers import DriverError, Monotonic, Quality, Reading, Vector
from drivers._bay import MOVE_S, Schedule, Session, earth_field, vehicle

Fault = Literal["none", "dead", "no_echo", "blocked"]

NOISE_MM = 5.0
NOISE_MG = 1.5
WINDSCREEN = 0.25
"""Share of pings that a moving vehicle's slanted surfaces send elsewhere."""

_SENSORS = {
    "ranging": ("mm", Quality.NO_ECHO, NOISE_MM),
    "magnetic": ("mG", Quality.NO_DATA, NOISE_MG),
}
"""Unit, what an invalid reading is called, default noise."""


class Config(BaseModel):
    """The world of one bay. Times are seconds on the injected clock.

    `noise` is a standard deviation in the sensor's unit (by default 5 mm or 1.5 mG);
    `invalid_rate` the share of readings without an echo (ranging) or new data (magnetic).
    Without `sessions`, stays and gaps are drawn for ever from when the driver is built.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, title="simulated")

    sensor: Literal["ranging", "magnetic"] = "ranging"
    seed: int = 0
    floor_mm: float = Field(2500.0, gt=0)
    noise: float | None = Field(None, ge=0)
    vehicle_height_mm: tuple[float, float] = (1300.0, 2100.0)
    invalid_rate: float = Field(0.01, ge=0, le=1)
    fault: Fault = "none"
    sessions: tuple[Session, ...] | None = None
    mean_stay_s: float = Field(3600.0, gt=MOVE_S[1])
    mean_gap_s: float = Field(1800.0, gt=MOVE_S[1])
    initially_occupied: float = Field(0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.vehicle_height_mm
        if not 0 < low <= high < self.floor_mm:
            raise ValueError("vehicle_height_mm must rise and stay below floor_mm")
        if self.sensor == "magnetic" and self.fault in ("no_echo", "blocked"):
            raise ValueError(f"fault {self.fault!r} is a ranging sensor's: use none or dead")
        last = -inf
        for arrival, departure in self.sessions or ():
            if not last <= arrival < departure:
                raise ValueError(f"session ({arrival}, {departure}) ends or begins too early")
            last = departure
        return self


class Driver:
    """A simulated sensor. `fault` may be changed while it runs."""

    bus = "simulated"
    timeout_s = 1.0

    def __init__(self, config: Config, monotonic: Monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self.fault: Fault = config.fault
        self._seed = str(config.seed)
        self._rng = random.Random(f"{self._seed}/noise")
        self._schedule = _schedule(config, monotonic)
        self._earth = earth_field(self._seed)
        self.unit, self._invalid, default = _SENSORS[config.sensor]
        is_ranging = config.sensor == "ranging"
        self._measure = self._distance if is_ranging else self._field
        self._noise = default if config.noise is None else config.noise
        self._open = False
        self._enter_span(monotonic())

    def open(self) -> None:
        """Raises DriverError where the sensor is dead."""
        self._refuse_dead()
        self._open = True

    def read(self) -> Reading:
        """What the sensor sees now. Raises DriverError where it is dead or not open."""
        if not self._open:
            raise DriverError("simulated sensor is not open", "call open() first")
        now_s = self._monotonic()
        if self.fault != "none":
            self._refuse_dead()
            return Reading(None, self.unit, Quality(self.fault), None, now_s)
        if self._rng.random() < self._config.invalid_rate:
            return Reading(None, self.unit, self._invalid, None, now_s)
        return self._measure(self._presence(now_s), now_s)

    def close(self) -> None:
        """Nothing is held."""
        self._open = False

    def occupied(self, time_s: float) -> bool:
        """The truth at a time."""
        return self._schedule.occupied(self._schedule.span(time_s))

    def truth(self, from_s: float, to_s: float) -> list[tuple[float, bool]]:
        """The changes in from_s <= time < to_s: when, and whether the bay is then occupied."""
        return self._schedule.between(from_s, to_s)

    def _refuse_dead(self) -> None:
        if self.fault == "dead":
            raise DriverError("simulated sensor is dead", "set its fault to none")

    def _enter_span(self, now_s: float) -> None:
        """Keep what the span holds, so that a read costs no search."""
        schedule = self._schedule
        span = schedule.span(now_s)
        self._here = schedule.occupied(span)
        self._begin_s, self._end_s = schedule.bounds(span)
        number = schedule.vehicle(span)
        self._vehicle = vehicle(self._seed, number, self._config.vehicle_height_mm)
        before_s = schedule.bounds(span - 1)[0] if span else -inf
        # A vehicle that leaves before it was quite in leaves from where it had come to.
        self._reached = min(1.0, (self._begin_s - before_s) / self._vehicle.move_s) if span else 0.0

    def _presence(self, now_s: float) -> float:
        """How far the vehicle is in: 0 not at all, 1 it stands."""
        if not self._begin_s <= now_s < self._end_s:
            self._enter_span(now_s)
        moved = (now_s - self._begin_s) / self._vehicle.move_s
        return min(1.0, moved) if self._here else self._reached * max(0.0, 1.0 - moved)

    def _distance(self, presence: float, now_s: float) -> Reading:
        rng, hidden_mm = self._rng, 0.0
        if presence >= 1.0:
            hidden_mm = self._vehicle.height_mm
        elif presence > 0.0:
            if rng.random() < WINDSCREEN:
                return Reading(None, "mm", Quality.NO_ECHO, None, now_s)
            if rng.random() < presence:
                hidden_mm = self._vehicle.height_mm * (0.55 + 0.45 * presence)
        distance_mm = round(rng.gauss(self._config.floor_mm - hidden_mm, self._noise))
        return Reading(float(distance_mm), "mm", Quality.OK, distance_mm, now_s)

    def _field(self, presence: float, now_s: float) -> Reading:
        gauss, noise, swing = self._rng.gauss, self._noise, sin(pi * presence)
        earth, still, moving = self._earth, self._vehicle.field, self._vehicle.swing
        field: Vector = (
            gauss(earth[0] + presence * still[0] + swing * moving[0], noise),
            gauss(earth[1] + presence * still[1] + swing * moving[1], noise),
            gauss(earth[2] + presence * still[2] + swing * moving[2], noise),
        )
        return Reading(field, "mG", Quality.OK, field, now_s)


def _schedule(config: Config, monotonic: Monotonic) -> Schedule:
    if config.sessions is not None:
        return Schedule.of_sessions(config.sessions)
    return Schedule.endless(
        str(config.seed),
        monotonic(),
        config.mean_stay_s,
        config.mean_gap_s,
        config.initially_occupied,
    )
