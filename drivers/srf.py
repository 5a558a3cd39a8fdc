"""SRF02, SRF08 and SRF10 ultrasonic rangers on I2C.

Source: Devantech technical specifications, sections "Registers" and "Commands":
https://www.robot-electronics.co.uk/htm/srf02techI2C.htm, .../srf08tech.html, .../srf10tech.htm:
register 0 reads the software revision and takes commands, 51h being a ranging in cm; register 1
of the SRF02 and SRF10 reads 80h; registers 2-3 are the range, high byte first, 0 where nothing
was heard. A ranging lasts up to 65 ms, during which the sensor answers to nothing: a revision of
FFh is the pulled-up bus. Addresses are given shifted there: E0h-FEh are 70h-7Fh.

The sensor reckons with a speed of sound of its own: on a day at -20 C it reads some 7 % too far.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, Field

from drivers import DriverError, Quality, Reading
from drivers._air import LONGEST_S, ping_cycle
from drivers._frames import ranged
from drivers._i2c_raw import MessageConfig, MessageDriver

REG_COMMAND = 0x00
REG_REVISION = 0x00
COMMAND_RANGE_CM = 0x51
START = bytes([REG_COMMAND, COMMAND_RANGE_CM])
BUSY = 0xFF
UNUSED = 0x80
CYCLE_S = 0.070
FARTHEST_MM = 6000
MM_PER_CM = 10


@dataclass(frozen=True, slots=True)
class Model:
    """How near a model measures, in mm, and what its register 1 reads (None: the light)."""

    nearest_mm: int
    register_1: int | None


MODELS = {"srf02": Model(180, UNUSED), "srf08": Model(30, None), "srf10": Model(60, UNUSED)}


class Config(MessageConfig):
    """Which ranger it is, and where it answers."""

    model_config = ConfigDict(title="srf")

    model: Literal["srf02", "srf08", "srf10"]
    address: int = Field(0x70, ge=0x70, le=0x7F)


def decode(registers: bytes, model: Model, monotonic_s: float) -> Reading:
    """The reading of registers 0 to 3. 0 and more than 6 m are no echo; a sensor that is not
    done with its ranging has no data."""
    if registers[REG_REVISION] == BUSY:
        return Reading(None, "mm", Quality.NO_DATA, None, monotonic_s)
    range_cm = int.from_bytes(registers[2:4], "big")
    return ranged(range_cm * MM_PER_CM, model.nearest_mm, FARTHEST_MM, range_cm, monotonic_s)


class Driver(MessageDriver[Config]):
    """One ranger of the family. `raw` is the range in cm as the sensor gave it."""

    timeout_s = LONGEST_S + CYCLE_S

    def start(self) -> None:
        """Check the software revision, and what tells an SRF08 from the others."""
        revision, register_1 = self.ask(bytes([REG_REVISION]), 2)
        if revision in (0x00, BUSY):
            raise DriverError(
                f"{self.name}: software revision is 0x{revision:02X}",
                "the sensor is busy, or another chip answers here: check power and the address",
            )
        expected = MODELS[self.config.model].register_1
        if expected not in (None, register_1):
            raise DriverError(
                f"{self.name}: register 1 is 0x{register_1:02X}, expected 0x{expected:02X}",
                "read the marking on the board: is it another `model`?",
            )

    def read(self) -> Reading:
        """Ping once. Raises DriverError where the bus fails."""
        with ping_cycle(CYCLE_S, self.monotonic, self.sleep) as pinged_s:
            self.write(START)
        return decode(self.ask(bytes([REG_REVISION]), 4), MODELS[self.config.model], pinged_s)
