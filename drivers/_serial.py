"""What the drivers of serial sensors share: the port, the newest frame of a stream, asking.

pyserial: https://pyserial.readthedocs.io/en/latest/pyserial_api.html
"""

import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Quality, Reading
from drivers._air import LONGEST_S, ping_cycle
from drivers._frames import Frames

PING_CYCLE_S = 0.060
"""An echo from farther away than any floor has died by then."""
PING_S = LONGEST_S + PING_CYCLE_S
"""What a ping may take beside its answer: the wait for the air, and for its quiet."""

_HINT = (
    "check that the port exists (`ls -l /dev/serial* /dev/ttyUSB*`), that the adapter is plugged "
    "in, that the service's user is in the group dialout, and that no login console uses the port"
)


class Port(Protocol):
    """The part of `serial.Serial` that drivers use. `read` answers what came by its time-out."""

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1, /) -> bytes: ...
    def write(self, data: bytes, /) -> int | None: ...
    def reset_input_buffer(self) -> None: ...
    def close(self) -> None: ...


def open_port(path: str, baud: int, timeout_s: float) -> Port:
    """The port at `baud` 8N1, for this process alone. Raises OSError (pyserial's are)."""
    from serial import Serial  # type: ignore[import-untyped]

    port: Port = Serial(path, baud, timeout=timeout_s, write_timeout=timeout_s, exclusive=True)
    return port


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the port's errors, a vanished adapter's too, into a DriverError with a hint."""
    try:
        yield
    # Flushing a port that is gone raises termios.error, which is no OSError.
    except (OSError, termios.error) as error:
        raise DriverError(f"{what}: {error}", _HINT) from error


def ask(port: Port, request: bytes) -> None:
    """Send a request; what came before it is no answer to it."""
    port.reset_input_buffer()
    port.write(request)


class SerialConfig(BaseModel):
    """A sensor alone on a port; silence for `timeout_s` is no data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: str = Field("/dev/serial0", min_length=1)
    timeout_s: float = Field(0.5, gt=0, le=3)


C = TypeVar("C", bound=SerialConfig)


class SerialDriver(Generic[C]):
    """A sensor alone on a serial port.

    Must override: `BAUD`; `measure`, a reading from the open port, which need not care for the
    port's errors. May override: `forget`; `EXTRA_S`, what a read may take beside listening.
    """

    BAUD: ClassVar[int]
    EXTRA_S: ClassVar[float] = 0.0

    def __init__(
        self, config: C, monotonic: Monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.config = config
        self.unit = "mm"
        self.bus = f"serial:{config.port}"
        # The wait for a last byte may begin just before the time is up.
        self.timeout_s = 2 * config.timeout_s + self.EXTRA_S
        self._monotonic = monotonic
        self._sleep = sleep
        self._name = f"{config.model_config.get('title')} on {config.port}"
        self._port: Port | None = None

    def open(self) -> None:
        """Take the port for this process alone. Raises DriverError."""
        self.close()
        with explained(self._name):
            self._port = open_port(self.config.port, self.BAUD, self.config.timeout_s)

    def read(self) -> Reading:
        """What the sensor says now. Raises DriverError where the port went away.

        Answers no_data after the configured `timeout_s` of silence, checksum where bytes came
        and no good answer.
        """
        if self._port is None:
            raise DriverError(f"{self._name} is not open", "call open() first")
        with explained(self._name):
            return self.measure(self._port)

    def close(self) -> None:
        """Give the port back."""
        port, self._port = self._port, None
        self.forget()
        if port is not None:
            port.close()

    def measure(self, port: Port) -> Reading:
        """A reading from the open port."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what is left of a former conversation."""

    def nothing(self, bytes_came: bool) -> Reading:
        """The reading where no good answer came."""
        quality = Quality.CHECKSUM if bytes_came else Quality.NO_DATA
        return Reading(None, "mm", quality, None, self._monotonic())

    @contextmanager
    def pinging(self, port: Port, request: bytes) -> Iterator[None]:
        """Ask for a ping, alone in the air; its answer is read inside.

        The air is quiet again afterwards, so that the next sensor does not hear the echo.
        """
        with ping_cycle(PING_CYCLE_S, self._monotonic, self._sleep):
            ask(port, request)
            yield


class StreamDriver(SerialDriver[C]):
    """A sensor that speaks in frames; the newest whole one is the reading.

    Must override: `BAUD`, `parse`, `decode`.
    """

    _rest = b""

    def parse(self, data: bytes) -> Frames:
        """The frames in a run of bytes."""
        raise NotImplementedError

    def decode(self, frame: bytes, monotonic_s: float) -> Reading:
        """The reading of a whole good frame."""
        raise NotImplementedError

    def measure(self, port: Port) -> Reading:
        """The newest whole frame, as soon as there is one."""
        frame, skipped = self._receive(port)
        if frame is None:
            return self.nothing(bytes_came=skipped > 0)
        return self.decode(frame, self._monotonic())

    def forget(self) -> None:
        """Drop the beginning of a frame that was not whole yet."""
        self._rest = b""

    def _receive(self, port: Port) -> tuple[bytes | None, int]:
        """The last frame of all that waits, and the number of bytes that belong to none.

        Where nothing whole waits, more is read until it does or the time is up. The system holds
        more than it shows at once, so a slow poller would fall behind a fast sensor if it did
        not read until nothing waits.
        """
        give_up_s = self._monotonic() + self.config.timeout_s
        newest: bytes | None = None
        skipped = 0
        while True:
            received = port.read(max(port.in_waiting, 1))
            if not received:
                skipped += len(self._rest)  # no frame pauses so long
                self.forget()
                return newest, skipped
            frames = self.parse(self._rest + received)
            self._rest = frames.rest
            skipped += frames.skipped
            newest = frames.whole[-1] if frames.whole else newest
            if self._monotonic() >= give_up_s or (newest is not None and not port.in_waiting):
                return newest, skipped
