"""The saved queries, up to now, say what the others say of the same days."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
import sqlglot

from cloud.analytics import duck
from cloud.analytics.job import KEPT, WINDOWS
from cloud.analytics.queries import Query, query, recent
from cloud.lake.reader import dataset
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LakeTaker, Limits
from cloud.present import Delivered

NOW = datetime(2024, 3, 5, 17, tzinfo=UTC)  # behind a change of month and a leap day
SAVED = [(name, WINDOWS[window].days) for window, names in KEPT.items() for name in names]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two bays, forty days; each vehicle stays longer than the one before."""
    found = Store(str(tmp_path_factory.mktemp("lake")))
    taker = LakeTaker(found, Limits())
    for number in range(300):
        at = NOW - timedelta(days=40) + timedelta(hours=3.2 * number, minutes=number)
        record = {
            "event_id": f"pi:e:{number}",
            "event_type": "STATUS",
            "lot_id": "north",
            "zone_id": "A",
            "spot_id": f"A{number // 2 % 2}",
            "status": ("occupied", "vacant")[number % 2],
            "timestamp": at.isoformat(),
            "agent_id": "pi",
            "epoch": "e",
            "seq": number,
        }
        taker.take([Delivered(f"s/0/{number}", json.dumps(record).encode())], NOW)
    taker.flush(NOW)
    return found


def ask(store: Store, of: Query, days: int) -> list[dict[str, Any]]:
    """The saved text on DuckDB, as if it were asked at NOW. In UTC, Athena's zones do nothing."""
    text = recent(of, days, "UTC").replace("CURRENT_TIMESTAMP", f"TIMESTAMP '{NOW:%F %T}'")
    with duckdb.connect() as db:
        db.execute("CREATE MACRO at_timezone(moment, zone) AS moment")
        db.execute("CREATE MACRO with_timezone(moment, zone) AS moment")
        db.register("lake", dataset(store, EVENTS, NOW - timedelta(days=60), NOW))
        db.execute(
            'CREATE VIEW parking_data AS SELECT * REPLACE ("timestamp"::TIMESTAMP AS "timestamp") '
            "FROM lake"
        )
        db.execute("SET TimeZone = 'UTC'")
        rows: list[dict[str, Any]] = (
            db.sql(sqlglot.transpile(text, read="athena", write="duckdb")[0])
            .to_arrow_table()
            .to_pylist()
        )
        return rows


@pytest.mark.parametrize(("name", "days"), SAVED)
def test_says_what_the_tested_query_says(store: Store, name: str, days: int) -> None:
    expected = duck.run(store, query(name), NOW - timedelta(days=days), NOW, "UTC").to_pylist()
    found = ask(store, query(name), days)
    assert expected or name in ("device_availability", "peak_usage", "revenue")
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == {
            key: pytest.approx(value) if isinstance(value, float) else value
            for key, value in theirs.items()
        }
