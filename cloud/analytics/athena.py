"""The named queries on Athena: started, awaited, read page by page."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from cloud.analytics.queries import Query, text

_POLL_S = 0.5
_TYPES = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms"),
    "boolean": pa.bool_(),
}


class AthenaError(Exception):
    """The query did not succeed; the text is Athena's reason."""


@dataclass(frozen=True, slots=True)
class Athena:
    """A client of boto3, and where its queries run. Its workgroup says where results are kept."""

    client: Any
    database: str
    workgroup: str
    wait: Callable[[float], None] = time.sleep

    def run(self, of: Query, begin: datetime, end: datetime, zone: str) -> pa.Table:
        """What `of` says of [begin, end). Raises AthenaError."""
        started = self.client.start_query_execution(
            QueryString=text(of, "athena", begin, end, zone),
            QueryExecutionContext={"Database": self.database},
            WorkGroup=self.workgroup,
        )
        execution = started["QueryExecutionId"]
        self._await(execution)
        return self._table(execution)

    def _await(self, execution: str) -> None:
        while True:
            found = self.client.get_query_execution(QueryExecutionId=execution)
            status = found["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] in ("FAILED", "CANCELLED"):
                raise AthenaError(status.get("StateChangeReason", status["State"]))
            self.wait(_POLL_S)

    def _table(self, execution: str) -> pa.Table:
        """Athena says all in words, and beside them which type they are of."""
        columns: list[dict[str, Any]] = []
        rows: list[list[str | None]] = []
        pages = self.client.get_paginator("get_query_results")
        for page in pages.paginate(QueryExecutionId=execution):
            result = page["ResultSet"]
            columns = columns or result["ResultSetMetadata"]["ColumnInfo"]
            rows += [[cell.get("VarCharValue") for cell in row["Data"]] for row in result["Rows"]]
        said = zip(*rows[1:], strict=True) if len(rows) > 1 else [()] * len(columns)
        arrays = [
            pa.array(words, pa.string()).cast(_TYPES.get(column["Type"], pa.string()))
            for words, column in zip(said, columns, strict=True)
        ]
        return pa.table(arrays, [column["Name"] for column in columns])
