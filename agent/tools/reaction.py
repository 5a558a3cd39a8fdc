"""Which sensor reacts: how far each reading lies from what that sensor said before. Pure."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.tools.summary import summarize
from drivers import Quality, Reading

STEPS = {"mm": 100.0, "mG": 12.5}
"""A change of 1: far above a sensor's noise, far below what a hand or a board makes."""
NOISES = 8.0
RECENT = 20
SILENCED = 3.0
"""A sensor that is covered says nothing more: as clear a reaction as three steps."""
SILENT_READINGS = 2
"""One lost echo is no reaction."""


@dataclass(slots=True)
class Reaction:
    """One sensor's newest reading against its recent ones.

    What stays becomes what is usual, after half of RECENT readings.
    """

    recent: deque[Reading] = field(default_factory=lambda: deque(maxlen=RECENT))
    last: Reading | None = None
    strength: float = 0.0
    """1 is a reaction; 0 until three readings have said what is usual."""
    silent: int = 0
    reacts: bool = False

    def take(self, reading: Reading) -> bool:
        """Answers whether a reaction begins with this reading."""
        if reading.quality is Quality.NO_DATA:
            return False
        self.silent = 0 if reading.quality is Quality.OK else self.silent + 1
        self.strength = self._strength(reading)
        self.last = reading
        self.recent.append(reading)
        began = self.strength >= 1 and not self.reacts
        self.reacts = self.strength >= 1 or (self.reacts and self.strength >= 0.5)
        return began

    def _strength(self, reading: Reading) -> float:
        usual = summarize(self.recent)
        if usual.good < 3 or 2 * usual.good <= usual.count or usual.value is None:
            return 0.0
        if reading.value is None:
            return SILENCED if self.silent >= SILENT_READINGS else 0.0
        step = max(STEPS[reading.unit], NOISES * usual.noise)
        if isinstance(reading.value, tuple) and isinstance(usual.value, tuple):
            return math.dist(reading.value, usual.value) / step
        assert isinstance(reading.value, int | float)  # a sensor keeps to one kind of value
        assert isinstance(usual.value, int | float)
        return abs(reading.value - usual.value) / step


def strongest(reactions: Iterable[tuple[str, Reaction]]) -> str | None:
    """The one that reacts most, None where none does."""
    found = [(each.strength, name) for name, each in reactions if each.reacts]
    return max(found)[1] if found else None
