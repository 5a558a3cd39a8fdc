"""MMC5983MA three-axis magnetometer on I2C: 8 G, 18 bits.

Source: MEMSIC MMC5983MA datasheet rev. A, "Register map",
https://www.memsic.com/Public/Uploads/uploadfile/files/20220119/MMC5983MADatasheetRevA.pdf:
bits 17-10 and 9-2 of X, Y, Z from 00h, their bits 1-0 in 06h (7-6, 5-4, 3-2); temperature 07h;
status 08h (field done bit 0, temperature done bit 1); control 09h-0Bh; product ID 30h in 2Fh.
Sensitivity: 16384 counts/G. The kernel's mmc5983.c reads the same registers.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import Layout, MagnetometerConfig
from drivers._memsic import Memsic, unsigned_reading

BITS = 18


class Config(MagnetometerConfig):
    """The chip has one range."""

    model_config = ConfigDict(title="mmc5983ma")

    address: int = Field(0x30, ge=0x08, le=0x77)


def decode(data: bytes, monotonic_s: float) -> Reading:
    """The reading of the seven data bytes. `raw` is the counts of X, Y and Z from the middle."""
    x, y, z = (
        data[2 * axis] << 10 | data[2 * axis + 1] << 2 | data[6] >> (6 - 2 * axis) & 0x03
        for axis in range(3)
    )
    return unsigned_reading((x, y, z), BITS, monotonic_s)


class Driver(Memsic[Config]):
    """One MMC5983MA. It measures at each read, with a set and a reset pulse."""

    layout = Layout(
        kind="mmc5983ma",
        id_register=0x2F,
        chip_id=b"\x30",
        data=0x00,
        length=7,
        status=0x08,
        ready=0x01,
        rivals="an MMC5603 has the same address: kind = mmc5603",
    )
    control_0 = 0x09
    control_1 = 0x0A
    control_2 = 0x0B
    temperature = 0x07
    temperature_ready = 0x02

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, monotonic_s)
