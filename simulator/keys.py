"""Single keys of a terminal, without Enter, while a live view runs."""

import contextlib
import os
import queue
import select
import sys
import termios
import threading
import tty
from collections.abc import Iterator

LOOK_S = 0.2


@contextlib.contextmanager
def keys() -> Iterator[queue.SimpleQueue[str]]:
    """A queue of the keys pressed; empty for ever where standard input is no terminal."""
    pressed: queue.SimpleQueue[str] = queue.SimpleQueue()
    if not sys.stdin.isatty():
        yield pressed
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    stopping = threading.Event()
    thread = threading.Thread(target=_read, args=(pressed, stopping), name="keys", daemon=True)
    thread.start()
    try:
        yield pressed
    finally:
        stopping.set()
        thread.join()
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _read(pressed: queue.SimpleQueue[str], stopping: threading.Event) -> None:
    """Straight from the terminal: what a file object reads ahead, `select` cannot see."""
    terminal = sys.stdin.fileno()
    while not stopping.is_set():
        if select.select([terminal], [], [], LOOK_S)[0]:
            typed = os.read(terminal, 64)
            if not typed:
                return
            for key in typed.decode(errors="replace"):
                pressed.put(key)
