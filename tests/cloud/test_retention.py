"""Months that are older than is kept go, and nothing else; what is refused for its age stays so."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from cloud import retention
from cloud.cli import app
from cloud.postgres import connect
from cloud.present import Present
from cloud.retention import retain, stale
from cloud.testing import alert, at, delivered, record, teller

DAY_S = 86_400
KEEP = timedelta(days=60)
LATER = at(120 * DAY_S)  # July 18th; kept is what lies behind May 18th


def fill(conn: psycopg.Connection) -> None:
    """A stay in March, one in June; a ledger, an alert and a letter of both."""
    said = [
        record(1, "occupied", 0, event_type="ARRIVAL"),
        record(2, "vacant", 60, event_type="DEPARTURE"),
        record(3, "occupied", 90 * DAY_S, event_type="ARRIVAL"),
        alert(1, "resolved", 0),
        alert(2, "raised", 0, alert_id="disk"),
        teller(3).correction("fix:1", "deck", 4, at(0), "counted"),
        teller(4).correction("fix:2", "deck", -1, at(100 * DAY_S), "counted"),
        {"event_id": "bad"},
    ]
    Present(conn, timedelta(days=400)).write(delivered(said), LATER)
    conn.execute("UPDATE dead_letters SET at = %s", (at(0),))


def count(conn: psycopg.Connection, table: str) -> int:
    row = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def months(conn: psycopg.Connection) -> set[str]:
    rows = conn.execute("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'")
    return {name for (name,) in rows}


def test_whole_months_go_and_what_belongs_to_them(conn: psycopg.Connection) -> None:
    fill(conn)
    told = stale(conn, KEEP, LATER)
    before = months(conn)
    assert retain(conn, KEEP, LATER) == told
    gone = {each.table for each in told if each.bytes is not None}
    assert gone == {
        f"{table}_2024_{month}" for table in ("events", "sessions") for month in ("02", "03")
    }
    assert months(conn) == before - gone | {
        f"{table}_2024_{month}" for table in ("events", "sessions") for month in ("07", "08")
    }
    rows = {each.table: each.rows for each in told if each.rows is not None}
    assert rows == {"count_ledger": 1, "alerts": 1, "dead_letters": 1}
    assert (count(conn, "events"), count(conn, "sessions"), count(conn, "alerts")) == (2, 1, 1)
    assert conn.execute("SELECT count FROM counts").fetchone() == (3,)  # the sum stays
    assert count(conn, "spot_streams") == 1
    assert stale(conn, KEEP, LATER) == []


def test_a_month_of_which_a_part_is_kept_stays(conn: psycopg.Connection) -> None:
    fill(conn)
    ends = datetime(2024, 4, 1, tzinfo=UTC) + KEEP + retention.MARGIN
    part = [each for each in stale(conn, KEEP, ends - timedelta(seconds=1)) if each.bytes]
    assert {each.table for each in part} == {"events_2024_02", "sessions_2024_02"}
    assert len([each for each in stale(conn, KEEP, ends) if each.bytes]) == 4


def test_what_is_too_old_makes_no_month_again(conn: psycopg.Connection) -> None:
    fill(conn)
    retain(conn, KEEP, LATER)
    old = delivered([record(9, "vacant", 30)])
    assert Present(conn, KEEP).write(old, LATER).letters == 1
    assert not any("2024_03" in name for name in months(conn))


def test_a_month_that_is_in_use_is_left_for_another_run(
    dsn: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(conn)
    monkeypatch.setattr(retention, "PATIENCE_S", 0.1)
    with connect(dsn) as reader, reader.transaction():
        reader.execute("SELECT * FROM events_2024_03")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            retain(conn, KEEP, LATER)
    assert "events_2024_03" in months(conn)
    retain(conn, KEEP, LATER)
    assert "events_2024_03" not in months(conn)


def test_consumers_that_write_meanwhile_lose_nothing(dsn: str, conn: psycopg.Connection) -> None:
    fill(conn)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with connect(dsn) as own:
                for seq in range(4, 60):
                    status, kind = (
                        ("vacant", "DEPARTURE") if seq % 2 == 0 else ("occupied", "ARRIVAL")
                    )
                    said = record(seq, status, 95 * DAY_S + seq, event_type=kind)
                    Present(own, KEEP).write(delivered([said]), LATER)
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    retain(conn, KEEP, LATER)
    writer.join()
    assert failures == []
    assert count(conn, "events WHERE event_type IN ('ARRIVAL', 'DEPARTURE')") == 57


@pytest.fixture
def config(tmp_path: Path, dsn: str) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text(f'[postgres]\ndsn = "{dsn}"\nkeep_days = 60\n')
    return path


def test_the_command_says_what_would_go_and_then_lets_it_go(
    config: Path, conn: psycopg.Connection
) -> None:
    fill(conn)
    run = CliRunner().invoke(app, ["retain", "-c", str(config), "--dry-run", "--json"])
    assert run.exit_code == 0
    would = {each["table"] for each in json.loads(run.stdout)}
    assert {"events_2024_03", "events_2024_06", "count_ledger"} <= would
    assert "events_2024_03" in months(conn)
    run = CliRunner().invoke(app, ["retain", "-c", str(config)])
    assert run.exit_code == 0
    assert "gone: events_2024_03: 0." in run.stdout
    assert not any("2024" in name for name in months(conn))
    run = CliRunner().invoke(app, ["retain", "-c", str(config)])
    assert run.stdout == "nothing is older than 60 days\n"
