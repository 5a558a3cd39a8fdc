"""The display's process: shows the board whenever it changes, until stopped."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from display.board import ShownLine, Shows
from display.config import DisplaySettings
from display.listener import Listener
from display.screen import render
from runtime.clock import Clock
from runtime.stopping import SIGNALS, at_stop
from runtime.systemd import notify

LOOK_S = 0.5
"""A count that has run out is gone so soon after."""
Lines = tuple[ShownLine, ...]


class LinkDied(Exception):
    """The thread that speaks to the broker ended: a restart mends it."""


class Watch:
    """Looks at the board until told to stop."""

    def __init__(self, settings: DisplaySettings, clock: Clock) -> None:
        self._clock = clock
        self._listener = Listener(settings, clock)
        self._stopping = False

    def stop(self) -> None:
        """End the loop of `run`, from any thread or signal."""
        self._stopping = True
        self._listener.changed.set()

    def run(self, show: Callable[[Lines], None]) -> None:
        """Call `show` twice a second and at each change. Raises LinkDied.

        The watchdog is fed behind each picture: a screen that stands still is restarted.
        """
        listener = self._listener
        listener.link.start()
        notify("READY=1")
        try:
            while not self._stopping:
                show(listener.shown())
                if not listener.link.alive:
                    raise LinkDied("the MQTT thread died")
                notify("WATCHDOG=1")
                self._clock.wait(listener.changed, LOOK_S)
                listener.changed.clear()
        finally:
            listener.link.stop()

    def once(self, patience_s: float) -> Lines:
        """The board as soon as no line is blank, or as it is after `patience_s`."""
        until_s = self._clock.monotonic() + patience_s
        seen: list[Lines] = []

        def look(lines: Lines) -> None:
            seen[:] = [lines]
            full = all(line.shows is not Shows.BLANK for line in lines)
            if full or self._clock.monotonic() >= until_s:
                self._stopping = True

        self.run(look)
        return seen[0]


@contextmanager
def stopped_by_signals(watch: Watch) -> Iterator[None]:
    """SIGTERM and SIGINT end the loop, so that the screen is left in order."""
    before = [signal.getsignal(number) for number in SIGNALS]
    at_stop(watch.stop)
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


def on_changes(
    show: Callable[[Lines], None], beside: Callable[[], object] = lambda: None
) -> Callable[[Lines], None]:
    """`show`, but only where the lines or what is `beside` them differ from the time before."""
    before: list[object] = []

    def look(lines: Lines) -> None:
        now = [lines, beside()]
        if before != now:
            before[:] = now
            show(lines)

    return look


def full_screen(settings: DisplaySettings, watch: Watch) -> None:
    """Show the board on this terminal. Raises LinkDied."""
    console = Console()
    title = settings.title or settings.lot_id
    if sys.stderr.isatty():  # it is the screen itself: the last row says what is wrong
        logging.getLogger().handlers[:] = [logging.NullHandler()]

    def draw(lines: Lines) -> None:
        live.update(render(title, lines, console.width, console.height), refresh=True)

    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            watch.run(on_changes(draw, lambda: console.size))
        finally:  # the text console has no second screen: the last counts would stay
            live.update(Text(""), refresh=True)
