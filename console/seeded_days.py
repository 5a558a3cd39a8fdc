"""Invented visits to a spot: few at night, most at noon, fewer at the weekend. Pure."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

DEMAND = (
    0.02, 0.02, 0.02, 0.02, 0.03, 0.1, 0.4, 1.2, 1.8, 1.6, 1.3, 1.4,
    1.7, 1.5, 1.3, 1.2, 1.4, 1.6, 1.2, 0.7, 0.4, 0.2, 0.1, 0.05,
)  # fmt: skip
"""How much more often than on the mean a free spot is taken, by the hour."""
WEEKEND = 0.45
SHORTEST_S = 90.0
"""No stay and no gap is shorter: a vehicle comes to rest, a detector settles."""
HOUR_S = 3600.0


def visits(
    rng: random.Random, begin: datetime, end: datetime, *, stay_s: float, gap_s: float
) -> Iterator[tuple[datetime, datetime]]:
    """(arrival, departure) of each vehicle that comes before `end`; the last may leave after it.

    Stays are exponential with the mean `stay_s`; so are gaps, with `gap_s` at a demand of 1.
    """
    free_since = begin
    while True:
        arrival = _arrival(rng, free_since + timedelta(seconds=SHORTEST_S), gap_s)
        if arrival >= end:
            return
        stay = SHORTEST_S + rng.expovariate(1 / stay_s)
        free_since = arrival + timedelta(seconds=round(stay))
        yield arrival, free_since


def _arrival(rng: random.Random, at: datetime, gap_s: float) -> datetime:
    """An exponential gap through hours of different demand, hour by hour."""
    left = rng.expovariate(1.0)
    while True:
        rate = DEMAND[at.hour] * (WEEKEND if at.weekday() >= 5 else 1.0) / gap_s
        to_next_s = HOUR_S - at.minute * 60 - at.second
        if left <= rate * to_next_s:
            return at + timedelta(seconds=round(left / rate))
        left -= rate * to_next_s
        at += timedelta(seconds=to_next_s)
