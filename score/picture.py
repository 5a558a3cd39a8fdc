"""A sensor's recording as a picture: trace, thresholds, what was true and what was found."""

from collections.abc import Iterable, Sequence
from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from score import InputError
from score.inputs import Sensor
from score.match import Event, Tally
from score.trace import Traced

DOTS_PER_INCH = 130
RASTER_POINTS = 20_000
"""More points than this are drawn as an image, also in an SVG."""

INK, TRACE, ON, OFF = "#222222", "#0072B2", "#D55E00", "#E69F00"
"""Of Okabe and Ito's palette, which the colour-blind can tell apart, https://jfly.uni-koeln.de/color/"""
FOUND, WRONG, DOUBLED = "#009E73", "#D55E00", "#CC79A7"
MARKS = {"arrival": "^", "departure": "v", "passage": "D"}
TRUE_ROW, FOUND_ROW = 1.0, 0.0


def draw(path: Path, sensor: Sensor, traced: Traced, tally: Tally) -> None:
    """Draw into a PNG or SVG. Raises InputError where it cannot be written."""
    figure = Figure(figsize=(12, 5), layout="constrained")
    marks, trace = figure.subplots(2, 1, sharex=True, height_ratios=[1, 4.5])
    _draw_marks(marks, tally)
    _draw_trace(trace, traced, sensor)
    for event in tally.truths:
        trace.axvline(event.at_s, color=INK, linewidth=0.7, linestyle=":", zorder=0)
    figure.suptitle(_title(sensor, tally), fontsize=11, ha="left", x=0.01)
    figure.legend(loc="outside lower center", ncols=8, fontsize=8, frameon=False)
    try:
        figure.savefig(path, dpi=DOTS_PER_INCH, facecolor="white")
    except OSError as error:
        raise InputError(f"--picture {path}: {error.strerror}") from None


def _title(sensor: Sensor, tally: Tally) -> str:
    return (
        f"{sensor.name} ({sensor.settings.kind}), {sensor.recording}: "
        f"{len(tally.pairs)} of {len(tally.truths)} found, {len(tally.missed)} missed, "
        f"{len(tally.false)} false, {len(tally.doubled)} doubled"
    )


def _draw_marks(axes: Axes, tally: Tally) -> None:
    truths = [pair.truth for pair in tally.pairs]
    _scatter(axes, truths, TRUE_ROW, INK, "true")
    _scatter(axes, tally.missed, TRUE_ROW, WRONG, "missed", hollow=True)
    _scatter(axes, tally.found, FOUND_ROW, FOUND, "found")
    _scatter(axes, tally.false, FOUND_ROW, WRONG, "false", hollow=True)
    _scatter(axes, tally.doubled, FOUND_ROW, DOUBLED, "doubled")
    axes.set_yticks([TRUE_ROW, FOUND_ROW], ["true", "found"])
    axes.set_ylim(FOUND_ROW - 0.6, TRUE_ROW + 0.6)
    axes.set_axisbelow(True)
    axes.tick_params(bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)


def _scatter(
    axes: Axes, events: Iterable[Event], row: float, colour: str, label: str, hollow: bool = False
) -> None:
    """One mark an event: up for an arrival, down for a departure; hollow where it is an error."""
    for kind, mark in MARKS.items():
        times_s = [event.at_s for event in events if event.kind == kind]
        if times_s:
            axes.scatter(
                times_s,
                [row] * len(times_s),
                s=60,
                marker=mark,
                facecolors="none" if hollow else colour,
                edgecolors=colour,
                linewidths=1.6,
                label=f"{label} {kind}",
            )


def _draw_trace(axes: Axes, traced: Traced, sensor: Sensor) -> None:
    # The line breaks where there is no value, so that it shows none there.
    broken = sorted([*traced.points, *((at_s, nan) for at_s in traced.lost_s)])
    times_s, values = zip(*broken, strict=True) if broken else ((), ())
    axes.plot(
        times_s,
        values,
        color=TRACE,
        linewidth=0.7,
        marker=".",
        markersize=2.5,
        label="distance" if traced.unit == "mm" else "deviation from baseline",
        rasterized=len(times_s) > RASTER_POINTS,
    )
    _draw_limits(axes, traced, sensor)
    if traced.lost_s:
        place = axes.get_xaxis_transform()
        axes.plot(
            traced.lost_s,
            [0.015] * len(traced.lost_s),
            "|",
            color=ON,
            alpha=0.6,
            markeredgewidth=0.4,
            transform=place,
            label="no value",
        )
    axes.set(xlabel="monotonic time, s", ylabel=traced.unit, ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)


def _draw_limits(axes: Axes, traced: Traced, sensor: Sensor) -> None:
    if not traced.limits:
        return
    times_s = [at_s for at_s, _ in traced.limits] + [sensor.readings[-1].monotonic_s]
    each = [limits for _, limits in traced.limits]
    for name, colour, heights in (
        ("occupied beyond", ON, [limits.on for limits in each]),
        ("free within", OFF, [limits.off for limits in each]),
    ):
        _steps(axes, times_s, heights, colour, name)


def _steps(
    axes: Axes, times_s: Sequence[float], heights: Sequence[float], colour: str, label: str
) -> None:
    axes.step(
        times_s,
        [*heights, heights[-1]],
        where="post",
        color=colour,
        linestyle="--",
        linewidth=1.2,
        label=label,
    )
