"""RM3100 three-axis magneto-inductive sensor on I2C: 8 G, the least noise of all.

Source: PNI RM3100 & RM2100 Sensor Suite User Manual (doc. 1017252 r04), section 5 and table 3-1,
https://www.pnicorp.com/download/rm3100-user-manual/: poll 00h (axes 6:4), continuous mode 01h,
cycle counts of X, Y, Z big-endian from 04h, data 3 x 24 bits big-endian from 24h, status 34h
(ready bit 7, cleared by reading the data), revision 22h in 36h. 20, 38, 75 LSB/uT at 50, 100, 200
cycles; range 800 uT. 1 uT is 10 mG. The kernel's rm3100-core.c reads the same registers.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import (
    Counts,
    Layout,
    Magnetometer,
    MagnetometerConfig,
    beyond,
    reading,
)

REG_POLL = 0x00
REG_CONTINUOUS = 0x01
REG_CYCLES = 0x04

ALL_AXES = 0x70
OFF = 0x00
RANGE_GAUSS = 8
COUNTS_PER_GAUSS = {50: 2000, 100: 3800, 200: 7500}
MEASUREMENT_S = 0.02
"""Three axes of 200 cycles take 7 ms (147 Hz, table 3-1)."""


class Config(MagnetometerConfig):
    """The more cycles, the finer the steps. `address` is 0x20 and SA0 + 2 x SA1."""

    model_config = ConfigDict(title="rm3100")

    address: int = Field(0x20, ge=0x08, le=0x77)
    cycles: Literal[50, 100, 200] = 200


def decode(data: bytes, cycles: int, monotonic_s: float) -> Reading:
    """The reading of the nine data bytes. `raw` is the counts of X, Y and Z."""
    x, y, z = (int.from_bytes(data[at : at + 3], "big", signed=True) for at in (0, 3, 6))
    counts: Counts = (x, y, z)
    per_gauss = COUNTS_PER_GAUSS[cycles]
    full_scale = RANGE_GAUSS * per_gauss
    return reading(counts, per_gauss, beyond(counts, -full_scale, full_scale), monotonic_s)


class Driver(Magnetometer[Config]):
    """One RM3100. It measures at each read."""

    layout = Layout(
        kind="rm3100",
        id_register=0x36,
        chip_id=b"\x22",
        data=0x24,
        length=9,
        status=0x34,
        ready=0x80,
        rivals="an RM3100 is at 0x20 to 0x23, by its pins SA0 and SA1; so are port expanders",
    )
    measurement_s = MEASUREMENT_S

    def start(self) -> None:
        self.write_register(REG_CONTINUOUS, OFF)
        for axis in range(3):
            self.write_register(REG_CYCLES + 2 * axis, 0)
            self.write_register(REG_CYCLES + 2 * axis + 1, self._config.cycles)

    def trigger(self) -> None:
        self.write_register(REG_POLL, ALL_AXES)

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, self._config.cycles, monotonic_s)
