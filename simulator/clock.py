"""A lot's own time: it moves when it is told to, as fast as the machine or as asked."""

import threading
import time
from datetime import datetime, timedelta


class LotClock:
    """A `runtime.clock.Clock` in virtual time; always synced, one boot."""

    boot_id = "simulated"

    def __init__(self, start: datetime, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._now_s = 0.0
        self.off_s = 0.0
        """By how much the wall clock is wrong, though it says that it is synced."""
        self._began_s = time.monotonic()

    def monotonic(self) -> float:
        """Seconds since the lot's start."""
        return self._now_s

    def wall(self) -> datetime:
        """The lot's time of day, UTC."""
        return self._start + timedelta(seconds=self._now_s + self.off_s)

    def synced(self) -> bool:
        """Simulated clocks are right."""
        return True

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `event`, at most `seconds` of the lot's time."""
        return event.wait(max(seconds, 0.0) / self._speed if self._speed else 0.0)

    def advance(self, to_s: float, stopping: threading.Event) -> None:
        """Move to `to_s`, not before its turn comes at the lot's speed (0: at once)."""
        if self._speed:
            ahead_s = self._began_s + to_s / self._speed - time.monotonic()
            if ahead_s > 0.002:
                stopping.wait(ahead_s)
        self._now_s = max(self._now_s, to_s)
