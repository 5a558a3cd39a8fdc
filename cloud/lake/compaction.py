"""Many small objects of an hour into one, without doubles, and without a reader seeing any.

    several objects --manifest--> [announced] --one object--> [made] --remove--> one object
                                      |                          |
                                      +--killed: taken back      +--killed: gone on with

The manifest names what is to be added and what that replaces. A reader that finds one takes the new
object alone where it is there, else the old ones. One compactor at a time.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from cloud.lake.schema import SCHEMA
from cloud.lake.store import Store

MANIFEST = "_compaction.json"
UNCHECKED = pa.schema([field.with_nullable(True) for field in SCHEMA])
"""Firehose writes what a record says, and nothing where it says nothing."""
SETTLED = timedelta(hours=1)
"""An hour is left alone until it is over for so long: most late records have come by then."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of an hour; `doubles` are rows that stood in it more than once."""

    hour: str
    objects: int
    rows: int
    doubles: int


def live(store: Store, names: Sequence[str]) -> list[str]:
    """Those of an hour's objects that readers read; `names` are all that it has."""
    seen = [name for name in names if not name.rpartition("/")[2].startswith(("_", "."))]
    manifest = next((name for name in names if name.endswith("/" + MANIFEST)), None)
    if manifest is None:
        return seen
    try:
        told = json.loads(store.get(manifest))
    except FileNotFoundError:
        return seen  # it was finished since the names were read: what is gone is named no more
    if told["adds"] in seen:
        return [name for name in seen if name not in told["removes"]]
    return seen


def hours(store: Store, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """Each hour's folder under `prefix`, with all objects in it."""
    found: dict[str, list[str]] = {}
    for name in store.names(prefix):
        found.setdefault(name.rpartition("/")[0], []).append(name)
    yield from sorted(found.items())


def compact(store: Store, prefix: str, now: datetime) -> Iterator[Compacted]:
    """Every settled hour with more than one object; what a killed run left is tidied first.

    Raises OSError; a further run goes on.
    """
    for hour, names in hours(store, prefix):
        left = recover(store, hour, names)
        if len(left) > 1 and _begins(hour) + timedelta(hours=1) + SETTLED <= now:
            yield _compact_hour(store, hour, left)


def recover(store: Store, hour: str, names: Sequence[str]) -> list[str]:
    """Finish or take back what a killed run began; the hour's objects then."""
    manifest = f"{hour}/{MANIFEST}"
    rest = [name for name in names if not name.rpartition("/")[2].startswith(("_", "."))]
    if manifest in names:
        told = json.loads(store.get(manifest))
        if told["adds"] in rest:
            _remove(store, told["removes"])
            rest = [name for name in rest if name not in told["removes"]]
        store.remove(manifest)
    return rest


def _compact_hour(store: Store, hour: str, names: Sequence[str]) -> Compacted:
    table, rows = unique(store, names)
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
    adds = f"{hour}/compacted-{digest}.parquet"
    removes = [name for name in names if name != adds]
    manifest = {"adds": adds, "removes": removes}
    store.put(f"{hour}/{MANIFEST}", json.dumps(manifest).encode())
    store.put_table(adds, table)
    _remove(store, removes)
    store.remove(f"{hour}/{MANIFEST}")
    return Compacted(hour, len(names), table.num_rows, rows - table.num_rows)


def unique(store: Store, names: Sequence[str]) -> tuple[pa.Table, int]:
    """The rows of `names`, each event once as it came first, sorted; and how many there were."""
    paths = [store.path(name) for name in names]
    table = ds.dataset(paths, UNCHECKED, filesystem=store.filesystem, format="parquet").to_table()
    table = table.sort_by([("event_id", "ascending"), ("taken_at", "ascending")])
    event_ids = table["event_id"].combine_chunks()
    if len(event_ids) == 0:
        return table, 0
    first = pc.not_equal(event_ids[1:], event_ids[:-1])
    kept = table.filter(pa.concat_arrays([pa.array([True]), first]))
    order = [(name, "ascending") for name in ("lot_id", "spot_id", "timestamp", "seq")]
    return kept.sort_by(order), table.num_rows


def _remove(store: Store, names: Sequence[str]) -> None:
    for name in names:
        store.remove(name)


def _begins(hour: str) -> datetime:
    """Of a folder `.../year=2024/month=03/day=20/hour=10`."""
    year, month, day, hour_ = (part.partition("=")[2] for part in hour.split("/")[-4:])
    return datetime(int(year), int(month), int(day), int(hour_), tzinfo=UTC)
