"""What some seconds of one sensor's readings say. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from drivers import Quality, Reading, Vector

SIGMA_OF_MAD = 1.4826
"""The standard deviation of normal noise whose median absolute deviation is 1."""


@dataclass(frozen=True, slots=True)
class Summary:
    """`value` is the median (of each axis) of the good readings, in `unit`, `noise` their
    standard deviation, of the noisiest axis, by the median of the deviations: a passer-by does
    not enter it. `shares` are of all readings; `rate_hz` counts the good ones."""

    count: int
    good: int
    value: float | Vector | None
    unit: str
    noise: float
    rate_hz: float
    shares: dict[Quality, float]
    temperature_c: float | None


def summarize(readings: Sequence[Reading]) -> Summary:
    """Of one sensor's readings, in their order."""
    good = [each for each in readings if each.quality is Quality.OK]
    counted = Counter(each.quality for each in readings)
    value, noise = middle(good)
    temperatures = [each.temperature_c for each in good if each.temperature_c is not None]
    return Summary(
        count=len(readings),
        good=len(good),
        value=value,
        unit=readings[-1].unit if readings else "",
        noise=noise,
        rate_hz=_rate_hz(good),
        shares={quality: count / len(readings) for quality, count in counted.most_common()},
        temperature_c=median(temperatures) if temperatures else None,
    )


def middle(good: Sequence[Reading]) -> tuple[float | Vector | None, float]:
    """The median value, and the noise around it."""
    vectors = [each.value for each in good if isinstance(each.value, tuple)]
    if vectors:
        axes = list(zip(*vectors, strict=True))
        x, y, z = (median(axis) for axis in axes)
        return (x, y, z), max(_sigma(axis) for axis in axes)
    values = [each.value for each in good if isinstance(each.value, int | float)]
    return (median(values), _sigma(values)) if values else (None, 0.0)


def _sigma(values: Sequence[float]) -> float:
    center = median(values)
    return SIGMA_OF_MAD * median([abs(value - center) for value in values])


def _rate_hz(good: Sequence[Reading]) -> float:
    if len(good) < 2:
        return 0.0
    span_s = good[-1].monotonic_s - good[0].monotonic_s
    return (len(good) - 1) / span_s if span_s > 0 else 0.0


def told(value: float | Vector | None, unit: str) -> str:
    """A value for people.

    >>> told((12.34, -5.0, 430.06), "mG"), told(2500.4, "mm"), told(None, "mm")
    ('12.3 -5.0 430.1 mG', '2500 mm', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " ".join(f"{axis:.1f}" for axis in value) + f" {unit}"
    return f"{value:.0f} {unit}"
