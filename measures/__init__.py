"""What a lot's past says: occupancy, turnover, dwell, peaks, a heat map, utilisation, coverage.

    events (spot_id, status, since) -> spans -> shares of time, stays -> measures

Pure: events, a period and a time zone come in. Everything is weighted by time, never by the number
of events, and reckoned over covered time: in which a spot was known to be free or occupied. What
was not covered has no value: None, never 0. `docs/measures.md` defines each measure.
"""

from measures.calendar import Cell, Run, cells, runs
from measures.dwells import bin_of, quantile
from measures.heat import by_cell, by_day, by_hour, heat_map, peak_hours
from measures.share import LEAST_COVERAGE, Share, by_spot, overall
from measures.spans import Event, Period, Span, silenced, spans
from measures.stays import Dwell, Stay, dwell, stays, turnover
from measures.summary import Summary, summary

__all__ = [
    "LEAST_COVERAGE",
    "Cell",
    "Dwell",
    "Event",
    "Period",
    "Run",
    "Share",
    "Span",
    "Stay",
    "Summary",
    "bin_of",
    "by_cell",
    "by_day",
    "by_hour",
    "by_spot",
    "cells",
    "dwell",
    "heat_map",
    "overall",
    "peak_hours",
    "quantile",
    "runs",
    "silenced",
    "spans",
    "stays",
    "summary",
    "turnover",
]
