"""An invented day: every bay empty at first, then arrivals and stays drawn from a seed."""

import random
from collections.abc import Sequence
from datetime import datetime

from simulator.sessions import END_S, Sessions, over_the_end

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


def under_way(intervals: Sequence[Interval], since_s: float) -> list[Interval]:
    """`intervals` from `since_s` on, which is 0 then; who stands there by then came before.

    >>> under_way([(10.0, 20.0), (30.0, 50.0)], 40.0)
    [(-10.0, 10.0)]
    """
    return [(begin - since_s, end - since_s) for begin, end in intervals if end > since_s]


def invented_sessions(spots: int, hours: float, seed: int, start: datetime) -> Sessions:
    """Some busy hours of spots A1, A2, ... as if they had been recorded."""
    end_s = hours * 3600
    names = [f"A{number}" for number in range(1, spots + 1)]
    day = invented_day(names, seed, end_s - END_S, stay_s=1500.0, gap_s=500.0, fill_s=2000.0)
    bays = {name: over_the_end(intervals, end_s) for name, intervals in day.items()}
    return Sessions(start, bays, sum(map(len, bays.values())), 0, 0)


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
