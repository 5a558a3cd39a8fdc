"""I2C devices that are spoken to in messages of whole bytes, not in 8-bit registers.

The kernel's I2C_RDWR: https://docs.kernel.org/i2c/dev-interface.html. The messages of one
transfer follow each other with a repeated start, so nobody else's come in between.
"""

from collections.abc import Callable
from typing import Any, Protocol

from drivers import DriverError
from drivers._i2c import explained


class MessageBus(Protocol):
    """The part of `smbus2.SMBus` that transfers messages (`smbus2.i2c_msg`)."""

    def i2c_rdwr(self, *i2c_msgs: Any) -> None: ...
    def close(self) -> None: ...


def open_messages(number: int) -> MessageBus:
    """/dev/i2c-`number`. Raises OSError."""
    from smbus2 import SMBus

    return SMBus(number)


class MessageDevice:
    """One device on a bus. Each transfer raises DriverError, with a hint, where it fails."""

    def __init__(
        self, kind: str, number: int, address: int, open_bus: Callable[[int], MessageBus]
    ) -> None:
        self.name = f"{kind} at 0x{address:02X} on i2c-{number}"
        self._number = number
        self._address = address
        self._open_bus = open_bus
        self._bus: MessageBus | None = None

    def open(self, start: Callable[[], None]) -> None:
        """Open the bus and `start` the device; where that fails, let the bus go."""
        self.close()
        with explained(self.name):
            self._bus = self._open_bus(self._number)
        try:
            start()
        except DriverError:
            self.close()
            raise

    def close(self) -> None:
        """Close the bus."""
        if self._bus is not None:
            self._bus.close()
        self._bus = None

    def write(self, data: bytes) -> None:
        """One message to the device."""
        from smbus2 import i2c_msg

        self._transfer(i2c_msg.write(self._address, data))

    def read(self, length: int) -> bytes:
        """`length` bytes from the device."""
        from smbus2 import i2c_msg

        answer = i2c_msg.read(self._address, length)
        self._transfer(answer)
        return bytes(answer)

    def ask(self, question: bytes, length: int) -> bytes:
        """`length` bytes in answer to `question`, a register's number mostly."""
        from smbus2 import i2c_msg

        answer = i2c_msg.read(self._address, length)
        self._transfer(i2c_msg.write(self._address, question), answer)
        return bytes(answer)

    def _transfer(self, *messages: Any) -> None:
        if self._bus is None:
            raise DriverError(f"{self.name} is not open", "call open() first")
        with explained(self.name):
            self._bus.i2c_rdwr(*messages)
