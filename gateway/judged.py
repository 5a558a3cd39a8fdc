"""Our own clock, believed only while the agents do not agree that it is wrong.

A kernel that calls its clock synced may have it from an NTP server that lies, or from an RTC that
was set wrong. Each agent has a clock of its own: where two or more, and more than half of them,
say that ours is wrong to the same side, it is treated as one that never synced, so that nothing
is dated by it.
"""

import threading
from datetime import datetime

from runtime.clock import Clock

KEPT_S = 3600.0
"""What an agent said of the time counts so long."""
LATE_S = 86_400.0
"""Ours seems ahead where a broker kept a heartbeat for so long, and so far that is no lie."""


class JudgedClock:
    """A `runtime.clock.Clock` around another. Monotonic time is beyond doubt."""

    def __init__(self, clock: Clock, allowed_s: float) -> None:
        self.machine = clock
        self._allowed_s = allowed_s
        self._told: dict[str, tuple[float, float]] = {}
        """Of each agent: when (monotonic) it last told the time, and what time it was at 0."""

    @property
    def boot_id(self) -> str:
        """The machine's."""
        return self.machine.boot_id

    def monotonic(self) -> float:
        """Seconds."""
        return self.machine.monotonic()

    def wall(self) -> datetime:
        """The machine's UTC time, right or wrong."""
        return self.machine.wall()

    def synced(self) -> bool:
        """Whether the machine trusts its clock, and the agents do not contradict it."""
        return self.machine.synced() and not self._is_contradicted()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Until the event, at most so long."""
        return self.machine.wait(event, seconds)

    def hears(self, agent_id: str, told: datetime) -> None:
        """An agent with a synced clock says what time it is."""
        now_s = self.monotonic()
        self._told[agent_id] = now_s, told.timestamp() - now_s

    def _is_contradicted(self) -> bool:
        now_s, ours = self.monotonic(), self.wall().timestamp()
        behind = [
            zero + now_s - ours for at_s, zero in self._told.values() if now_s - at_s < KEPT_S
        ]
        early = sum(each > self._allowed_s for each in behind)
        late = sum(each < -self._allowed_s - LATE_S for each in behind)
        return max(early, late) >= 2 and 2 * max(early, late) > len(behind)
