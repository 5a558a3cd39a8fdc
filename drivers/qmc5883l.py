"""QMC5883L three-axis magnetometer on I2C.

Source: QST QMC5883L datasheet 1.0 (2016), section 9 "Register map" (table 13),
http://wiki.epalsite.com/images/7/72/QMC5883L-Datasheet-1.0.pdf: data little-endian X Y Z from
00h; status 06h; control 09h (OSR 7:6, RNG 5:4, ODR 3:2, MODE 1:0); set/reset period 0Bh, 01h
recommended; chip ID 0Dh reads FFh. Sensitivity, section 2: 12000 LSB/G at 2 G, 3000 at 8 G.

The chip's temperature register has no known zero, and is not read.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import (
    Layout,
    Magnetometer,
    MagnetometerConfig,
    little_endian,
    reading,
)

REG_CONTROL = 0x09
REG_SET_RESET_PERIOD = 0x0B

STATUS_OVERFLOW = 0x02
SET_RESET_PERIOD = 0x01
MODE_CONTINUOUS = 0x01
RATE_BITS = {10: 0x00, 50: 0x04, 100: 0x08, 200: 0x0C}
RANGE_BITS = {2: 0x00, 8: 0x10}
COUNTS_PER_GAUSS = {2: 12000, 8: 3000}


class Config(MagnetometerConfig):
    """The less the range, the finer the steps."""

    model_config = ConfigDict(title="qmc5883l")

    address: int = Field(0x0D, ge=0x08, le=0x77)
    range_gauss: Literal[2, 8] = 2
    rate_hz: Literal[10, 50, 100, 200] = 10


def control_byte(range_gauss: int, rate_hz: int) -> int:
    """Register 09h: continuous measurement, oversampling 512 (the least noise)."""
    return RANGE_BITS[range_gauss] | RATE_BITS[rate_hz] | MODE_CONTINUOUS


def decode(data: bytes, status: int, range_gauss: int, monotonic_s: float) -> Reading:
    """The reading of the six data bytes. `raw` is the counts of X, Y and Z."""
    overflow = bool(status & STATUS_OVERFLOW)
    return reading(little_endian(data), COUNTS_PER_GAUSS[range_gauss], overflow, monotonic_s)


class Driver(Magnetometer[Config]):
    """One QMC5883L, which measures, sets and resets of its own accord."""

    layout = Layout(
        kind="qmc5883l",
        id_register=0x0D,
        chip_id=b"\xff",
        data=0x00,
        length=6,
        status=0x06,
        ready=0x01,
        rivals="a board with this marking may carry a QMC5883P (0x2C) or an HMC5883L (0x1E)",
    )

    @property
    def measurement_s(self) -> float:
        return 1 / self._config.rate_hz

    def start(self) -> None:
        self.write_register(REG_SET_RESET_PERIOD, SET_RESET_PERIOD)
        control = control_byte(self._config.range_gauss, self._config.rate_hz)
        self.write_register(REG_CONTROL, control)

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, status, self._config.range_gauss, monotonic_s)
