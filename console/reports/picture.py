"""A table's chart as a PNG, by matplotlib without its global state: threads draw side by side."""

from datetime import datetime
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from console.reports.colours import LIMIT, QUIET, RULE, SERIES
from console.reports.table import Chart, Kind, Table

DPI = 200
MOST_BARS = 40
"""More than these cannot be told apart: the rest is in the table."""
LONGEST = 28
HALF = 0.42
"""Of the width that a column has to itself."""
LETTERS = 120
"""So many stand side by side below the columns; longer labels stand aslant."""
ASLANT: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}


def picture(table: Table, chart: Chart, width_mm: float, height_mm: float) -> bytes:
    """The chart as a PNG of that size."""
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    draw = _lines if chart.line else _columns
    draw(axes, table, chart)
    if table.column(chart.values[0]).kind is Kind.SHARE:
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    else:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    _dress(figure, axes, chart)
    target = BytesIO()
    FigureCanvasAgg(figure).print_png(target)  # type: ignore[no-untyped-call]
    return target.getvalue()


def _lines(axes: Axes, table: Table, chart: Chart) -> None:
    times = table.values(chart.along[-1])
    at = [_day(each) for each in times if isinstance(each, datetime)]
    for number, key in enumerate(chart.values):
        colour, values = SERIES[number % len(SERIES)], _numbers(table, key)
        axes.plot(at, values, color=colour, linewidth=1.3, label=table.column(key).title)
        if number == 0:
            axes.fill_between(at, values, color=colour, alpha=0.08, linewidth=0)
    _limit(axes, at, table, chart)
    locator = AutoDateLocator(tz=table.zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    form = ConciseDateFormatter(locator, tz=table.zone)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(form)
    axes.xaxis.get_offset_text().set(size=8, color=QUIET)
    axes.margins(x=0)


def _day(at: datetime) -> float:
    return float(date2num(at))  # type: ignore[no-untyped-call]


def _columns(axes: Axes, table: Table, chart: Chart) -> None:
    labels = [_short(label) for label in table.labels(chart)[:MOST_BARS]]
    places, width = [float(each) for each in range(len(labels))], 0.72 / len(chart.values)
    for number, key in enumerate(chart.values):
        left = [place + width * (number - (len(chart.values) - 1) / 2) for place in places]
        heights = _numbers(table, key)[: len(labels)]
        colour = SERIES[number % len(SERIES)]
        axes.bar(left, heights, width * 0.94, color=colour, label=table.column(key).title)
    _limit(axes, places, table, chart)
    aslant = any(len(label) * len(labels) > LETTERS for label in labels)
    axes.set_xticks(places, labels, parse_math=False, **(ASLANT if aslant else {}))
    axes.set_xlim(-0.6, max(len(labels), 4) - 0.4)


def _short(label: str) -> str:
    """On one line, without what no font can draw."""
    line = " ".join(label.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _limit(axes: Axes, at: list[float], table: Table, chart: Chart) -> None:
    """A dashed line, or a dash over each column."""
    if not chart.limit:
        return
    values, name = _numbers(table, chart.limit)[: len(at)], table.column(chart.limit).title
    if chart.line:
        axes.step(at, values, where="mid", color=LIMIT, linewidth=1.4, linestyle="--", label=name)
    else:
        low, high = [each - HALF for each in at], [each + HALF for each in at]
        axes.hlines(values, low, high, color=LIMIT, linewidth=2, label=name)


def _numbers(table: Table, key: str) -> list[float]:
    """What has no value is a hole in the line, and no column."""
    return [
        float(value) if isinstance(value, int | float) else float("nan")
        for value in table.values(key)
    ]


def _dress(figure: Figure, axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.title, loc="left", fontsize=10, fontweight="bold", pad=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(labelsize=8, colors=QUIET, length=0)
    axes.grid(axis="y", color=RULE, linewidth=0.7)
    axes.set_axisbelow(True)
    if len(chart.values) > 1 or chart.limit:
        figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=8)
