"""Who comes, when, and how: the truth. Times in seconds from the bay's beginning."""

from dataclasses import dataclass
from math import log
from random import Random

from simulator.world.spans import Spans

FIRST_S = 900.0
"""Before the first arrival: an installer leaves the bay empty while the sensor learns."""
RUN_UP_M = 7.0
"""From the lane to where the vehicle stands."""


@dataclass(frozen=True)
class Kind:
    """A sort of vehicle: how often, how high and long, its chassis above the ground."""

    weight: float
    height_mm: tuple[float, float]
    length_m: float
    chassis_m: tuple[float, float]
    has_boot: bool


KINDS = (
    Kind(0.05, (1120, 1200), 4.3, (0.30, 0.40), True),
    Kind(0.45, (1400, 1500), 4.6, (0.40, 0.50), True),
    Kind(0.40, (1600, 1800), 4.5, (0.45, 0.60), False),
    Kind(0.10, (1950, 2200), 5.2, (0.50, 0.70), False),
)
"""Sports cars, saloons, SUVs, vans."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle and its way of moving.

    `offset_m` is how far before or behind the sensor its middle stands; `shunt_m` how far it
    draws back to correct; `seed` draws its magnetic moments.
    """

    height_mm: float
    length_m: float
    chassis_m: float
    has_boot: bool
    nose_in: bool
    offset_m: float
    shunt_m: float
    seed: str


@dataclass(frozen=True)
class Visit:
    """It begins to come in, stands, begins to leave, is gone."""

    arrival_s: float
    standing_s: float
    departure_s: float
    gone_s: float
    vehicle: Vehicle


def visits(rng: Random, until_s: float, highest_mm: float, seed: str) -> list[Visit]:
    """A bay's visits, the last one over before `until_s`; no vehicle is above `highest_mm`."""
    found: list[Visit] = []
    time_s = FIRST_S
    while True:
        time_s += _gap_s(rng)
        vehicle = _vehicle(rng, highest_mm, f"{seed}/{len(found)}")
        standing_s = time_s + rng.uniform(4.0, 9.0) * (2.0 if vehicle.shunt_m else 1.0)
        departure_s = standing_s + _stay_s(rng)
        visit = Visit(time_s, standing_s, departure_s, departure_s + rng.uniform(4, 8), vehicle)
        if visit.gone_s + 120.0 >= until_s:
            return found
        found.append(visit)
        time_s = visit.gone_s


def stays(found: list[Visit]) -> Spans:
    """From arrival to gone, each."""
    return Spans.of([(visit.arrival_s, visit.gone_s) for visit in found])


def _stay_s(rng: Random) -> float:
    """How long a vehicle stands."""
    draw = rng.random()
    if draw < 0.18:
        return rng.uniform(15.0, 60.0)
    if draw < 0.97:
        return 60.0 + rng.lognormvariate(log(240.0), 0.8)
    return rng.uniform(3600.0, 14400.0)


def _gap_s(rng: Random) -> float:
    """How long a bay is empty."""
    draw = rng.random()
    if draw < 0.15:
        return rng.uniform(15.0, 60.0)
    if draw < 0.97:
        return 60.0 + rng.lognormvariate(log(120.0), 1.0)
    return rng.uniform(3600.0, 10800.0)


def _vehicle(rng: Random, highest_mm: float, seed: str) -> Vehicle:
    kind = rng.choices(KINDS, [each.weight for each in KINDS])[0]
    return Vehicle(
        height_mm=min(rng.uniform(*kind.height_mm), highest_mm),
        length_m=kind.length_m,
        chassis_m=rng.uniform(*kind.chassis_m),
        has_boot=kind.has_boot,
        nose_in=rng.random() < 0.7,
        offset_m=max(-1.0, min(1.0, rng.gauss(0.0, 0.45))),
        shunt_m=rng.uniform(0.5, 2.0) if rng.random() < 0.15 else 0.0,
        seed=seed,
    )
