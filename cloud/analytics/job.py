"""Runs the named queries on a schedule and keeps what they say, small tables that a console reads.

    processed/analytics/{query}/{window}.parquet     window: day, week or month, up to now

A table is replaced as a whole, and holds what it means in its schema's metadata
(`contract.analytics`). Which query is kept for which window stands below.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pyarrow as pa

from cloud.analytics.queries import Query, query
from cloud.lake.store import Store
from contract.analytics import KEY, RESULTS, TableAbout

log = logging.getLogger(__name__)

WINDOWS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=31)}
KEPT = {
    "day": ("current_status", "occupancy_by_hour", "device_availability"),
    "week": ("daily_patterns", "peak_usage", "spot_utilisation", "turnover"),
    "month": ("historical_trends", "dwell_distribution", "revenue", "coverage"),
}

Run = Callable[[Query, datetime, datetime, str], pa.Table]


def run_all(run: Run, store: Store, now: datetime, zone: str) -> Iterator[tuple[str, int]]:
    """(object, rows) of each that was kept; one that fails is logged, and its last result stays."""
    for window, names in KEPT.items():
        for name in names:
            try:
                kept = _kept(run, query(name), window, now, zone)
            except Exception:
                log.exception("%s by the %s failed; what it said last stays", name, window)
                continue
            place = f"{RESULTS}/{name}/{window}.parquet"
            store.put_table(place, kept)
            yield place, kept.num_rows


def _kept(run: Run, of: Query, window: str, now: datetime, zone: str) -> pa.Table:
    begin = now - WINDOWS[window]
    about = TableAbout(
        query=of.name,
        window=window,
        says=of.about.says,
        columns=of.about.columns,
        begin=begin,
        until=now,
        time_zone=zone,
    )
    return run(of, begin, now, zone).replace_schema_metadata({KEY: about.model_dump_json()})
