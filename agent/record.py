"""Records the configured sensors as they are read, and the truth from the keys of a terminal.

    1 ... 9  choose a spot or lane      a  arrival      d  departure      p  passage      q  end

The recording is the format of `drivers._recording`: a poll that failed is a line of no_data with
its error. The truth is written beside it, at the first key that tells something.
"""

import contextlib
import os
import select
import termios
import time
import tty
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from agent.config import AgentSettings
from agent.detector import PassageSettings, RangingSettings
from agent.tools.sensors import Feed, Sample, channels
from drivers import Monotonic, Quality, Reading
from drivers._recording import (
    READING_COLUMNS,
    TRUTH_COLUMNS,
    Happened,
    Writer,
    reading_cells,
    truth_cells,
    truth_path,
)

LOOK_S = 0.1
"""How long a key may wait: a person is no more exact."""
SPOT_EVENTS = {"a": "arrival", "d": "departure"}
LANE_EVENTS = {"p": "passage"}

Say = Callable[[str], None]


@dataclass(slots=True)
class Truth:
    """What a person says happened, by keys, at the spot or lane that is chosen."""

    path: Path
    events: dict[str, dict[str, str]]
    """Of each spot or lane, which keys tell what."""
    say: Say
    chosen: str = ""
    ended: bool = False
    noted: int = 0
    _writer: Writer | None = field(default=None)

    def __post_init__(self) -> None:
        self.chosen = next(iter(self.events))

    def press(self, key: str, now_s: float) -> None:
        """Take a key, pressed at monotonic `now_s`. Raises OSError."""
        names = list(self.events)
        if key == "q":
            self.ended = True
        elif key.isdecimal() and 0 < int(key) <= len(names):
            self.chosen = names[int(key) - 1]
            self.say(f"{self.chosen}: {_keys(self.events[self.chosen])}")
        elif key in self.events[self.chosen]:
            self._note(Happened(now_s, self.chosen, self.events[self.chosen][key]))
        elif key.isprintable() and not key.isspace():
            self.say(f"{key!r} tells nothing of {self.chosen}: {_keys(self.events[self.chosen])}")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._writer is not None:
            self._writer.close()

    def _note(self, happened: Happened) -> None:
        if self._writer is None:
            self._writer = Writer(self.path, TRUTH_COLUMNS)
        self._writer.write(truth_cells(happened))
        self.noted += 1
        self.say(f"{happened.at_s:.1f} s  {happened.sensor} {happened.event}")


def record(
    settings: AgentSettings,
    out: Path,
    sensors: Sequence[str] = (),
    seconds: float | None = None,
    keys: TextIO | None = None,
    say: Say = print,
    monotonic: Monotonic = time.monotonic,
) -> dict[str, int]:
    """Record the named spots and lanes, or all, into the new file `out`; how many lines of each.

    Ends after `seconds`, at `q` or at Ctrl-C. `keys` is a terminal, or nothing is asked of it.
    Raises FileExistsError where there is a recording or a truth of that name, UnknownSpot for a
    name that is not configured, OSError where the file cannot be written.
    """
    watched = channels(settings, sensors, monotonic)
    truth_file = truth_path(out)
    for path in (out, truth_file):
        if path.exists():
            raise FileExistsError(f"{path} is there already: name another file")
    events = {
        each.name: LANE_EVENTS if isinstance(each.settings, PassageSettings) else SPOT_EVENTS
        for each in watched
    }
    truth, counts = Truth(truth_file, events, say), Counter[str]()
    end_s = monotonic() + seconds if seconds else float("inf")
    writer = Writer(out, READING_COLUMNS)
    try:
        with _pressed(keys) as pressed, Feed(watched, monotonic=monotonic) as feed:
            say(_begun(out, truth, keys))
            while not truth.ended and monotonic() < end_s:
                sample = feed.take(min(LOOK_S, end_s - monotonic()))
                if sample is not None:
                    writer.write(reading_cells(sample.channel.name, _reading(sample)))
                    counts[sample.channel.name] += 1
                for key in pressed():
                    truth.press(key, monotonic())
    except KeyboardInterrupt:
        pass  # the usual end
    finally:
        writer.close()
        truth.close()
    say(_ended(out, truth, counts))
    return dict(counts)


def _reading(sample: Sample) -> Reading:
    """What is recorded of a sample: of a failed poll its error."""
    if sample.reading is not None:
        return sample.reading
    unit = "mm" if isinstance(sample.channel.settings, RangingSettings) else "mG"
    return Reading(None, unit, Quality.NO_DATA, str(sample.error), sample.at_s)


def _keys(events: dict[str, str]) -> str:
    return ", ".join(f"{key} = {event}" for key, event in events.items()) + ", q = end"


def _begun(out: Path, truth: Truth, keys: TextIO | None) -> str:
    begun = f"recording {', '.join(truth.events)} into {out}"
    if keys is None or not keys.isatty():
        return f"{begun}; Ctrl-C ends"
    numbered = ", ".join(f"{n} = {name}" for n, name in enumerate(truth.events, 1) if n < 10)
    return f"{begun}; {numbered}; of {truth.chosen}: {_keys(truth.events[truth.chosen])}"


def _ended(out: Path, truth: Truth, counts: Counter[str]) -> str:
    lines = ", ".join(f"{name} {counts[name]}" for name in truth.events)
    if truth.noted:
        return f"{out}: {lines} readings; {truth.path}: {truth.noted} events"
    header = ",".join(TRUTH_COLUMNS)
    return (
        f"{out}: {lines} readings; nothing was noted as true. If nothing happened, say so before "
        f"it is scored: echo {header} > {truth.path}"
    )


@contextlib.contextmanager
def _pressed(keys: TextIO | None) -> Iterator[Callable[[], str]]:
    """Answers the keys pressed since it was asked last; none where there is no terminal."""
    if keys is None or not keys.isatty():
        yield lambda: ""
        return
    terminal = keys.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield lambda: _typed(terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _typed(terminal: int) -> str:
    """Straight from the terminal: what a file object reads ahead, `select` cannot see."""
    if not select.select([terminal], [], [], 0)[0]:
        return ""
    return os.read(terminal, 64).decode(errors="replace")
