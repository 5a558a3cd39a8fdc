"""A vehicle's field at a sensor in the ground: magnetic dipoles that move over it, or past it.

Three dipoles a vehicle (engine, middle, rear axle), each partly magnetised along the earth's
field, partly any way: an extended target near by, one dipole from afar (Wahlstrom and Gustafsson,
IEEE Trans. Signal Processing 62, 2014). Scaled so that the largest change on the way in is that of
a real vehicle; where it comes to stand, the change is what geometry leaves of it.

The sensor in the next bay sees the same dipoles 2.5 m to the side, so what reaches it is no figure
of its own: it follows from the distance's cube (Honeywell's note AN218 counts on that drop between
parking spots; no published ratio was found). Of what a vehicle does to the sensor beneath it while
it stands, the next one sees 7 % in the median, 2.5 to 20 % in nine of ten, 33 % in one of a
hundred: 10 mG, 3 to 38 mG, 67 mG. Of the peak on the way in it sees 3 %, 1.3 to 9 %. A vehicle's
whole moment comes out as 60 to 640 A m^2.
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
PITCH_M = 2.5
"""From the middle of a bay to that of the next: the usual width of one."""
ASIDE_M = 0.4
"""A vehicle of 1.8 m stands within so much of the middle of its bay."""

Dipole = tuple[NDArray[np.float64], NDArray[np.float64]]
"""A moment, and where it is from the vehicle's middle at the ground: ahead, aside, up in m."""


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


def signature(
    vehicle: Vehicle, earth_mg: NDArray[np.float64], is_critical: bool, aside_m: float = 0.0
) -> Signature:
    """A vehicle's, at a sensor `aside_m` from the middle of its bay.

    A critical one stands where an axis, or the norm, changes least at the sensor in its own bay.
    """
    rng = Random(f"{vehicle.seed}/moments")
    dipoles = _dipoles(rng, vehicle, earth_mg / EARTH_MG)
    change = _change(dipoles, 0.0)
    peak = max(PEAK_MG[0], min(PEAK_MG[1], rng.lognormvariate(log(MEDIAN_PEAK_MG), 0.6)))
    scale = peak / np.linalg.norm(change, axis=1).max()
    offset = vehicle.offset_m
    if is_critical:
        offset = _critical_offset(rng, change * scale, offset)
    at_rest = float(np.linalg.norm(Signature(change * scale, offset).at_rest_mg))
    if at_rest < LEAST_AT_REST_MG:
        scale *= LEAST_AT_REST_MG / max(at_rest, 4.0)
    return Signature(scale * (_change(dipoles, aside_m) if aside_m else change), offset)


def _dipoles(rng: Random, vehicle: Vehicle, along_earth: NDArray[np.float64]) -> list[Dipole]:
    found = []
    facing = 1.0 if vehicle.nose_in else -1.0
    stands_m = Random(f"{vehicle.seed}/aside").uniform(-ASIDE_M, ASIDE_M)
    for ahead_m, strength in ((1.3, 1.0), (0.0, 0.7), (-1.3, 0.8)):
        moment = along_earth * rng.uniform(0.5, 1.5) + _direction(rng) * rng.uniform(0.2, 1.0)
        aside_m = stands_m + rng.uniform(-0.4, 0.4)
        up_m = vehicle.chassis_m + rng.uniform(0.1, 0.3)
        found.append((strength * moment, np.array([-facing * ahead_m, aside_m, up_m])))
    return found


def _change(dipoles: list[Dipole], aside_m: float) -> NDArray[np.float64]:
    """What they do to a sensor, with the vehicle's middle at each of GRID_M."""
    change = np.zeros((len(GRID_M), 3))
    for moment, place in dipoles:
        away = np.tile(np.array([0.0, aside_m, 0.0]) - place, (len(GRID_M), 1))
        away[:, 0] -= GRID_M
        change += _field(moment, away)
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
