"""One ping at a time: ultrasonic sensors of one agent that hang on several wires must not hear
each other's echoes.

Sensors of one bus are polled in turn anyway; this holds between buses.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_S = 0.5
"""A ping and its quiet take 0.2 s at most. Who waits longer waits for a hung bus: ping then."""

_air = threading.Lock()


@contextmanager
def quiet_air() -> Iterator[None]:
    """The air for one ping and its echo, as soon as no other sensor of this process uses it."""
    taken = _air.acquire(timeout=LONGEST_S)
    try:
        yield
    finally:
        if taken:
            _air.release()


@contextmanager
def ping_cycle(
    cycle_s: float, monotonic: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[float]:
    """The quiet air for one ping, which is sent inside; its time, on `monotonic`, is the value.

    Ends `cycle_s` after that, when no echo is under way any more.
    """
    with quiet_air():
        pinged_s = monotonic()
        yield pinged_s
        left_s = pinged_s + cycle_s - monotonic()
        if left_s > 0:
            sleep(left_s)
