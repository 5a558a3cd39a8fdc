"""SRF02, SRF08 and SRF10 ultrasonic rangers on I2C.

Source: Devantech technical specifications, sections "Registers" and "Commands":
https://www.robot-electronics.co.uk/htm/srf02techI2C.htm, .../srf08tech.html, .../srf10tech.htm:
register 0 reads the software revision and takes commands, 51h being a ranging in cm; register 1
of the SRF02 and SRF10 reads 80h; registers 2-3 are the range, high byte first, 0 where nothing
was heard. A ranging lasts up to 65 ms, during which the sensor answers to nothing: a revision of
FFh is the pulled-up bus. Addresses are given shifted there: E0h-FEh are 70h-7Fh.

The sensor reckons with a speed of sound of its own: on a day at -20 C it reads some 7 % too far.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Quality, Reading
from drivers._air import LONGEST_S, ping_cycle
from drivers._frames import ranged
from drivers._i2c_raw import MessageBus, MessageDevice, open_messages

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


class Config(BaseModel):
    """`bus` is the number in /dev/i2c-N."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="srf")

    model: Literal["srf02", "srf08", "srf10"]
    bus: int = Field(1, ge=0)
    address: int = Field(0x70, ge=0x70, le=0x7F)


def decode(registers: bytes, model: Model, monotonic_s: float) -> Reading:
    """The reading of registers 0 to 3. 0 and more than 6 m are no echo; a sensor that is not
    done with its ranging has no data."""
    if registers[REG_REVISION] == BUSY:
        return Reading(None, "mm", Quality.NO_DATA, None, monotonic_s)
    range_cm = int.from_bytes(registers[2:4], "big")
    return ranged(range_cm * MM_PER_CM, model.nearest_mm, FARTHEST_MM, range_cm, monotonic_s)


class Driver:
    """One ranger of the family. `raw` is the range in cm as the sensor gave it."""

    timeout_s = LONGEST_S + CYCLE_S

    def __init__(
        self,
        config: Config,
        monotonic: Monotonic,
        open_bus: Callable[[int], MessageBus] = open_messages,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._device = MessageDevice(config.model, config.bus, config.address, open_bus)
        self._model = MODELS[config.model]
        self._monotonic = monotonic
        self._sleep = sleep
        self.bus = f"i2c-{config.bus}"

    def open(self) -> None:
        """Open the bus and check the software revision. Raises DriverError."""
        self._device.open(self._check)

    def read(self) -> Reading:
        """Ping once. Raises DriverError where the bus fails."""
        with ping_cycle(CYCLE_S, self._monotonic, self._sleep) as pinged_s:
            self._device.write(START)
        return decode(self._device.ask(bytes([REG_REVISION]), 4), self._model, pinged_s)

    def close(self) -> None:
        """Close the bus."""
        self._device.close()

    def _check(self) -> None:
        revision, register_1 = self._device.ask(bytes([REG_REVISION]), 2)
        if revision in (0x00, BUSY):
            raise DriverError(
                f"{self._device.name}: software revision is 0x{revision:02X}",
                "the sensor is busy, or another chip answers here: check power and the address",
            )
        if self._model.register_1 not in (None, register_1):
            raise DriverError(
                f"{self._device.name}: register 1 is 0x{register_1:02X}, "
                f"expected 0x{self._model.register_1:02X}",
                "read the marking on the board: is it another `model`?",
            )
