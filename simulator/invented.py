"""An invented day: every bay empty at first, then arrivals and stays drawn from a seed."""

import random
from collections.abc import Sequence

SHORTEST_S = 60.0
"""No stay and no gap is shorter: two dwells of a detector and some."""

Interval = tuple[float, float]


def invented_day(
    bays: Sequence[str], seed: int, end_s: float, *, stay_s: float, gap_s: float, fill_s: float
) -> dict[str, list[Interval]]:
    """Each bay's intervals up to `end_s`; the first arrivals spread over `fill_s` seconds.

    Stays and gaps are exponential with means `stay_s` and `gap_s`, but never shorter than a minute.
    """
    return {
        bay: _bay_day(random.Random(f"{seed}/{bay}"), end_s, stay_s, gap_s, fill_s) for bay in bays
    }


def _bay_day(
    rng: random.Random, end_s: float, stay_s: float, gap_s: float, fill_s: float
) -> list[Interval]:
    intervals = []
    arrival_s = SHORTEST_S + rng.uniform(0, fill_s)
    while arrival_s < end_s:
        departure_s = arrival_s + SHORTEST_S + rng.expovariate(1 / stay_s)
        intervals.append((round(arrival_s, 1), round(departure_s, 1)))
        arrival_s = departure_s + SHORTEST_S + rng.expovariate(1 / gap_s)
    return intervals
