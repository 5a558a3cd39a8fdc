"""How a followed sensor looks: a plot of its last minute with its thresholds, and its state."""

from collections.abc import Sequence
from types import ModuleType

from rich.console import Group, RenderableType
from rich.text import Text

from agent.tools.summary import told
from agent.tools.track import Track
from contract.words import HealthState, Status
from drivers import Quality

SPAN_S = 60.0
LOWEST = 8
"""A plot of fewer lines shows nothing: then a line each."""

COLOURS = {Status.FREE: "green", Status.OCCUPIED: "red", None: "yellow"}
HEALTH = {HealthState.OK: "green", HealthState.DEGRADED: "yellow", HealthState.FAULT: "red"}


def state_of(track: Track) -> str:
    """The published status and the health in words."""
    state = track.state
    health = f"{state.health.value} {state.reason}".strip()
    return f"{track.status.value}, {health}" if track.status else health


def screen(tracks: Sequence[Track], width: int, height: int, now_s: float) -> RenderableType:
    """Everything, in `height` lines: plots as long as there is room for them."""
    room = (height - 1) // len(tracks)
    parts: list[RenderableType] = []
    for track in tracks:
        parts.append(heading(track))
        if room > LOWEST:
            parts.append(Text.from_ansi(plot(track, width, room - 1, now_s)))
    return Group(*parts, Text("Ctrl-C ends", style="dim", end=""))


def heading(track: Track) -> Text:
    """Name, newest value, thresholds, state."""
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f" {track.channel.label} ", style=f"bold reverse {COLOURS.get(track.status, '')}")
    text.append(f"  {newest(track)}", style="bold")
    if track.bounds is not None:
        bounds = track.bounds
        text.append(f"   free {_beyond(bounds.off, bounds.on)}", style="green")
        text.append(f"  occupied {_beyond(bounds.on, bounds.off)} {bounds.unit}", style="red")
    else:
        text.append("   still learning what an empty bay looks like", style="yellow")
    text.append(f"   {state_of(track)}", style=HEALTH[track.state.health])
    return text


def newest(track: Track) -> str:
    """The value that is held against the thresholds, or why there is none."""
    sample = track.last
    if sample is None:
        return "..."
    if sample.error is not None:
        return f"{sample.error}; {sample.error.hint}"
    reading = sample.reading
    assert reading is not None  # without an error there is one
    if reading.quality is Quality.NO_DATA and reading.unit == "mG" and track.points:
        return told(track.points[-1][1], reading.unit)  # polled faster than it measures
    if reading.value is None:
        return reading.quality.value
    return told(reading.value if track.value is None else track.value, reading.unit)


def _beyond(limit: float, other: float) -> str:
    return f"{'>' if limit > other else '<'} {limit:.0f}"


def plot(track: Track, width: int, height: int, now_s: float) -> str:
    """The last minute; ANSI colours. Empty before the first value."""
    import plotext  # type: ignore[import-untyped]

    points = [(at_s - now_s, value) for at_s, value in track.points if at_s > now_s - SPAN_S]
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, height)
    plotext.xlim(-SPAN_S, 0)
    if points:
        plotext.plot(*zip(*points, strict=True), marker="braille")
    _limits(plotext, track, [value for _, value in points])
    drawn: str = plotext.build().rstrip("\n")
    return drawn


def _limits(plotext: ModuleType, track: Track, values: list[float]) -> None:
    """The thresholds, and an axis on which they and all values are to be seen."""
    bounds = track.bounds
    marks = [] if bounds is None else [bounds.rest, bounds.off, bounds.on]
    if bounds is not None:
        plotext.hline(bounds.rest, "gray")
        plotext.hline(bounds.off, "green")
        plotext.hline(bounds.on, "red")
    top = max([*values, *marks], default=1.0)
    plotext.ylim(0, top * 1.1 or 1.0)
