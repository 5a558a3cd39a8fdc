"""Athena's side by botocore's own stubs: what is asked, and what its words come to."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from cloud.analytics.athena import Athena, AthenaError
from cloud.analytics.queries import query

BEGIN = datetime(2024, 3, 20, tzinfo=UTC)
COLUMNS = [("lot_id", "varchar"), ("day", "date"), ("tickets", "bigint"), ("share", "double")]


def client() -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client("athena", region_name="eu-central-1", **keys)


def state(name: str, **more: str) -> dict[str, Any]:
    return {"QueryExecution": {"Status": {"State": name, **more}}}


def page(*rows: tuple[str | None, ...]) -> dict[str, Any]:
    cells = [[{"VarCharValue": w} if w is not None else {} for w in row] for row in rows]
    info = [{"Name": name, "Type": kind} for name, kind in COLUMNS]
    return {
        "ResultSet": {
            "Rows": [{"Data": row} for row in cells],
            "ResultSetMetadata": {"ColumnInfo": info},
        }
    }


def test_a_query_is_started_awaited_and_read_page_by_page() -> None:
    athena, waits = client(), list[float]()
    with Stubber(athena) as stub:
        asked = {
            "QueryString": ANY,
            "QueryExecutionContext": {"Database": "parking_analytics"},
            "WorkGroup": "lotkeeper",
        }
        stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"}, asked)
        for name in ("QUEUED", "RUNNING", "SUCCEEDED"):
            stub.add_response("get_query_execution", state(name), {"QueryExecutionId": "q-1"})
        header = tuple(name for name, _ in COLUMNS)
        first = page(header, ("north", "2024-03-20", "7", "0.25")) | {"NextToken": "more"}
        stub.add_response("get_query_results", first, {"QueryExecutionId": "q-1"})
        more = {"QueryExecutionId": "q-1", "NextToken": "more"}
        stub.add_response("get_query_results", page(("south", "2024-03-21", "0", None)), more)
        made = Athena(athena, "parking_analytics", "lotkeeper", waits.append)
        table = made.run(query("revenue"), BEGIN, BEGIN + timedelta(days=2), "UTC")
        stub.assert_no_pending_responses()
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("north", date(2024, 3, 20), 7, 0.25),
        ("south", date(2024, 3, 21), 0, None),
    ]
    assert len(waits) == 2


def test_a_failure_says_why() -> None:
    athena = client()
    with Stubber(athena) as stub:
        stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"})
        failed = state("FAILED", StateChangeReason="SYNTAX_ERROR: line 7")
        stub.add_response("get_query_execution", failed)
        with pytest.raises(AthenaError, match="line 7"):
            Athena(athena, "d", "w").run(query("revenue"), BEGIN, BEGIN + timedelta(days=1), "UTC")
