"""What the I2C sensors share that are spoken to in messages of whole bytes, not in 8-bit registers.

The kernel's I2C_RDWR: https://docs.kernel.org/i2c/dev-interface.html. The messages of one
transfer follow each other with a repeated start, so nobody else's come in between.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverError, Monotonic, Reading
from drivers._i2c import explained


class MessageBus(Protocol):
    """The part of `smbus2.SMBus` that transfers messages (`smbus2.i2c_msg`)."""

    def i2c_rdwr(self, *i2c_msgs: Any) -> None: ...
    def close(self) -> None: ...


def open_messages(number: int) -> MessageBus:
    """/dev/i2c-`number`. Raises OSError."""
    from smbus2 import SMBus

    return SMBus(number)


class MessageConfig(BaseModel):
    """`bus` is the number in /dev/i2c-N."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bus: int = Field(1, ge=0)
    address: int = Field(ge=0x08, le=0x7F)


C = TypeVar("C", bound=MessageConfig)


class MessageDriver(ABC, Generic[C]):
    """One sensor on a bus.

    Must override: `timeout_s`, `start`, `read`. `write`, `receive` and `ask` raise DriverError,
    with a hint, where the bus is not open or the transfer fails.
    """

    timeout_s: float

    def __init__(
        self,
        config: C,
        monotonic: Monotonic,
        open_bus: Callable[[int], MessageBus] = open_messages,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.config = config
        self.unit = "mm"
        self.bus = f"i2c-{config.bus}"
        self.name = f"{config.model_config.get('title')} at 0x{config.address:02X} on {self.bus}"
        self.monotonic = monotonic
        self.sleep = sleep
        self._open_bus = open_bus
        self._i2c: MessageBus | None = None

    @abstractmethod
    def start(self) -> None:
        """Check that it is this sensor that answers, and make it ready. May raise DriverError."""

    @abstractmethod
    def read(self) -> Reading:
        """Measure. Raises DriverError where the bus fails."""

    def open(self) -> None:
        """Open the bus and start the sensor; where that fails, let the bus go. Raises
        DriverError."""
        self.close()
        with explained(self.name):
            self._i2c = self._open_bus(self.config.bus)
        try:
            self.start()
        except DriverError:
            self.close()
            raise

    def close(self) -> None:
        """Close the bus."""
        if self._i2c is not None:
            self._i2c.close()
        self._i2c = None

    def write(self, data: bytes) -> None:
        """One message to the sensor."""
        from smbus2 import i2c_msg

        self._transfer(i2c_msg.write(self.config.address, data))

    def receive(self, length: int) -> bytes:
        """`length` bytes from the sensor."""
        from smbus2 import i2c_msg

        answer = i2c_msg.read(self.config.address, length)
        self._transfer(answer)
        return bytes(answer)

    def ask(self, question: bytes, length: int) -> bytes:
        """`length` bytes in answer to `question`, a register's number mostly."""
        from smbus2 import i2c_msg

        answer = i2c_msg.read(self.config.address, length)
        self._transfer(i2c_msg.write(self.config.address, question), answer)
        return bytes(answer)

    def _transfer(self, *messages: Any) -> None:
        if self._i2c is None:
            raise DriverError(f"{self.name} is not open", "call open() first")
        with explained(self.name):
            self._i2c.i2c_rdwr(*messages)
