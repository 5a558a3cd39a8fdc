"""QMC5883L three-axis magnetometer on I2C.

Source: QST QMC5883L datasheet 1.0 (2016), section 9 "Register map" (table 13),
http://wiki.epalsite.com/images/7/72/QMC5883L-Datasheet-1.0.pdf: data little-endian X Y Z from
00h; status 06h; control 09h (OSR 7:6, RNG 5:4, ODR 3:2, MODE 1:0); set/reset period 0Bh, 01h
recommended; chip ID 0Dh reads FFh. Sensitivity, section 2: 12000 LSB/G at 2 G, 3000 at 8 G.

Boards sold as HMC5883L often carry this chip, and newer ones the QMC5883P (address 2Ch): they
are other chips with other registers.
"""

import struct
import time
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Quality, Reading, Vector
from drivers._i2c import I2CBus, explained, open_bus

REG_DATA = 0x00
REG_STATUS = 0x06
REG_CONTROL = 0x09
REG_SET_RESET_PERIOD = 0x0B
REG_CHIP_ID = 0x0D

DATA_BYTES = 6
STATUS_READY = 0x01
STATUS_OVERFLOW = 0x02
CHIP_ID = 0xFF
SET_RESET_PERIOD = 0x01
MODE_CONTINUOUS = 0x01
RATE_BITS = {10: 0x00, 50: 0x04, 100: 0x08, 200: 0x0C}
RANGE_BITS = {2: 0x00, 8: 0x10}
COUNTS_PER_GAUSS = {2: 12000, 8: 3000}


class Config(BaseModel):
    """`bus` is the number in /dev/i2c-N."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="qmc5883l")

    bus: int = Field(1, ge=0)
    address: int = Field(0x0D, ge=0x08, le=0x77)
    range_gauss: Literal[2, 8] = 2
    rate_hz: Literal[10, 50, 100, 200] = 10


def control_byte(range_gauss: int, rate_hz: int) -> int:
    """Register 09h: continuous measurement, oversampling 512 (the least noise)."""
    return RANGE_BITS[range_gauss] | RATE_BITS[rate_hz] | MODE_CONTINUOUS


def decode(data: Sequence[int], status: int, range_gauss: int, monotonic_s: float) -> Reading:
    """The reading of the six data bytes. `raw` is the counts of X, Y and Z."""
    counts: tuple[int, int, int] = struct.unpack("<3h", bytes(data))
    if status & STATUS_OVERFLOW:
        return Reading(None, "mG", Quality.OVERFLOW, counts, monotonic_s)
    per_milligauss = COUNTS_PER_GAUSS[range_gauss] / 1000
    x, y, z = counts
    field: Vector = (x / per_milligauss, y / per_milligauss, z / per_milligauss)
    return Reading(field, "mG", Quality.OK, counts, monotonic_s)


class Driver:
    """One QMC5883L. A read waits for new data, for at most two periods of the chip."""

    def __init__(
        self,
        config: Config,
        monotonic: Monotonic,
        open_bus: Callable[[int], I2CBus] = open_bus,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._config = config
        self._monotonic = monotonic
        self._open_bus = open_bus
        self._sleep = sleep
        self._name = f"qmc5883l at 0x{config.address:02X} on i2c-{config.bus}"
        self._i2c: I2CBus | None = None
        self.bus = f"i2c-{config.bus}"
        self.timeout_s = 2 / config.rate_hz

    def open(self) -> None:
        """Check the chip's ID and start it. Raises DriverError."""
        self.close()
        with explained(self._name):
            bus = self._open_bus(self._config.bus)
        try:
            with explained(self._name):
                self._start(bus)
        except DriverError:
            bus.close()
            raise
        self._i2c = bus

    def read(self) -> Reading:
        """The next new measurement. Raises DriverError where the bus fails.

        Answers no_data where the chip had nothing new, overflow where an axis was out of range.
        """
        if self._i2c is None:
            raise DriverError(f"{self._name} is not open", "call open() first")
        with explained(self._name):
            status = self._wait_ready(self._i2c)
            if not status & STATUS_READY:
                return Reading(None, "mG", Quality.NO_DATA, None, self._monotonic())
            # One block, or an axis may change in between; reading it clears the ready bit.
            data = self._i2c.read_i2c_block_data(self._config.address, REG_DATA, DATA_BYTES)
        return decode(data, status, self._config.range_gauss, self._monotonic())

    def close(self) -> None:
        """Close the bus."""
        if self._i2c is not None:
            self._i2c.close()
        self._i2c = None

    def _start(self, bus: I2CBus) -> None:
        address = self._config.address
        chip_id = bus.read_byte_data(address, REG_CHIP_ID)
        if chip_id != CHIP_ID:
            raise DriverError(
                f"{self._name}: chip ID is 0x{chip_id:02X}, expected 0x{CHIP_ID:02X}",
                "another chip answers at this address: read the marking on the board",
            )
        bus.write_byte_data(address, REG_SET_RESET_PERIOD, SET_RESET_PERIOD)
        control = control_byte(self._config.range_gauss, self._config.rate_hz)
        bus.write_byte_data(address, REG_CONTROL, control)

    def _wait_ready(self, bus: I2CBus) -> int:
        """The status, asked four times a period until new data are ready or the time is up."""
        give_up_s = self._monotonic() + self.timeout_s
        while True:
            status = bus.read_byte_data(self._config.address, REG_STATUS)
            if status & STATUS_READY or self._monotonic() >= give_up_s:
                return status
            self._sleep(0.25 / self._config.rate_hz)
