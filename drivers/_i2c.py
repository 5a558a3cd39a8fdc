"""What the drivers of I2C chips share: opening the bus, and saying what to look at when it fails.

The kernel's I2C interface: https://docs.kernel.org/i2c/dev-interface.html
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from drivers import DriverError

_WIRING = "nobody answers: check wiring, power and the address with `i2cdetect -y BUS`"
_HINTS = {
    errno.ENOENT: "the bus does not exist: enable it with dtparam=i2c_arm=on in config.txt",
    errno.EACCES: "no permission on /dev/i2c-*: add the service's user to the group i2c",
    # An absent chip is EREMOTEIO on a Pi's controller, ENODEV or ENXIO on others.
    errno.EREMOTEIO: _WIRING,
    errno.ENODEV: _WIRING,
    errno.ENXIO: _WIRING,
    errno.ETIMEDOUT: "the clock is held low: lower i2c_baudrate, or use the i2c-gpio overlay",
}
_OTHER = "check wiring and pull-ups; long cables want a lower i2c_baudrate"


class I2CBus(Protocol):
    """The part of `smbus2.SMBus` that drivers use. A block is at most 32 bytes."""

    def read_byte_data(self, i2c_addr: int, register: int) -> int: ...
    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None: ...
    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]: ...
    def close(self) -> None: ...


def open_bus(number: int) -> I2CBus:
    """/dev/i2c-`number`. Raises OSError."""
    from smbus2 import SMBus

    return SMBus(number)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the bus's OSError into a DriverError that names `what` and what to look at."""
    try:
        yield
    except OSError as error:
        hint = _HINTS.get(error.errno or 0, _OTHER)
        raise DriverError(f"{what}: {error}", hint) from error
