"""A serial port without a wire."""

import os
import select
import threading
import tty
from collections import deque
from collections.abc import Callable
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


class AskedTerminal(PseudoTerminal):
    """A sensor that speaks when it is asked: each request gets its next answer, or silence.

    `asked` lists (time on the injected clock, request byte) of all that came over the wire.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._answers: dict[int, deque[bytes]] = {}
        self._stop_read, self._stop = os.pipe()
        self.asked: list[tuple[float, int]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def will_answer(self, request: int, *answers: bytes) -> None:
        """The answers to the next requests of this byte that have none yet."""
        self._answers.setdefault(request, deque()).extend(answers)

    def unplug(self) -> None:
        """The adapter goes away."""
        if self._stop >= 0:
            os.close(self._stop)
            self._stop = -1
            self._thread.join()
            os.close(self._stop_read)
        super().unplug()

    def _listen(self) -> None:
        """Until the other end of the pipe is closed."""
        while True:
            readable, _, _ = select.select([self._sensor, self._stop_read], [], [])
            if self._stop_read in readable:
                return
            for request in os.read(self._sensor, 64):
                self.asked.append((self._clock(), request))
                answers = self._answers.get(request)
                if answers:
                    self.send(answers.popleft())
