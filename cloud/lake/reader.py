"""The lake for reading: a span of hours as an Arrow dataset, of which a query reads its columns."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.dataset as ds

from cloud.lake.compaction import hours, live
from cloud.lake.schema import PARTITIONS, SCHEMA, partition
from cloud.lake.store import Store

_PARTS = pa.schema([(name, pa.string()) for name in PARTITIONS])
_FULL = pa.unify_schemas([SCHEMA, _PARTS])


def objects(store: Store, prefix: str, begin: datetime, end: datetime) -> list[str]:
    """The live objects of the hours that [begin, end) touches."""
    first, last = partition(begin), partition(end - timedelta(microseconds=1))
    found = []
    for day in _days(begin, end):
        for hour, names in hours(store, f"{prefix}/{day}"):
            if first <= hour.removeprefix(prefix + "/") <= last:
                found += live(store, names)
    return found


def dataset(store: Store, prefix: str, begin: datetime, end: datetime) -> ds.Dataset:
    """The rows of the hours that [begin, end) touches, with year, month, day and hour as strings.

    Rows that came twice stand twice until they are compacted.
    """
    paths = [store.path(name) for name in objects(store, prefix, begin, end)]
    return ds.dataset(
        paths,
        _FULL,
        filesystem=store.filesystem,
        format="parquet",
        partitioning=ds.partitioning(_PARTS, flavor="hive"),
    )


def _days(begin: datetime, end: datetime) -> Iterator[str]:
    day = begin.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    while day < end:
        yield f"{day:year=%Y/month=%m/day=%d}"
        day += timedelta(days=1)
