"""RCWL-9600 and RCWL-9620 ultrasonic rangers on I2C (M5Stack Unit Ultrasonic, Ultrasonic-I2C).

Source: M5Stack, https://docs.m5stack.com/en/unit/Ultrasonic (RCWL-9600: I2C address 57h, blind
zone 20 mm, best from 300 to 1500 mm) and https://docs.m5stack.com/en/unit/Unit_Ultrasonic-IO
(RCWL-9620: 20-4500 mm, corrects for the temperature); the protocol, which has no datasheet, from
https://community.m5stack.com/topic/3240/ultrasonic-distance-unit-rcwl-9600: the byte 01 starts a
ranging; 120 ms later three bytes, high byte first, are the distance in micrometres.

The sensor has neither registers nor an ID. Each byte written is a command, which is why it is
read without naming a register first. Where it hears nothing it says its maximum, 4500 mm
(https://github.com/HowManyOliversAreThere/micropython-i2c-ultrasonic).
"""

from pydantic import ConfigDict, Field

from drivers import Reading
from drivers._air import LONGEST_S, ping_cycle
from drivers._frames import ranged
from drivers._i2c_raw import MessageConfig, MessageDriver

START = b"\x01"
CYCLE_S = 0.120
DISTANCE_BYTES = 3
UM_PER_MM = 1000
NEAREST_MM = 20
NOTHING_HEARD_MM = 4500
FARTHEST_MM = NOTHING_HEARD_MM - 1


class Config(MessageConfig):
    """Where the sensor answers."""

    model_config = ConfigDict(title="rcwl9600")

    address: int = Field(0x57, ge=0x08, le=0x77)


def decode(data: bytes, monotonic_s: float) -> Reading:
    """The reading of the three bytes. 0 and the maximum of 4500 mm are no echo."""
    distance_um = int.from_bytes(data, "big")
    return ranged(distance_um / UM_PER_MM, NEAREST_MM, FARTHEST_MM, distance_um, monotonic_s)


class Driver(MessageDriver[Config]):
    """One RCWL-9600. `raw` is the distance in micrometres as the sensor gave it."""

    timeout_s = LONGEST_S + CYCLE_S

    def start(self) -> None:
        """Look whether the sensor answers; what it says is old."""
        self.receive(DISTANCE_BYTES)

    def read(self) -> Reading:
        """Ping once. Raises DriverError where the bus fails."""
        with ping_cycle(CYCLE_S, self.monotonic, self.sleep) as pinged_s:
            self.write(START)
        return decode(self.receive(DISTANCE_BYTES), pinged_s)
