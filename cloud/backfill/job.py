"""A backfill: a source's file into the lake, and an account of its rows, whoever judges them."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Literal, Protocol

import pyarrow as pa
import sqlglot
from sqlglot import ErrorLevel

from cloud.backfill.rows import opened
from cloud.backfill.sources import Row, Source
from cloud.lake.store import Store

RAW = "raw/historical"
MADE = "processed/historical"

DROPPED = pa.schema([("line", pa.int64()), ("raw", pa.string()), ("reason", pa.string())])

Told = Callable[[int, int], None]
"""Hears of objects that are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Counts:
    """`rows` of the file, those of them that are `kept`, and what was done to these."""

    rows: int
    kept: int
    noted: dict[str, int]


class Judged(Protocol):
    """A file's rows with what is said of them, by an engine."""

    def counts(self) -> Counts:
        """How many there are."""
        ...

    def dropped(self) -> pa.Table:
        """Those with a reason against them, as DROPPED, in the file's order."""
        ...

    def write(self, store: Store, name: str, told: Told) -> Collection[str]:
        """Put what the others say into the lake, as `placed` has it, each object whole and in the
        file's order. The objects. Raises OSError.
        """
        ...


Engine = Callable[[Source, str, str], Judged]
"""Of a source, a file and its zone. Raises BadFile, OSError."""


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


def placed(source: Source, row: Row, name: str) -> Iterator[tuple[str, Row]]:
    """What a kept row becomes, and the object that each goes to."""
    for made in source.made(row):
        yield f"{MADE}/{source.folder}/{source.place(made['timestamp'])}/{name}.parquet", made


def backfill(
    store: Store,
    source: Source,
    file: str,
    zone: str,
    engine: Engine,
    told: Told = lambda done, of: None,
) -> Report:
    """Put `file` into the lake.

    A second run changes nothing, by another engine neither; one with another `zone` takes the
    place of the first. Killed, run it again. Raises BadFile, OSError.
    """
    judged = engine(source, file, zone)
    with opened(file) as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    _keep(store, source, file, sha256)
    name = f"{source.name}-{sha256[:16]}"
    objects = judged.write(store, name, told)
    dropped = judged.dropped()
    store.put_table(f"{MADE}/quarantine/{name}.parquet", dropped)
    _let_go(store, f"{MADE}/{source.folder}", f"/{name}.parquet", objects)
    counts = judged.counts()
    report = Report(
        source.name,
        sha256,
        zone,
        counts.rows,
        counts.kept,
        _by_reason(dropped),
        counts.noted,
        len(objects),
    )
    store.put(f"{MADE}/reports/{name}.json", json.dumps(asdict(report), indent=1).encode())
    return report


def _keep(store: Store, source: Source, file: str, sha256: str) -> None:
    """The file as it came, unless the lake has it."""
    folder = f"{RAW}/{source.name}"
    if f"{folder}/{sha256}.csv" not in store.names(folder):
        with opened(file) as stream:
            store.put(f"{folder}/{sha256}.csv", stream.read())


def _by_reason(dropped: pa.Table) -> dict[str, int]:
    """How many, the most first."""
    counts = Counter(dropped["reason"].to_pylist())
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _let_go(store: Store, prefix: str, ending: str, but: Collection[str]) -> None:
    """Remove this file's objects of a run with another zone."""
    for each in list(store.names(prefix)):
        if each.endswith(ending) and each not in but:
            store.remove(each)
