"""A fake I2C bus that refuses what the kernel or a chip would refuse."""

import errno
import os
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Self

SMBUS_BLOCK_MAX = 32

Bits = tuple[int, int]
"""A register, and the bits of it that are meant."""


class FakeChip:
    """An I2C chip: byte registers, of which only `writable` may be written.

    `block` is the data registers: reading one of them alone is refused, for it tears a
    measurement. Reading them clears the bits of `ready`, which `measure` sets, as does a write of
    the bits of `trigger` (None: the chip has stalled, or measures on its own). `script(register,
    ...)` gives a register its next values; the last one stays. `written` is each write in order.
    """

    def __init__(
        self,
        registers: Mapping[int, int],
        writable: Iterable[int] = (),
        block: range = range(0),
        ready: Bits | None = None,
        trigger: Bits | None = None,
    ) -> None:
        self.registers = dict(registers)
        self.written: list[tuple[int, int]] = []
        self._writable = set(writable)
        self._block = block
        self._ready = ready
        self.trigger = trigger
        self._scripts: dict[int, deque[int]] = {}

    def script(self, register: int, *values: int) -> None:
        """What the next reads of a register answer."""
        self._scripts[register] = deque(values)

    def measure(self) -> None:
        """New data stand in the data registers."""
        if self._ready is not None:
            status, bits = self._ready
            self.registers[status] |= bits

    def read(self, register: int, length: int) -> list[int]:
        """The registers from `register` on."""
        data = range(register, register + length)
        if set(data) & set(self._block):
            assert data == self._block, f"torn read: {length} of {len(self._block)} bytes"
        answer = [self._read_byte(each) for each in data]
        if data == self._block and self._ready is not None:
            status, bits = self._ready
            self.registers[status] &= ~bits
        return answer

    def write(self, register: int, value: int) -> None:
        """Write one register."""
        assert register in self._writable, f"register 0x{register:02X} is read only"
        assert 0 <= value <= 0xFF, f"{value} is no byte"
        self.written.append((register, value))
        self.registers[register] = value
        if self.trigger is not None and register == self.trigger[0] and value & self.trigger[1]:
            self.measure()

    def _read_byte(self, register: int) -> int:
        script = self._scripts.get(register)
        if script:
            self.registers[register] = script.popleft()
        assert register in self.registers, f"register 0x{register:02X} does not exist"
        return self.registers[register]


class FakeI2C:
    """An I2C bus as `smbus2.SMBus` shows it, with the kernel's refusals.

    `chips` by address: take one out and its address no longer answers (errno 121, as on a Pi).
    `failure`, an errno, is what every transfer ends with until it is None again.
    """

    def __init__(self, chips: dict[int, FakeChip]) -> None:
        self.chips = chips
        self.closed = False
        self.failure: int | None = None

    def open(self, number: int) -> Self:
        """Stands for `smbus2.SMBus(number)`."""
        self.closed = False
        return self

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        return self._chip(i2c_addr).read(register, 1)[0]

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        self._chip(i2c_addr).write(register, value)

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        if not 0 < length <= SMBUS_BLOCK_MAX:
            raise ValueError(f"a block has 1 to {SMBUS_BLOCK_MAX} bytes, not {length}")
        return self._chip(i2c_addr).read(register, length)

    def close(self) -> None:
        self.closed = True

    def _chip(self, address: int) -> FakeChip:
        if self.closed:
            raise _os_error(errno.EBADF)
        if self.failure is not None:
            raise _os_error(self.failure)
        if address not in self.chips:
            raise _os_error(errno.EREMOTEIO)
        return self.chips[address]


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
