"""Virtual time: what happens next, and in which order where the time does not say.

One thread runs everything. Of two things due at the same moment a seeded die says which comes
first, so that each seed tries other interleavings and the same seed always the same.
"""

import heapq
import math
from collections.abc import Callable
from random import Random

Do = Callable[[], None]


class Schedule:
    """Things to do, by their time in seconds since the world's beginning."""

    def __init__(self, rng: Random) -> None:
        self.now_s = 0.0
        self.done = 0
        self._die = rng.random
        self._heap: list[tuple[float, float, int, Do]] = []
        self._count = 0

    def after(self, seconds: float, do: Do) -> float:
        """Do it so much later; answers when."""
        at_s = self.now_s + seconds
        self._count += 1
        heapq.heappush(self._heap, (at_s, self._die(), self._count, do))
        return at_s

    def run(self, until_s: float) -> None:
        """Let time pass up to `until_s`."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self.now_s, _, _, do = heapq.heappop(heap)
            self.done += 1
            do()
        self.now_s = until_s


class Thread:
    """A thread of a simulated process: stepped when its time has come or when it is woken."""

    def __init__(self, schedule: Schedule, step: Do) -> None:
        self._schedule = schedule
        self._step = step
        self._due_s = math.inf

    def wake(self, after_s: float) -> None:
        """Step after so long, or sooner if it was to be woken sooner."""
        if self._schedule.now_s + after_s < self._due_s:
            self._due_s = self._schedule.after(after_s, self._run)

    def _run(self) -> None:
        if self._schedule.now_s >= self._due_s:
            self._due_s = math.inf
            self._step()
