"""MMC5603NJ three-axis magnetometer on I2C: 30 G, 20 bits.

Source: MEMSIC MMC5603NJ datasheet rev. B, "Register map",
https://www.memsic.com/Public/Uploads/uploadfile/files/20220119/MMC5603NJDatasheetRev.B.pdf:
bits 19-12 and 11-4 of X, Y, Z from 00h, bits 3-0 in the high half of 06h, 07h, 08h; status 18h
(field done bit 6, temperature done bit 7); control 1Bh-1Dh; product ID 10h in 39h. Sensitivity:
16384 counts/G. The kernel's mmc5633.c reads the same registers.
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import Layout, MagnetometerConfig
from drivers._memsic import Memsic, unsigned_reading

BITS = 20


class Config(MagnetometerConfig):
    """The chip has one range."""

    model_config = ConfigDict(title="mmc5603")

    address: int = Field(0x30, ge=0x08, le=0x77)


def decode(data: bytes, monotonic_s: float) -> Reading:
    """The reading of the nine data bytes. `raw` is the counts of X, Y and Z from the middle."""
    x, y, z = (
        data[2 * axis] << 12 | data[2 * axis + 1] << 4 | data[6 + axis] >> 4 for axis in range(3)
    )
    return unsigned_reading((x, y, z), BITS, monotonic_s)


class Driver(Memsic[Config]):
    """One MMC5603. It measures at each read, with a set and a reset pulse."""

    layout = Layout(
        kind="mmc5603",
        id_register=0x39,
        chip_id=b"\x10",
        data=0x00,
        length=9,
        status=0x18,
        ready=0x40,
        rivals="an MMC5983MA has the same address: kind = mmc5983ma",
    )
    control_0 = 0x1B
    control_1 = 0x1C
    control_2 = 0x1D
    temperature = 0x09
    temperature_ready = 0x80

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, monotonic_s)
