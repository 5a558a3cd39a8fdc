"""A machine and the process on it: a clock that may lie, and a death at any commit or send.

A crash abandons the process's objects and closes its database; what was not committed is gone.
A new process is built over the same file. `point` marks the places where a doomed process dies:
both sides of every COMMIT, of every publish and acknowledgement, and of every call of a sink.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from proof.schedule import Schedule

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The true time of day at the world's beginning."""
UPTIME_S = 7.0
"""What the monotonic clock says when the process of a new boot may start at the earliest."""


class Crash(BaseException):
    """The process dies here. Not an Exception: no handler of ours may hold it."""


class Process:
    """One run of a program."""

    def __init__(self, host: str, died: Callable[[], None]) -> None:
        self.host = host
        self.alive = True
        self.points_left = 0
        """So many points from now the process dies; 0: at none."""
        self._died = died

    def run(self, do: Callable[[], None]) -> None:
        """Do something as this process, if it lives."""
        if not self.alive:
            return
        before, Kernel.running = Kernel.running, self
        try:
            do()
        except Crash:
            self.alive = False
        finally:
            Kernel.running = before
        if not self.alive:
            self._died()

    def point(self) -> None:
        """A place where a doomed process may die."""
        if self.points_left:
            self.points_left -= 1
            if not self.points_left:
                raise Crash


class Kernel:
    """Which process runs now: there is one thread, and so one kernel."""

    running: Process | None = None

    @classmethod
    def point(cls) -> None:
        """A place where the process that runs, if one does, may die."""
        if cls.running is not None:
            cls.running.point()


@dataclass(slots=True)
class Boot:
    """When a boot began, and whether its wall clock was ever wrong while it called itself right."""

    began_s: float
    lied: bool = False


class MachineClock:
    """A `runtime.clock.Clock` of one machine; `ahead_s` is how far its wall clock is wrong."""

    def __init__(self, schedule: Schedule, host: str) -> None:
        self._schedule = schedule
        self._host = host
        self.boots: dict[str, Boot] = {}
        self.boot_id = ""
        """Named after the machine and counted."""
        self.ahead_s = 0.0
        self.is_synced = True
        self.boot()

    def boot(self, *, synced: bool = True, ahead_s: float = 0.0) -> None:
        """Monotonic time begins anew."""
        began_s = self._schedule.now_s - UPTIME_S
        self.boot_id = f"{self._host}-{len(self.boots) + 1}"
        self._boot = self.boots[self.boot_id] = Boot(began_s)
        self.set(synced=synced, ahead_s=ahead_s)

    def set(self, *, synced: bool, ahead_s: float) -> None:
        """NTP answers, or somebody sets the clock."""
        self.is_synced, self.ahead_s = synced, ahead_s
        if synced and ahead_s:
            self._boot.lied = True

    def monotonic(self) -> float:
        """Seconds since the boot."""
        return self._schedule.now_s - self._boot.began_s

    def wall(self) -> datetime:
        """The machine's time of day."""
        return BEGIN + timedelta(seconds=self._schedule.now_s + self.ahead_s)

    def synced(self) -> bool:
        """What the machine believes of its clock, right or wrong."""
        return self.is_synced

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Nothing here waits: threads are stepped."""
        raise RuntimeError("a step waited")

    def true_s(self, boot_id: str, monotonic_ms: int) -> float:
        """When a monotonic time of one of this machine's boots was."""
        return self.boots[boot_id].began_s + monotonic_ms / 1000
