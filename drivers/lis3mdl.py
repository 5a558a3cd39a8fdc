"""LIS3MDL three-axis magnetometer on I2C.

Source: STMicroelectronics LIS3MDL datasheet DocID024204 rev. 6, sections 2.1 (sensitivity), 5.1.1
(bit 7 of a register's address counts it up within a block) and 7 "Register description",
https://www.st.com/resource/en/datasheet/lis3mdl.pdf: WHO_AM_I 0Fh reads 3Dh; control 20h-24h;
status 27h (new data of all axes bit 3); data little-endian X Y Z from 28h; temperature 2Eh,
8 counts a C, 0 is 25 C. 6842, 3421, 2281, 1711 LSB/G at 4, 8, 12, 16 G.

Bit 7 of the status is overrun, data that nobody fetched, and says nothing of the field: overflow
is a count past the full scale.
"""

import struct
from typing import Literal

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import (
    Layout,
    Magnetometer,
    MagnetometerConfig,
    beyond,
    little_endian,
    reading,
)

COUNT_UP = 0x80
REG_CONTROL_1 = 0x20
REG_CONTROL_2 = 0x21
REG_CONTROL_3 = 0x22
REG_CONTROL_4 = 0x23
REG_CONTROL_5 = 0x24
REG_TEMPERATURE = 0x2E

TEMPERATURE_ON = 0x80
LEAST_NOISE_XY = 0x60
LEAST_NOISE_Z = 0x0C
MODE_CONTINUOUS = 0x00
BLOCK_UPDATE = 0x40
RATE_BITS = {10: 0x10, 20: 0x14, 40: 0x18, 80: 0x1C}
RANGE_BITS = {4: 0x00, 8: 0x20, 12: 0x40, 16: 0x60}
COUNTS_PER_GAUSS = {4: 6842, 8: 3421, 12: 2281, 16: 1711}


class Config(MagnetometerConfig):
    """The less the range, the finer the steps. `address` is 0x1E where SA1 is high."""

    model_config = ConfigDict(title="lis3mdl")

    address: int = Field(0x1C, ge=0x08, le=0x77)
    range_gauss: Literal[4, 8, 12, 16] = 4
    rate_hz: Literal[10, 20, 40, 80] = 10


def decode(data: bytes, range_gauss: int, monotonic_s: float) -> Reading:
    """The reading of the six data bytes. `raw` is the counts of X, Y and Z."""
    counts = little_endian(data)
    per_gauss = COUNTS_PER_GAUSS[range_gauss]
    full_scale = range_gauss * per_gauss
    return reading(counts, per_gauss, beyond(counts, -full_scale, full_scale), monotonic_s)


def celsius(data: bytes) -> float:
    """The temperature registers in C."""
    count: int = struct.unpack("<h", data)[0]
    return 25 + count / 8


class Driver(Magnetometer[Config]):
    """One LIS3MDL, which measures of its own accord."""

    layout = Layout(
        kind="lis3mdl",
        id_register=0x0F,
        chip_id=b"\x3d",
        data=0x28 | COUNT_UP,
        length=6,
        status=0x27,
        ready=0x08,
        rivals="an LIS3MDL is at 0x1C, or at 0x1E with SA1 high, where an HMC5883L is too",
    )

    @property
    def measurement_s(self) -> float:
        return 1 / self._config.rate_hz

    def start(self) -> None:
        rate = RATE_BITS[self._config.rate_hz]
        self.write_register(REG_CONTROL_1, TEMPERATURE_ON | LEAST_NOISE_XY | rate)
        self.write_register(REG_CONTROL_2, RANGE_BITS[self._config.range_gauss])
        self.write_register(REG_CONTROL_4, LEAST_NOISE_Z)
        self.write_register(REG_CONTROL_5, BLOCK_UPDATE)
        self.write_register(REG_CONTROL_3, MODE_CONTINUOUS)

    def measure_temperature(self, until_s: float) -> float | None:
        return celsius(self.read_block(REG_TEMPERATURE | COUNT_UP, 2))

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, self._config.range_gauss, monotonic_s)
