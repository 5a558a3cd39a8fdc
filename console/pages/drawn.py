"""A report's chart for ECharts, which draws it in the browser: by plain values, no script of ours.

The colours are between light and dark, since a canvas does not know which of them it stands on.
"""

from datetime import datetime
from typing import Any

from console.reports.table import Cell, Chart, Kind, Table

QUIET, RULE, LIMIT = "#7d899b", "#8d99ab44", "#d4483e"
BOLD = ("#5b7ff5", "#d9822b", "#23a26d", "#a66bd4")


def option(table: Table, chart: Chart) -> dict[str, Any]:
    """ECharts' option: https://echarts.apache.org/en/option.html."""
    share = table.column(chart.values[0]).kind is Kind.SHARE
    series = [
        _series(table, chart, key, BOLD[number % len(BOLD)])
        for number, key in enumerate(chart.values)
    ]
    if chart.limit:
        series.append(_limit(table, chart))
    return {
        "aria": {"enabled": True},
        "animation": False,
        "grid": {"left": 8, "right": 16, "top": 36, "bottom": 8, "containLabel": True},
        "legend": {
            "show": len(series) > 1,
            "right": 8,
            "top": 0,
            "icon": "roundRect",
            "itemHeight": 10,
            "textStyle": {"color": QUIET},
        },
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "category",
            "data": _labels(table, chart),
            "boundaryGap": not chart.line,
            "axisLabel": {
                "color": QUIET,
                "hideOverlap": True,
                "alignMinLabel": "left" if chart.line else "center",
                "alignMaxLabel": "right" if chart.line else "center",
            },
            "axisLine": {"lineStyle": {"color": QUIET}},
            "axisTick": {"show": False},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "minInterval": 1,
            "axisLabel": {"color": QUIET, "formatter": "{value} %" if share else "{value}"},
            "splitLine": {"lineStyle": {"color": RULE}},
        }
        | ({"max": 100} if share else {}),
        "series": series,
    }


def _labels(table: Table, chart: Chart) -> list[str]:
    """An hour without its year, which stands above the chart."""
    if not chart.line or table.column(chart.along[-1]).kind is not Kind.TIME:
        return table.labels(chart)
    times = table.values(chart.along[-1])
    return [f"{at.astimezone(table.zone):%d %b %H:%M}" for at in times if isinstance(at, datetime)]


def _series(table: Table, chart: Chart, key: str, colour: str) -> dict[str, Any]:
    column = {"type": "bar", "barMaxWidth": 56, "itemStyle": {"borderRadius": [4, 4, 0, 0]}}
    line = {
        "type": "line",
        "showSymbol": False,
        "lineStyle": {"width": 2},
        "areaStyle": {"opacity": 0.08 if key == chart.values[0] else 0},
    }
    named = {"name": _name(table, key), "color": colour, "data": _values(table, key)}
    return named | (line if chart.line else column)


def _limit(table: Table, chart: Chart) -> dict[str, Any]:
    """A dashed line, or a dash over each column."""
    key = chart.limit or ""
    column = {"type": "scatter", "symbol": "rect", "symbolSize": [72, 4]}
    line = {
        "type": "line",
        "step": "middle",
        "showSymbol": False,
        "lineStyle": {"type": "dashed", "width": 2},
    }
    named = {"name": _name(table, key), "color": LIMIT, "data": _values(table, key)}
    return named | (line if chart.line else column)


def _name(table: Table, key: str) -> str:
    column = table.column(key)
    return f"{column.title} [%]" if column.kind is Kind.SHARE else column.title


def _values(table: Table, key: str) -> list[float | None]:
    """What has no value is a hole."""
    factor = 100 if table.column(key).kind is Kind.SHARE else 1
    return [_number(value, factor) for value in table.values(key)]


def _number(value: Cell, factor: int) -> float | None:
    return round(value * factor, 2) if isinstance(value, int | float) else None
