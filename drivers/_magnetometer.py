"""What the I2C magnetometers share: identity, waiting for new data, one block read, repair.

A driver names its registers in a `Layout` and brings a pure `decode`. The rules are kept here:

- the ID is read before anything is written, and a mismatch says which chip it may be instead;
- what was measured before `open` (at another range, perhaps) is thrown away;
- a read waits for data that are new, and answers no_data where none came: never the last again;
- the data are read as one block, for an axis may change between two reads;
- a field that is out of range is overflow, after which the chip is repaired (`recover`).
"""

import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Quality, Reading
from drivers._i2c import I2CBus, explained, open_bus

POLLS = 4
"""How often the status is asked in the time of one measurement."""
TEMPERATURE_EVERY_S = 10.0
"""A chip's temperature lags the air's by minutes; asking seldom leaves the bus to the field."""

Counts = tuple[int, int, int]


class MagnetometerConfig(BaseModel):
    """`bus` is the number in /dev/i2c-N."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bus: int = Field(1, ge=0)
    address: int = Field(ge=0x08, le=0x77)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a chip has what all of them have. `rivals` says what else may answer, or answer not.

    `ready` is the bit of the register `status` that says that all axes have new data.
    """

    kind: str
    id_register: int
    chip_id: bytes
    data: int
    length: int
    status: int
    ready: int
    rivals: str


C = TypeVar("C", bound=MagnetometerConfig)


class Magnetometer(ABC, Generic[C]):
    """One magnetometer on an I2C bus.

    Must: `layout`; `measurement_s`, how long the chip takes for one measurement, or its period;
    `start` and `decode`. May: `trigger`, where the chip measures when told to; `recover`;
    `measure_temperature`.
    """

    layout: Layout

    def __init__(
        self,
        config: C,
        monotonic: Monotonic,
        open_bus: Callable[[int], I2CBus] = open_bus,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._open_bus = open_bus
        self._sleep = sleep
        self._name = f"{self.layout.kind} at 0x{config.address:02X} on i2c-{config.bus}"
        self._i2c: I2CBus | None = None
        self._temperature_c: float | None = None
        self._temperature_due_s = 0.0
        self.unit = "mG"
        self.bus = f"i2c-{config.bus}"
        self.timeout_s = 2 * self.measurement_s

    @property
    @abstractmethod
    def measurement_s(self) -> float:
        """Seconds from one measurement to the next, or from the trigger to the data."""

    @abstractmethod
    def start(self) -> None:
        """Set the chip up. May raise OSError."""

    @abstractmethod
    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        """The reading of one block of data."""

    def trigger(self) -> None:
        """Begin a measurement; nothing, where the chip measures of its own accord."""

    def recover(self) -> None:
        """Undo what a strong magnet did to the sensor; nothing, where the chip does it itself."""

    def measure_temperature(self, until_s: float) -> float | None:
        """The chip's own temperature in C; None where it has none, or none in time."""
        return None

    def open(self) -> None:
        """Check the chip's ID, start it and drop what it had measured. Raises DriverError."""
        self.close()
        with explained(self._name):
            self._i2c = self._open_bus(self._config.bus)
        try:
            with explained(self._name):
                self._check_id()
                self.start()
                self.read_register(self.layout.status)
                self._read_data()
        except DriverError as error:
            self.close()
            raise DriverError(str(error), f"{error.hint}; {self.layout.rivals}") from error
        self._temperature_c = None
        self._temperature_due_s = self._monotonic()

    def read(self) -> Reading:
        """The next new measurement, in milligauss. Raises DriverError where the bus fails.

        Answers no_data where the chip had nothing new, overflow where an axis was out of range.
        """
        self._opened()
        until_s = self._monotonic() + self.timeout_s
        with explained(self._name):
            self.trigger()
            status = self.await_status(self.layout.ready, until_s)
            if not status & self.layout.ready:
                return Reading(None, "mG", Quality.NO_DATA, None, self._monotonic())
            measured = self.decode(self._read_data(), status, self._monotonic())
            if measured.quality is Quality.OVERFLOW:
                self.recover()
            self._follow_temperature(until_s)
        return replace(measured, temperature_c=self._temperature_c)

    def close(self) -> None:
        """Close the bus."""
        if self._i2c is not None:
            self._i2c.close()
        self._i2c = None

    def read_register(self, register: int) -> int:
        """One byte. May raise OSError."""
        return self._opened().read_byte_data(self._config.address, register)

    def write_register(self, register: int, value: int) -> None:
        """One byte. May raise OSError."""
        self._opened().write_byte_data(self._config.address, register, value)

    def read_block(self, register: int, length: int) -> bytes:
        """Up to 32 bytes in one transfer. May raise OSError."""
        bus = self._opened()
        return bytes(bus.read_i2c_block_data(self._config.address, register, length))

    def await_status(self, mask: int, until_s: float) -> int:
        """The status, asked until a bit of `mask` is set or the time is up. May raise OSError.

        A bit that was seen once stays: some chips clear the overflow by the asking.
        """
        status = 0
        while True:
            status |= self.read_register(self.layout.status)
            left_s = until_s - self._monotonic()
            if status & mask or left_s <= 0:
                return status
            self._sleep(min(left_s, self.measurement_s / POLLS))

    def pause(self, seconds: float) -> None:
        """Give the chip the time that its datasheet asks for."""
        self._sleep(seconds)

    def _opened(self) -> I2CBus:
        if self._i2c is None:
            raise DriverError(f"{self._name} is not open", "call open() first")
        return self._i2c

    def _read_data(self) -> bytes:
        return self.read_block(self.layout.data, self.layout.length)

    def _check_id(self) -> None:
        expected = self.layout.chip_id
        found = self.read_block(self.layout.id_register, len(expected))
        if found != expected:
            raise DriverError(
                f"{self._name}: chip ID is 0x{found.hex().upper()},"
                f" expected 0x{expected.hex().upper()}",
                "another chip answers at this address: read the marking on the board",
            )

    def _follow_temperature(self, until_s: float) -> None:
        if self._monotonic() < self._temperature_due_s:
            return
        self._temperature_due_s = self._monotonic() + TEMPERATURE_EVERY_S
        self._temperature_c = self.measure_temperature(until_s)


def little_endian(data: bytes) -> Counts:
    """Three 16-bit counts, low byte first."""
    x, y, z = struct.unpack("<3h", data)
    return x, y, z


def beyond(counts: Counts, lowest: int, highest: int) -> bool:
    """Whether an axis stands on its rail, or past it."""
    return min(counts) <= lowest or max(counts) >= highest


def reading(counts: Counts, per_gauss: float, overflow: bool, monotonic_s: float) -> Reading:
    """The reading of three axes' counts, of which `per_gauss` make a gauss."""
    if overflow:
        return Reading(None, "mG", Quality.OVERFLOW, counts, monotonic_s)
    per_milligauss = per_gauss / 1000
    x, y, z = counts
    field = (x / per_milligauss, y / per_milligauss, z / per_milligauss)
    return Reading(field, "mG", Quality.OK, counts, monotonic_s)
