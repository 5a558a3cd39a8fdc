"""How a process ends: it was told to stop, or it begins anew. Stopping wins."""

import threading

ANEW = -1
"""No exit status: begin anew."""


class Ending:
    """`event` is set where the process is to end, for either reason."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._stopped = self._anew = False

    def stop(self) -> None:
        """For good."""
        self._stopped = True
        self.event.set()

    def begin_anew(self) -> None:
        """With another configuration."""
        self._anew = True
        self.event.set()

    @property
    def anew(self) -> bool:
        """Whether it is to begin again."""
        return self._anew and not self._stopped
