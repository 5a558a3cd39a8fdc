"""A serial port without a wire."""

import os
import tty
from typing import Self


class PseudoTerminal:
    """A serial port without a wire: the driver opens `port`, the test is the sensor."""

    def __init__(self) -> None:
        self._sensor, self._line = os.openpty()
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.unplug()

    def send(self, data: bytes) -> None:
        """What the sensor says."""
        os.write(self._sensor, data)

    def unplug(self) -> None:
        """The adapter goes away."""
        for fd in (self._sensor, self._line):
            if fd >= 0:
                os.close(fd)
        self._sensor = self._line = -1
