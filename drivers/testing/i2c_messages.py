"""A fake I2C bus of messages, that refuses what the kernel would refuse, and chips for it."""

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, Self

I2C_M_RD = 0x0001
"""linux/i2c.h: this message is read."""
MESSAGES_MAX = 42
MESSAGE_BYTES_MAX = 8192


class MessageChip(Protocol):
    """What hangs on the bus. An OSError from it is one of the bus's."""

    def write(self, data: bytes) -> None: ...
    def read(self, length: int) -> bytes: ...


class FakeMessageBus:
    """`smbus2.SMBus.i2c_rdwr`, given smbus2's own messages.

    `chips` by address: take one out and its address no longer answers (errno 121, as on a Pi).
    `failure`, an errno, is what every transfer ends with until it is None again.
    """

    def __init__(self, chips: dict[int, MessageChip]) -> None:
        self.chips = chips
        self.closed = False
        self.failure: int | None = None

    def open(self, number: int) -> Self:
        """Stands for `smbus2.SMBus(number)`."""
        self.closed = False
        return self

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        """Each message in turn."""
        if not 0 < len(i2c_msgs) <= MESSAGES_MAX:
            raise _os_error(errno.EINVAL)
        for message in i2c_msgs:
            chip = self._chip(message)
            if message.flags & I2C_M_RD:
                for index, byte in enumerate(chip.read(message.len)):
                    message.buf[index] = byte
            else:
                chip.write(bytes(message))

    def close(self) -> None:
        self.closed = True

    def _chip(self, message: Any) -> MessageChip:
        if self.closed:
            raise _os_error(errno.EBADF)
        if message.len > MESSAGE_BYTES_MAX:
            raise _os_error(errno.EINVAL)
        if self.failure is not None:
            raise _os_error(self.failure)
        if message.addr not in self.chips:
            raise nobody_answers()
        return self.chips[message.addr]


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


def nobody_answers() -> OSError:
    """The error of an address at which nobody answers, on a Pi's controller."""
    return _os_error(errno.EREMOTEIO)


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
