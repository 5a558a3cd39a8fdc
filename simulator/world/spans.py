"""Spans of time that do not overlap, found by many times at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HOUR_S = 3600.0


@dataclass(frozen=True)
class Spans:
    """Begins and ends in seconds, in order; an end is no longer part of its span."""

    begins_s: Floats
    ends_s: Floats

    @classmethod
    def of(cls, spans: Sequence[tuple[float, float]]) -> "Spans":
        """Raises ValueError where spans overlap or are out of order."""
        flat = np.array(spans, dtype=np.float64).reshape(-1, 2)
        if np.any(np.diff(flat.ravel()) < 0):
            raise ValueError("spans must be in order and must not overlap")
        return cls(flat[:, 0], flat[:, 1])

    def __len__(self) -> int:
        return len(self.begins_s)

    def at(self, time_s: Floats) -> Ints:
        """The number of the span that holds each time, -1 where none does."""
        index = np.searchsorted(self.begins_s, time_s, side="right") - 1
        if not len(self):
            return index
        return np.where((index >= 0) & (time_s < self.ends_s[index]), index, -1)

    def hold(self, time_s: Floats) -> Bools:
        """Whether a span holds each time."""
        return self.at(time_s) >= 0

    def share(self, time_s: Floats, index: Ints) -> Floats:
        """How much of span `index` is over at each time, 0 to 1; index must not be -1."""
        begin, end = self.begins_s[index], self.ends_s[index]
        return np.clip((time_s - begin) / np.maximum(end - begin, 1e-9), 0.0, 1.0)


def random_spans(
    rng: Random, per_hour: float, lasting_s: tuple[float, float], until_s: float
) -> Spans:
    """Spans that come at random, `per_hour` of them in the mean, from 10 min on."""
    spans: list[tuple[float, float]] = []
    time_s = 600.0
    while per_hour:
        time_s += rng.expovariate(per_hour / HOUR_S)
        end_s = time_s + rng.uniform(*lasting_s)
        if end_s >= until_s:
            return Spans.of(spans)
        spans.append((time_s, end_s))
        time_s = end_s
    return Spans.of([])
