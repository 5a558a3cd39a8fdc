"""How long stays last, counted in bins, so that a year's are summed up as quickly as a day's.

A bin is 5 % wide: what is read back as its middle is 2.5 % off at most (the way of HdrHistogram,
http://hdrhistogram.org). The average needs no bins.
"""

from collections.abc import Mapping
from math import floor, log

SHORTEST_S = 10.0
"""Shorter stays are in one bin with it."""
GROWTH = 1.05


def bin_of(stay_s: float) -> int:
    """The number of the bin that a stay of `stay_s` seconds falls in.

    >>> bin_of(0), bin_of(10), bin_of(3600)
    (0, 0, 120)
    """
    return floor(log(max(stay_s, SHORTEST_S) / SHORTEST_S, GROWTH))


def length_of(number: int) -> float:
    """Seconds in the (geometric) middle of a bin.

    >>> round(length_of(120))
    3575
    """
    return float(SHORTEST_S * GROWTH ** (number + 0.5))


def quantile(bins: Mapping[int, int], share: float) -> float | None:
    """The length, in seconds, that `share` of the stays in `bins` do not pass; None of none.

    >>> quantile({bin_of(600): 9, bin_of(7200): 1}, 0.95) == length_of(bin_of(7200))
    True
    """
    passed, wanted = 0, share * sum(bins.values())
    for number, stays in sorted(bins.items()):
        passed += stays
        if stays and passed >= wanted:
            return length_of(number)
    return None
