"""A file's rows judged by DuckDB, on one machine that holds the file in memory."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from cloud.backfill.clock import offsets
from cloud.backfill.job import DROPPED, Counts, Told, placed, text
from cloud.backfill.rows import read
from cloud.backfill.sources import Row, Source
from cloud.lake.store import Store


def judge(source: Source, file: str, zone: str) -> "DuckJudged":
    """An `Engine`. Raises BadFile, OSError."""
    rows = read(file, source.columns)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("rows", rows)
        db.register("offsets", offsets(zone))
        found = db.sql(text(source.name, "duckdb")).order("line").to_arrow_table().to_pylist()
    return DuckJudged(source, rows, found)


@dataclass(frozen=True, slots=True)
class DuckJudged:
    """See `Judged`: `found` says of each of `rows`, in order, what it says."""

    source: Source
    rows: pa.Table
    found: list[Row]

    def counts(self) -> Counts:
        """See `Judged`."""
        kept = self._kept()
        noted = {word: sum(row[word] for row in kept) for word in self.source.noted}
        return Counts(self.rows.num_rows, len(kept), noted)

    def dropped(self) -> pa.Table:
        """See `Judged`."""
        reasons = pa.array([row["reason"] for row in self.found], pa.string())
        table = self.rows.select(["line", "raw"]).append_column("reason", reasons)
        return table.filter(reasons.is_valid()).cast(DROPPED)

    def write(self, store: Store, name: str, told: Told) -> Collection[str]:
        """See `Judged`."""
        objects: defaultdict[str, list[Row]] = defaultdict(list)
        for row in self._kept():
            for place, made in placed(self.source, row, name):
                objects[place].append(made)
        for done, place in enumerate(sorted(objects), 1):
            store.put_table(place, pa.Table.from_pylist(objects[place], self.source.schema))
            told(done, len(objects))
        return objects.keys()

    def _kept(self) -> list[Row]:
        return [row for row in self.found if row["reason"] is None]
