"""SIGTERM and SIGINT, which tell a process to end in order."""

import signal
import threading
from collections.abc import Callable

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def at_stop(stop: Callable[[], object]) -> None:
    """Let either signal call `stop`, in a thread of its own.

    A handler runs in the midst of what the main thread does, and that may be within
    `Event.wait`: `Event.set` would wait there for a lock that its own thread holds, for ever.
    """

    def handle(*_: object) -> None:
        threading.Thread(target=stop, name="stop", daemon=True).start()

    for number in SIGNALS:
        signal.signal(number, handle)
