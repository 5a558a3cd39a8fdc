"""What MEMSIC's magnetometers share: measuring when told to, SET pulses, the temperature.

Source: MEMSIC MMC5603NJ datasheet, "Internal control 0", and MMC5983MA datasheet, "Internal control
0", https://www.memsic.com/magnetometer-5: TM_M bit 0, TM_T bit 1, SET bit 3, RESET bit 4, automatic
set/reset bit 5. The done bit of the status is cleared by the command and set by its result.
Temperature: 0.8 C a count, 0 is -75 C.

A strong magnet leaves the sensor's film magnetised, and every later reading is wrong until a SET
pulse. With automatic set/reset the chip does that with each measurement by itself; a command
with the RESET bit in its place would leave the film reversed.
"""

from abc import abstractmethod
from typing import TypeVar

from drivers import Reading
from drivers._magnetometer import Counts, Magnetometer, MagnetometerConfig, beyond, reading

MEASURE_FIELD = 0x01
MEASURE_TEMPERATURE = 0x02
SET = 0x08
AUTO_SET_RESET = 0x20

LEAST_NOISE = 0x00
"""The bandwidth, in "Internal control 1": the slowest."""
PULSE_S = 0.001
"""From a pulse to the next command."""
COUNTS_PER_GAUSS = 16384

C = TypeVar("C", bound=MagnetometerConfig)


class Memsic(Magnetometer[C]):
    """One MEMSIC magnetometer. Must: the registers below, and `decode`."""

    control_0: int
    control_1: int
    control_2: int
    temperature: int
    temperature_ready: int

    @property
    def measurement_s(self) -> float:
        """At the slowest bandwidth 8 ms, and a pulse of each polarity."""
        return 0.02

    def start(self) -> None:
        self.write_register(self.control_2, 0)
        self.write_register(self.control_1, LEAST_NOISE)
        self.recover()

    def trigger(self) -> None:
        self.write_register(self.control_0, MEASURE_FIELD | AUTO_SET_RESET)

    def recover(self) -> None:
        self.write_register(self.control_0, SET)
        self.pause(PULSE_S)

    def measure_temperature(self, until_s: float) -> float | None:
        self.write_register(self.control_0, MEASURE_TEMPERATURE)
        if not self.await_status(self.temperature_ready, until_s) & self.temperature_ready:
            return None
        return celsius(self.read_register(self.temperature))

    @abstractmethod
    def decode(self, data: bytes, status: int, monotonic_s: float) -> Reading:
        """The reading of one block of data."""


def celsius(count: int) -> float:
    """The temperature register in C."""
    return count * 0.8 - 75


def unsigned_reading(counts: Counts, bits: int, monotonic_s: float) -> Reading:
    """The reading of three unsigned counts of which the middle is no field."""
    highest = (1 << bits) - 1
    middle = 1 << (bits - 1)
    x, y, z = counts
    centred = (x - middle, y - middle, z - middle)
    return reading(centred, COUNTS_PER_GAUSS, beyond(counts, 0, highest), monotonic_s)
