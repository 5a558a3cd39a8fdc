"""`lotkeeper agent identify`: which physical bay is which configured spot."""

import json
import time
from collections.abc import Sequence

from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from agent.tools.reaction import Reaction, strongest
from agent.tools.sensors import Channel, Feed, Sample
from agent.tools.summary import told
from drivers import Quality
from runtime.big import big

FRAME_S = 0.2
POLL_S = 0.2
"""A hand is held under a sensor for a second or two."""


def identify(
    watched: Sequence[Channel], seconds: float | None, as_json: bool, named: bool
) -> list[str]:
    """Follow the sensors until the end; answers the names that reacted, in order.

    `named` shows one sensor's readings big, with a bell at each change.
    """
    console = Console(highlight=False)
    follower = Follower(watched)
    with Feed(watched, fastest_s=POLL_S) as feed:
        if console.is_terminal and not as_json:
            _show(console, follower, feed, seconds, named)
        else:
            _tell(follower, feed, seconds, as_json)
    return follower.reacted


class Follower:
    """The reactions of all sensors, and what is said at each."""

    def __init__(self, watched: Sequence[Channel]) -> None:
        self.reactions = {channel.label: Reaction() for channel in watched}
        self.names = {channel.label: channel.name for channel in watched}
        self.errors: dict[str, str] = {}
        self.reacted: list[str] = []

    def take(self, sample: Sample) -> bool:
        """Answers whether a reaction begins."""
        label = sample.channel.label
        if sample.error is not None:
            self.errors[label] = str(sample.error)
        if sample.reading is None:
            return False
        self.errors.pop(label, None)
        began = self.reactions[label].take(sample.reading)
        if began:
            self.reacted.append(sample.channel.name)
        return began

    def words(self, label: str) -> str:
        """What the sensor says now."""
        last = self.reactions[label].last
        if label in self.errors or last is None:
            return self.errors.get(label, "...")
        return told(last.value, last.unit) if last.quality is Quality.OK else last.quality.value


def _tell(follower: Follower, feed: Feed, seconds: float | None, as_json: bool) -> None:
    """A line at each reaction."""
    for sample in feed.during(float("inf") if seconds is None else seconds):
        if not follower.take(sample):
            continue
        name = sample.channel.name
        said = {"name": name, "says": follower.words(sample.channel.label)}
        print(json.dumps(said) if as_json else f"{name} reacts: {said['says']}", flush=True)


def _show(
    console: Console, follower: Follower, feed: Feed, seconds: float | None, named: bool
) -> None:
    end_s = None if seconds is None else time.monotonic() + seconds
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while end_s is None or time.monotonic() < end_s:
            # Not any(): every sample must be taken.
            began = [follower.take(sample) for sample in feed.during(FRAME_S)]
            if named and True in began:
                console.bell()
            live.update(page(follower, console.width, named), refresh=True)


def page(follower: Follower, width: int, named: bool) -> RenderableType:
    """The name of what reacts, big, and what every sensor says."""
    found = strongest(follower.reactions.items())
    if named:
        label = found or next(iter(follower.reactions))
        title = Text(f"{label}: move something under this sensor; the bell rings at each change")
        letters = Text(big(follower.words(label), width), style="bold red" if found else "bold")
    else:
        name = follower.names[found] if found else None
        title = Text("Hold a hand or a board under a sensor, or drive over it")
        letters = Text(big(name, width) if name else "\n\n  nothing reacts\n\n", style="bold green")
    rows = [_row(follower, each, each == found) for each in follower.reactions]
    end = Text("Ctrl-C ends", style="dim", end="")
    return Group(title, Text(), Align.center(letters), Text(), *rows, Text(), end)


def _row(follower: Follower, label: str, is_strongest: bool) -> Text:
    bar = "#" * min(round(4 * follower.reactions[label].strength), 40)
    style = "bold green" if is_strongest else ""
    return Text(f"{label:<16} {follower.words(label):<26} {bar}", style=style, no_wrap=True)
