"""A vehicle's field at a sensor in the ground: magnetic dipoles that move over it.

Three dipoles a vehicle (engine, middle, rear axle), each partly magnetised along the earth's
field, partly any way. Scaled so that the largest change on the way in is that of a real vehicle;
where it comes to stand, the change is what geometry leaves of it.
"""

from dataclasses import dataclass
from math import log
from random import Random

import numpy as np
from numpy.typing import NDArray

from simulator.world.spans import Floats
from simulator.world.traffic import RUN_UP_M, Vehicle

GRID_M = np.linspace(-3.0, RUN_UP_M + 3.0, 401)
"""Positions of a vehicle's middle at which its field is computed; between them it is linear."""
PEAK_MG = (64.0, 1000.0)
MEDIAN_PEAK_MG = 340.0
LEAST_AT_REST_MG = 40.0
EARTH_MG = 480.0


@dataclass(frozen=True)
class Signature:
    """The change of the field in mG over GRID_M, one row a position, and where it stands."""

    change_mg: NDArray[np.float64]
    offset_m: float

    def at(self, position_m: Floats) -> NDArray[np.float64]:
        """The change with the vehicle's middle at each position."""
        step = GRID_M[1] - GRID_M[0]
        place = np.clip((position_m - GRID_M[0]) / step, 0.0, len(GRID_M) - 1.001)
        below = place.astype(np.int64)
        share = (place - below)[:, None]
        return np.asarray(self.change_mg[below] * (1.0 - share) + self.change_mg[below + 1] * share)

    @property
    def at_rest_mg(self) -> NDArray[np.float64]:
        """The change while it stands."""
        return np.asarray(self.at(np.array([self.offset_m]))[0])


def earth(rng: Random) -> NDArray[np.float64]:
    """The bay's own field in mG, any way up: a board may lie any way."""
    return EARTH_MG * _direction(rng)


def signature(vehicle: Vehicle, earth_mg: NDArray[np.float64], is_critical: bool) -> Signature:
    """A vehicle's; a critical one stands where an axis, or the norm, changes least."""
    rng = Random(f"{vehicle.seed}/moments")
    change = _dipoles(rng, vehicle, earth_mg / EARTH_MG)
    peak = max(PEAK_MG[0], min(PEAK_MG[1], rng.lognormvariate(log(MEDIAN_PEAK_MG), 0.6)))
    change *= peak / np.linalg.norm(change, axis=1).max()
    offset = _critical_offset(rng, change, vehicle.offset_m) if is_critical else vehicle.offset_m
    found = Signature(change, offset)
    at_rest = float(np.linalg.norm(found.at_rest_mg))
    if at_rest < LEAST_AT_REST_MG:
        return Signature(change * (LEAST_AT_REST_MG / max(at_rest, 4.0)), offset)
    return found


def _dipoles(
    rng: Random, vehicle: Vehicle, along_earth: NDArray[np.float64]
) -> NDArray[np.float64]:
    change = np.zeros((len(GRID_M), 3))
    facing = 1.0 if vehicle.nose_in else -1.0
    for place, strength in ((1.3, 1.0), (0.0, 0.7), (-1.3, 0.8)):
        moment = along_earth * rng.uniform(0.5, 1.5) + _direction(rng) * rng.uniform(0.2, 1.0)
        # From dipole to sensor: the sensor lies at the origin, the vehicle above it.
        away = np.zeros_like(change)
        away[:, 0] = -(GRID_M - facing * place)
        away[:, 1] = rng.uniform(-0.4, 0.4)
        away[:, 2] = -(vehicle.chassis_m + rng.uniform(0.1, 0.3))
        change += _field(strength * moment, away)
    return change


def _field(moment: NDArray[np.float64], away: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a dipole at each distance, in units that the caller scales."""
    squared = (away * away).sum(axis=1)
    along = (away @ moment)[:, None] * away * 3.0
    return np.asarray((along / squared[:, None] - moment) / (squared**1.5)[:, None])


def _critical_offset(rng: Random, change: NDArray[np.float64], usual_m: float) -> float:
    """Within half a metre of where it would stand."""
    offsets = np.linspace(usual_m - 0.5, usual_m + 0.5, 41)
    fields = Signature(change, 0.0).at(offsets)
    axis = rng.randrange(4)
    size = np.linalg.norm(fields, axis=1) if axis == 3 else np.abs(fields[:, axis])
    return float(offsets[int(np.argmin(size))])


def _direction(rng: Random) -> NDArray[np.float64]:
    vector = np.array([rng.gauss(0.0, 1.0) for _ in range(3)])
    return np.asarray(vector / np.linalg.norm(vector))
