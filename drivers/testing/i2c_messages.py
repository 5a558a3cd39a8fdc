"""A fake I2C bus of messages, that refuses what the kernel would refuse, and chips for it."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, cast

from drivers.testing.i2c import FakeI2C

I2C_M_RD = 0x0001
"""linux/i2c.h: this message is read."""
MESSAGES_MAX = 42
MESSAGE_BYTES_MAX = 8192


class MessageChip(Protocol):
    """What hangs on the bus. An OSError from it is one of the bus's."""

    def write(self, data: bytes) -> None: ...
    def read(self, length: int) -> bytes: ...


class FakeMessageBus(FakeI2C):
    """A fake bus that takes smbus2's own messages, of chips that know nothing of registers."""

    def __init__(self, chips: dict[int, Any]) -> None:
        super().__init__(chips)

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        """Each message in turn."""
        lengths = [message.len for message in i2c_msgs]
        if not 0 < len(lengths) <= MESSAGES_MAX or max(lengths) > MESSAGE_BYTES_MAX:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        for message in i2c_msgs:
            chip = cast(MessageChip, self._chip(message.addr))
            if message.flags & I2C_M_RD:
                for index, byte in enumerate(chip.read(message.len)):
                    message.buf[index] = byte
            else:
                chip.write(bytes(message))


class RegisterChip:
    """Registers behind a pointer of `width` bytes, high byte first, that moves on by itself.

    `written` is each write of data in order, as (register, bytes). Reading a register that is not
    there, or writing one that is not `writable`, is refused. `on_write` is told after each write.
    """

    def __init__(
        self, registers: Mapping[int, int], writable: Iterable[int] = (), width: int = 1
    ) -> None:
        self.registers = dict(registers)
        self.written: list[tuple[int, bytes]] = []
        self.on_write: Callable[[int, bytes], None] = lambda register, data: None
        self._writable = set(writable)
        self._width = width
        self._pointer = 0

    def write(self, data: bytes) -> None:
        """Set the pointer, and write what follows it."""
        assert len(data) >= self._width, f"{len(data)} bytes are no register of {self._width}"
        self._pointer = int.from_bytes(data[: self._width], "big")
        values = data[self._width :]
        if not values:
            return
        for register, value in enumerate(values, self._pointer):
            assert register in self._writable, f"register 0x{register:04X} is read only"
            self.registers[register] = value
        register, self._pointer = self._pointer, self._pointer + len(values)
        self.written.append((register, values))
        self.on_write(register, values)

    def read(self, length: int) -> bytes:
        """The registers from the pointer on."""
        wanted = range(self._pointer, self._pointer + length)
        missing = [f"0x{each:04X}" for each in wanted if each not in self.registers]
        assert not missing, f"no such registers: {', '.join(missing)}"
        self._pointer = wanted.stop
        return bytes(self.registers[each] for each in wanted)
