"""Time comes in as an argument: monotonic time decides, wall time is only shown and sent.

A Pi has no battery clock: until NTP has answered, its wall time is whatever it last knew.
"""

import ctypes
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""

Trust = Literal["auto", "always", "never"]


class Clock(Protocol):
    """What a process asks of time.

    `monotonic` in seconds since an arbitrary point, never stepping; `wall` in UTC; `synced`
    says whether `wall` can be trusted; `boot_id` names the span in which `monotonic` is one
    scale; `wait` sleeps up to `seconds` and answers at once when `event` is set.
    """

    @property
    def boot_id(self) -> str: ...
    def monotonic(self) -> float: ...
    def wall(self) -> datetime: ...
    def synced(self) -> bool: ...
    def wait(self, event: threading.Event, seconds: float) -> bool: ...


class SystemClock:
    """This machine's clock. `trust` overrules the kernel where an RTC or container needs it."""

    def __init__(self, trust: Trust = "auto") -> None:
        self._trust = trust
        self._boot_id = BOOT_ID.read_text().strip()

    @property
    def boot_id(self) -> str:
        """The kernel's id of this boot."""
        return self._boot_id

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC, in seconds."""
        return time.monotonic()

    def wall(self) -> datetime:
        """The machine's UTC time, right or wrong."""
        return datetime.now(UTC)

    def synced(self) -> bool:
        """Whether NTP disciplines the wall clock."""
        if self._trust != "auto":
            return self._trust == "always"
        return TIMESYNC_MARK.exists() or kernel_synced()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for `event`, at most `seconds`; answers whether it was set."""
        return event.wait(max(seconds, 0.0))


def kernel_synced() -> bool:
    """What adjtimex(2) says of the clock; it sees chrony and ntpd as well as timesyncd."""
    buffer = ctypes.create_string_buffer(512)  # struct timex is 208 bytes on 64-bit Linux
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    return 0 <= state < TIME_ERROR
