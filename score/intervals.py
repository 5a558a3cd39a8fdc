"""How far a counted rate may lie from the true one, and percentiles. Pure."""

from collections.abc import Iterable
from math import floor, sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The standard normal's 97.5 % point: 2.5 % lie above it, 2.5 % below its negative."""


class Interval(NamedTuple):
    """From `low` to `high`, both between 0 and 1."""

    low: float
    high: float


def wilson(hits: int, trials: int, z: float = Z_95) -> Interval:
    """Wilson's score interval of the rate hits / trials; 95 % with the default `z`.

    It holds for few trials and for rates at 0 and 1, where the textbook's interval has no
    width: six of six tells no more than "above 61 %". No trials tell nothing: (0, 1).

    >>> [round(bound, 3) for bound in wilson(6, 6)]
    [0.61, 1.0]

    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", J. Am. Stat. Assoc. 22 (1927) 209-212; recommended for small samples by Brown,
    Cai and DasGupta, "Interval Estimation for a Binomial Proportion", Stat. Sci. 16 (2001)
    101-133.

    Raises ValueError where hits are not between 0 and trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"hits {hits} must lie between 0 and trials {trials}")
    if trials == 0:
        return Interval(0.0, 1.0)
    rate, z2n = hits / trials, z * z / trials
    middle = (rate + z2n / 2) / (1 + z2n)
    half = z / (1 + z2n) * sqrt(rate * (1 - rate) / trials + z2n / (4 * trials))
    # At the ends the bound is exact; rounding must not leave it a hair beside.
    return Interval(
        0.0 if hits == 0 else middle - half,
        1.0 if hits == trials else middle + half,
    )


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value that a share (0 to 1) of the values does not pass; None of no values.

    Between two values it lies on the line between them: definition 7 of Hyndman and Fan,
    "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996) 361-365.

    >>> percentile([1, 2, 3, 10], 0.5)
    2.5
    """
    ranked = sorted(values)
    if not ranked:
        return None
    place = share * (len(ranked) - 1)
    below = min(floor(place), len(ranked) - 1)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])
