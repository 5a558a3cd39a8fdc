"""Drivers: one sensor a file, from a transport to a `Reading`.

A driver module offers two names: `Config` (a pydantic model, the sensor's options in TOML)
and `Driver`. It is loaded by its kind, the module's name: see `drivers.registry`.
This package imports nothing else of Lotkeeper; hardware libraries are imported inside
functions, so that every module imports on a laptop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Vector = tuple[float, float, float]
Monotonic = Callable[[], float]
"""Seconds on a clock that never steps; injected, so that a simulated day takes seconds."""


class Quality(StrEnum):
    """What a reading is worth. Only `ok` carries a value."""

    OK = "ok"
    NO_ECHO = "no_echo"
    BLOCKED = "blocked"
    OVERFLOW = "overflow"
    CHECKSUM = "checksum"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement.

    `value` is a distance (`unit` "mm") or a field vector (`unit` "mG"), None unless `quality`
    is ok; `raw` is what came over the wire, for records and for the stuck check;
    `monotonic_s` is when it was measured, on the injected clock; `temperature_c` is the sensor's
    own, where it has one.
    """

    value: float | Vector | None
    unit: str
    quality: Quality
    raw: Any
    monotonic_s: float
    temperature_c: float | None = None


class DriverError(Exception):
    """A sensor or its bus cannot be used now: close, back off, open again.

    `hint` tells the installer what to look at.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SensorDriver(Protocol):
    """What the agent asks of a driver.

    Must: `unit` of its readings ("mm" or "mG"; "" where only an opened one knows); `bus`, the
    name of the shared wire (drivers of one bus are polled one after the other by one thread);
    `open`, `read`, `close`. `read` blocks for at most `timeout_s` and answers a `Reading`, or
    raises `DriverError` where only a reopen can help. `open` checks the ID register where the
    chip has one. `close` may be called twice.
    """

    unit: str
    bus: str
    timeout_s: float

    def __init__(self, config: Any, monotonic: Monotonic) -> None: ...
    def open(self) -> None: ...
    def read(self) -> Reading: ...
    def close(self) -> None: ...
