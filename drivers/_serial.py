"""What the drivers of serial sensors share: opening the port, and what to look at when it fails.

pyserial: https://pyserial.readthedocs.io/en/latest/pyserial_api.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from drivers import DriverError

_HINT = (
    "check that the port exists (`ls -l /dev/serial* /dev/ttyUSB*`), that the adapter is plugged "
    "in, that the service's user is in the group dialout, and that no login console uses the port"
)


class Port(Protocol):
    """The part of `serial.Serial` that drivers use. `read` answers b"" after its time-out."""

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def close(self) -> None: ...


def open_port(path: str, baud: int, timeout_s: float) -> Port:
    """The port at `baud` 8N1, for this process alone. Raises OSError (pyserial's are)."""
    from serial import Serial  # type: ignore[import-untyped]

    port: Port = Serial(path, baud, timeout=timeout_s, exclusive=True)
    return port


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the port's OSError, a vanished adapter's too, into a DriverError with a hint."""
    try:
        yield
    except OSError as error:
        raise DriverError(f"{what}: {error}", _HINT) from error
