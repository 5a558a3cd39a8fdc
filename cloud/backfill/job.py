"""A backfill: a source's file into the lake, and an account of its rows."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import ErrorLevel

from cloud.backfill.clock import offsets
from cloud.backfill.rows import read
from cloud.backfill.sources import Row, Source
from cloud.lake.store import Store

RAW = "raw/historical"
MADE = "processed/historical"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file's rows: `rows` is `kept` and the sum of `dropped`, which is by reason.
    `noted` counts what was done to kept rows; `objects` are those that hold them.
    """

    source: str
    sha256: str
    time_zone: str
    rows: int
    kept: int
    dropped: dict[str, int]
    noted: dict[str, int]
    objects: int


def text(source: str, dialect: Literal["duckdb", "spark"]) -> str:
    """The text that judges a source's rows, as an engine reads it."""
    sql = files("cloud.backfill").joinpath(f"{source}.sql").read_text()
    made = sqlglot.transpile(
        sql, read="trino", write=dialect, unsupported_level=ErrorLevel.RAISE, comments=False
    )
    return str(made[0])


def judged(source: Source, rows: pa.Table, zone: str) -> list[Row]:
    """Each of `rows`, in order, with what it says and the reason against it, by DuckDB."""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("rows", rows)
        db.register("offsets", offsets(zone))
        found: list[Row] = db.sql(text(source.name, "duckdb")).to_arrow_table().to_pylist()
    return found


def backfill(
    store: Store,
    source: Source,
    path: Path,
    zone: str,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Report:
    """Put `path` into the lake; `told` hears of objects done, and of how many.

    A second run changes nothing; one with another `zone` takes the place of the first. Killed, run
    it again. Raises BadFile, OSError.
    """
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    rows = read(path, source.columns)
    results = judged(source, rows, zone)
    kept = [row for row in results if row["reason"] is None]
    name = f"{source.name}-{sha256[:16]}"
    raw = f"{RAW}/{source.name}/{sha256}.csv"
    if raw not in store.names(f"{RAW}/{source.name}"):
        store.put(raw, data)
    objects = _objects(source, kept, name)
    for done, (place, made) in enumerate(objects.items(), 1):
        store.put_table(place, pa.Table.from_pylist(made, source.schema))
        told(done, len(objects))
    store.put_table(f"{MADE}/quarantine/{name}.parquet", _quarantine(rows, results))
    _let_go(store, f"{MADE}/{source.folder}", f"/{name}.parquet", set(objects))
    report = Report(
        source.name,
        sha256,
        zone,
        len(results),
        len(kept),
        dict(Counter(row["reason"] for row in results if row["reason"]).most_common()),
        {word: sum(row[word] for row in kept) for word in source.noted},
        len(objects),
    )
    store.put(f"{MADE}/reports/{name}.json", json.dumps(asdict(report), indent=1).encode())
    return report


def _objects(source: Source, kept: list[Row], name: str) -> dict[str, list[Row]]:
    """What was made of the kept rows, by the object that it goes to."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in kept:
        for made in source.made(row):
            folder = source.place(made["timestamp"])
            found[f"{MADE}/{source.folder}/{folder}/{name}.parquet"].append(made)
    return dict(sorted(found.items()))


def _quarantine(rows: pa.Table, results: list[Row]) -> pa.Table:
    reasons = pa.array([row["reason"] for row in results], pa.string())
    table = rows.select(["line", "raw"]).append_column("reason", reasons)
    return table.filter(reasons.is_valid())


def _let_go(store: Store, prefix: str, ending: str, but: set[str]) -> None:
    """Remove this file's objects of a run with another zone."""
    for each in list(store.names(prefix)):
        if each.endswith(ending) and each not in but:
            store.remove(each)
