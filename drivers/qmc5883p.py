"""QMC5883P three-axis magnetometer on I2C: the QMC5883L's successor, with other registers.

Source: QST QMC5883P datasheet rev. C, sections 7.2 "Application examples" and 9 "Register map",
https://www.icbase.com/File/news/download/QMC5883P_Datasheet.pdf (13-52-19): chip ID 80h in 00h;
data little-endian X Y Z from 01h; status 09h, cleared by reading it; control 1 0Ah (OSR2 7:6, OSR1
5:4, ODR 3:2, MODE 1:0); control 2 0Bh (range 3:2, set/reset 1:0); signs of the axes 29h, 06h in
every example. Sensitivity, table 2: 15000, 3750, 2500, 1000 LSB/G at 2, 8, 12, 30 G.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from drivers import DriverError, Reading
from drivers._magnetometer import (
    Layout,
    Magnetometer,
    MagnetometerConfig,
    beyond,
    little_endian,
    reading,
)

REG_CONTROL_1 = 0x0A
REG_CONTROL_2 = 0x0B
REG_SIGN = 0x29

STATUS_OVERFLOW = 0x02
SIGN = 0x06
MODE_SUSPEND = 0x00
MODE_NORMAL = 0x01
OVERSAMPLE_MOST = 0xC0
RATE_BITS = {10: 0x00, 50: 0x04, 100: 0x08, 200: 0x0C}
SET_AND_RESET = 0x00
RANGE_BITS = {30: 0x00, 12: 0x04, 8: 0x08, 2: 0x0C}
COUNTS_PER_GAUSS = {2: 15000, 8: 3750, 12: 2500, 30: 1000}
FULL_SCALE = 30_000


class Config(MagnetometerConfig):
    """The less the range, the finer the steps."""

    model_config = ConfigDict(title="qmc5883p")

    address: int = Field(0x2C, ge=0x08, le=0x77)
    range_gauss: Literal[2, 8, 12, 30] = 2
    rate_hz: Literal[10, 50, 100, 200] = 10


def control_bytes(range_gauss: int, rate_hz: int) -> tuple[int, int]:
    """Registers 0Ah, 0Bh: measuring on its own, with the least noise, set and reset each time."""
    return (
        OVERSAMPLE_MOST | RATE_BITS[rate_hz] | MODE_NORMAL,
        RANGE_BITS[range_gauss] | SET_AND_RESET,
    )


def decode(data: bytes, status: int, range_gauss: int, monotonic_s: float) -> Reading:
    """The reading of the six data bytes. `raw` is the counts of X, Y and Z."""
    counts = little_endian(data)
    overflow = bool(status & STATUS_OVERFLOW) or beyond(counts, -FULL_SCALE, FULL_SCALE)
    return reading(counts, COUNTS_PER_GAUSS[range_gauss], overflow, monotonic_s)


class Driver(Magnetometer[Config]):
    """One QMC5883P, which measures of its own accord."""

    layout = Layout(
        kind="qmc5883p",
        id_register=0x00,
        chip_id=b"\x80",
        data=0x01,
        length=6,
        status=0x09,
        ready=0x01,
        rivals="a board with this marking may carry a QMC5883L (0x0D) or an HMC5883L (0x1E)",
    )

    @property
    def measurement_s(self) -> float:
        return 1 / self._config.rate_hz

    def start(self) -> None:
        control_1, control_2 = control_bytes(self._config.range_gauss, self._config.rate_hz)
        # Started last, as in section 7.2: chips that are set up while they run may never measure.
        self.write_register(REG_CONTROL_1, MODE_SUSPEND)
        self.write_register(REG_SIGN, SIGN)
        self.write_register(REG_CONTROL_2, control_2)
        self._check_range(control_2)
        self.write_register(REG_CONTROL_1, control_1)

    def recover(self) -> None:
        """Begin again. Each measurement then sets and resets the sensor (section 9.2.3)."""
        self.start()

    def _check_range(self, expected: int) -> None:
        """Some chips stay at 30 G, whatever is written: fields would be 15 times too weak."""
        found = self.read_register(REG_CONTROL_2)
        if found != expected:
            raise DriverError(
                f"{self._name}: control 2 is 0x{found:02X} after writing 0x{expected:02X}",
                f"the chip does not take range_gauss = {self._config.range_gauss}: try 30",
            )

    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        return decode(data, status, self._config.range_gauss, monotonic_s)
