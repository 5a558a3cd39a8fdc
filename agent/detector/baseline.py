"""The field without a vehicle: learnt, then followed through the day. Pure.

Outdoors the vacant field moves by -16 to 28 counts a degree (HMC5883L), so a fixed baseline is
worthless: balanced accuracy 0.70 against 0.84 for one that follows, on nine commercial sensors
over half a year. What is slow is drift and what is quick is a vehicle, occupied or free: so the
baseline follows under a parked vehicle too, which stands `offset` from it.

                                   level = baseline + offset
    free      offset = 0           the level follows the field, and the baseline with it
    occupied  offset = vehicle's   the level follows the field, the offset stands

Where there is a thermometer, each axis's slope against the temperature is learnt while the spot
is free, and the baseline moves along it at once.
"""

import math
from dataclasses import dataclass, field
from statistics import fmean, median

from drivers import Vector

ZERO: Vector = (0.0, 0.0, 0.0)
FEW = 5
SIGMA_OF_MAD = 1.4826
"""The standard deviation of normal noise whose median absolute deviation is 1."""
THERMAL_TAU_S = 6 * 3600.0
"""Slopes are learnt over so much of the past: some of a day's warming and cooling."""
WARMED_C2 = 1.0
"""A variance of the temperature below this tells nothing of a slope."""
EXPLAINED = 0.5
"""The share of the field's variance that the temperature must explain."""
STEEPEST_MG_C = 28.0
"""Recorded chips drift by 28 counts (26 mG) a degree at most."""


@dataclass(slots=True)
class Slope:
    """The field against the temperature: exponentially weighted means and moments."""

    mean_c: float | None = None
    mean: Vector = ZERO
    variance_c2: float = 0.0
    variance: Vector = ZERO
    covariance: Vector = ZERO

    def note(self, vector: Vector, temperature_c: float, elapsed_s: float) -> None:
        """Take a vacant field in mG at a temperature in C."""
        if self.mean_c is None:
            self.mean_c, self.mean = temperature_c, vector
            return
        weight = 1 - math.exp(-elapsed_s / THERMAL_TAU_S)
        warmer = temperature_c - self.mean_c
        moved = difference(vector, self.mean)
        keep = 1 - weight
        self.mean_c += weight * warmer
        self.mean = along(self.mean, moved, weight)
        self.variance_c2 = keep * (self.variance_c2 + weight * warmer * warmer)
        self.variance = _scaled(along(self.variance, _squares(moved), weight), keep)
        self.covariance = _scaled(along(self.covariance, moved, weight * warmer), keep)

    @property
    def mg_per_c(self) -> Vector:
        """Each axis's slope; 0 where too little was seen, or the temperature explains little."""
        if self.variance_c2 < WARMED_C2:
            return ZERO
        x, y, z = (
            _slope(covariance, self.variance_c2, variance)
            for covariance, variance in zip(self.covariance, self.variance, strict=True)
        )
        return x, y, z


@dataclass(slots=True)
class Baseline:
    """What is known of the vacant field, in mG; `baseline` is None until it is learnt."""

    baseline: Vector | None = None
    offset: Vector = ZERO
    sigma_mg: float = 0.0
    learning: list[Vector] = field(default_factory=list)
    temperature_c: float | None = None
    slope: Slope = field(default_factory=Slope)

    @property
    def level(self) -> Vector:
        """Where the field stands while nothing moves. ZERO before a baseline is learnt."""
        return along(self.baseline or ZERO, self.offset)


def learn(state: Baseline, vector: Vector, samples: int, moved_mg: float) -> bool:
    """Take a sample into the first baseline; answers whether it stands.

    Medians, so that some samples of a vehicle do no harm; begun again where the field's second
    half lies `moved_mg` from its first: something was moving.
    """
    if state.baseline is not None:
        return True
    learning = state.learning
    learning.append(vector)
    if len(learning) >= samples:
        half = samples // 2
        if math.dist(median_vector(learning[:half]), median_vector(learning[half:])) < moved_mg:
            state.baseline = median_vector(learning)
            state.sigma_mg = _sigma(learning, state.baseline)
        learning.clear()
    return False


def threshold_mg(state: Baseline, on_mg: float, sigmas: float) -> float:
    """A deviation above this is a vehicle."""
    return max(on_mg, sigmas * state.sigma_mg)


def follow(baseline: Vector, vector: Vector, elapsed_s: float, tau_s: float) -> Vector:
    """The baseline drifted towards `vector`: an exponentially weighted mean."""
    return along(baseline, difference(vector, baseline), 1 - math.exp(-elapsed_s / tau_s))


def warm(state: Baseline, temperature_c: float | None) -> None:
    """Move the baseline along its slope, for the temperature's change since the last time."""
    if temperature_c is None or state.baseline is None:
        return
    if state.temperature_c is not None:
        warmer = temperature_c - state.temperature_c
        state.baseline = along(state.baseline, state.slope.mg_per_c, warmer)
    state.temperature_c = temperature_c


def along(vector: Vector, direction: Vector, factor: float = 1.0) -> Vector:
    """vector + factor * direction."""
    x, y, z = vector
    a, b, c = direction
    return x + factor * a, y + factor * b, z + factor * c


def difference(vector: Vector, other: Vector) -> Vector:
    """vector - other."""
    return along(vector, other, -1.0)


def middle(vectors: list[Vector]) -> Vector:
    """The median of each axis, of a few the mean: a spike in a second does no harm."""
    return median_vector(vectors) if len(vectors) >= FEW else mean_vector(vectors)


def mean_vector(vectors: list[Vector]) -> Vector:
    """The mean of each axis."""
    x, y, z = (fmean(axis) for axis in zip(*vectors, strict=True))
    return x, y, z


def median_vector(vectors: list[Vector]) -> Vector:
    """The median of each axis."""
    x, y, z = (median(axis) for axis in zip(*vectors, strict=True))
    return x, y, z


def _sigma(vectors: list[Vector], middle: Vector) -> float:
    """The noise of the noisiest axis, by the median of the deviations."""
    mads = (median([abs(vector[axis] - middle[axis]) for vector in vectors]) for axis in range(3))
    return SIGMA_OF_MAD * max(mads)


def _slope(covariance: float, variance_c2: float, variance: float) -> float:
    if covariance * covariance < EXPLAINED * variance_c2 * variance:
        return 0.0
    return max(-STEEPEST_MG_C, min(STEEPEST_MG_C, covariance / variance_c2))


def _squares(vector: Vector) -> Vector:
    x, y, z = vector
    return x * x, y * y, z * z


def _scaled(vector: Vector, factor: float) -> Vector:
    x, y, z = vector
    return factor * x, factor * y, factor * z
