"""HMC5883L three-axis magnetometer on I2C.

Source: Honeywell HMC5883L datasheet (form 900405 rev. E), "Registers" (tables 2-19),
https://cdn-shop.adafruit.com/datasheets/HMC5883L_3-Axis_Digital_Compass_IC.pdf: configuration A
00h (averaging 6:5), B 01h (gain 7:5), mode 02h; data big-endian in the order X, Z, Y from 03h;
status 09h; identification "H43" in 0Ah-0Ch. Table 9: 1370 LSB/G (0.73 mG a count) at 0.88 G to
230 LSB/G at 8.1 G. A count is of 12 bits; -4096 stands for an axis that overflowed.

In continuous mode the ready bit stays set until the next data are written, so that it does not
tell new data from old ("Data output register operation"); in single measurement mode it does.
The chip has no register for its set/reset strap, which it drives itself at each measurement.
"""

import struct
from typing import Literal

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._magnetometer import Layout, Magnetometer, MagnetometerConfig, beyond, reading

REG_CONFIGURATION_A = 0x00
REG_CONFIGURATION_B = 0x01
REG_MODE = 0x02

MODE_SINGLE = 0x01
AVERAGE_BITS = {1: 0x00, 2: 0x20, 4: 0x40, 8: 0x60}
GAIN_BITS = {
    1370: 0x00,
    1090: 0x20,
    820: 0x40,
    660: 0x60,
    440: 0x80,
    390: 0xA0,
    330: 0xC0,
    230: 0xE0,
}
RAIL = 1 << 11
SAMPLE_S = 0.01
"""One sample takes 6 ms ("Single-measurement mode", 160 Hz)."""


class Config(MagnetometerConfig):
    """`counts_per_gauss` is the gain: 1370 up to 0.88 G, 1090 up to 1.3 G, 230 up to 8.1 G."""

    model_config = ConfigDict(title="hmc5883l")

    address: int = Field(0x1E, ge=0x08, le=0x77)
    counts_per_gauss: Literal[1370, 1090, 820, 660, 440, 390, 330, 230] = 1090
    average: Literal[1, 2, 4, 8] = 4


def decode(data: bytes, counts_per_gauss: int, monotonic_s: float) -> Reading:
    """The reading of the six data bytes. `raw` is the counts of X, Y and Z, in that order."""
    x, z, y = struct.unpack(">3h", data)
    overflow = beyond((x, y, z), -RAIL - 1, RAIL)
    return reading((x, y, z), counts_per_gauss, overflow, monotonic_s)


class Driver(Magnetometer[Config]):
    """One HMC5883L. It measures at each read."""

    layout = Layout(
        kind="hmc5883l",
        id_register=0x0A,
        chip_id=b"H43",
        data=0x03,
        length=6,
        status=0x09,
        ready=0x01,
        rivals=(
            "boards sold as HMC5883L often carry a QMC5883L (0x0D) or QMC5883P (0x2C);"
            " an LIS3MDL may answer at 0x1E"
        ),
    )

    @property
    def measurement_s(self) -> float:
        return SAMPLE_S * self._config.average

    def start(self) -> None:
        self.write_register(REG_CONFIGURATION_A, AVERAGE_BITS[self._config.average])
        self.write_register(REG_CONFIGURATION_B, GAIN_BITS[self._config.counts_per_gauss])
        # A new gain holds from the second measurement on (table 9); `open` drops this first one.
        self.trigger()

    def trigger(self) -> None:
        self.write_register(REG_MODE, MODE_SINGLE)
        # Not asked sooner, lest the ready bit of the last measurement be taken for this one's.
        self.pause(self.measurement_s)

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, self._config.counts_per_gauss, monotonic_s)
