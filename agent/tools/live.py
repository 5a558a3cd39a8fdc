"""`lotkeeper agent watch`: readings, thresholds and state as they come, as plots on a terminal."""

import json
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live

from agent.tools.plot import screen, state_of
from agent.tools.sensors import Feed, Sample
from agent.tools.summary import told
from agent.tools.track import Track

FRAME_S = 0.25
FASTEST_S = 0.5
"""A lane's own pace is faster; a spot's slower one would look like a stand-still."""


def watch(tracks: Sequence[Track], seconds: float | None, as_json: bool) -> None:
    """Until `seconds` are over, or until interrupted."""
    console = Console(highlight=False)
    with Feed([track.channel for track in tracks], fastest_s=FASTEST_S) as feed:
        if console.is_terminal and not as_json:
            _plots(console, tracks, feed, seconds)
        else:
            _lines(tracks, feed, seconds, as_json)


def _plots(console: Console, tracks: Sequence[Track], feed: Feed, seconds: float | None) -> None:
    end_s = None if seconds is None else time.monotonic() + seconds
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while end_s is None or time.monotonic() < end_s:
            for sample in feed.during(FRAME_S):
                _take(tracks, sample)
            width, height = console.size
            live.update(screen(tracks, width, height, time.monotonic()), refresh=True)


def _lines(tracks: Sequence[Track], feed: Feed, seconds: float | None, as_json: bool) -> None:
    for sample in feed.during(float("inf") if seconds is None else seconds):
        track = _take(tracks, sample)
        print(json.dumps(track.to_json()) if as_json else line(track), flush=True)


def line(track: Track) -> str:
    """One reading, for a log."""
    sample = track.last
    if sample is None:
        return f"{track.channel.label}: nothing yet"
    if sample.error is not None:
        return f"{track.channel.label}: {sample.error}; {sample.error.hint}"
    assert sample.reading is not None  # without an error there is a reading
    value = told(sample.reading.value, sample.reading.unit)
    words = [track.channel.label, value, sample.reading.quality.value, state_of(track)]
    return "  ".join(words)


def _take(tracks: Sequence[Track], sample: Sample) -> Track:
    track = next(each for each in tracks if each.channel is sample.channel)
    track.take(sample)
    return track
