"""The named queries on DuckDB, over a lake that lies in a folder or a bucket."""

from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from cloud.analytics.queries import Query, text
from cloud.lake.reader import dataset
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS


def run(store: Store, of: Query, begin: datetime, end: datetime, zone: str) -> pa.Table:
    """What `of` says of [begin, end), as far as it is past by now."""
    until = min(end, datetime.now(UTC))
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("lake", dataset(store, EVENTS, of.since(begin), until))
        # As Athena has them: moments of UTC, without a zone.
        db.execute(
            'CREATE VIEW parking_data AS SELECT * REPLACE ("timestamp"::TIMESTAMP AS "timestamp") '
            "FROM lake"
        )
        return _as_athena(db.sql(text(of, "duckdb", begin, until, zone)).to_arrow_table())


def _as_athena(table: pa.Table) -> pa.Table:
    """A sum of integers is a bigint there, and a number of 38 digits here."""
    fields = [
        each.with_type(pa.int64()) if pa.types.is_decimal(each.type) else each
        for each in table.schema
    ]
    return table.cast(pa.schema(fields))
