"""`lotkeeper cloud lots`: what is now, asked of the replica."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from cloud.cli import app
from cloud.present import Present
from cloud.testing import delivered, heartbeat, record

NOWHERE = "host=127.0.0.1 port=1 dbname=nobody"


def configured(folder: Path, dsn: str, replica: str | None = None) -> Path:
    path = folder / "cloud.toml"
    second = f'\nread_only_dsn = "{replica}"' if replica else ""
    path.write_text(f'[postgres]\ndsn = "{dsn}"{second}\n')
    return path


@pytest.fixture
def lots(conn: psycopg.Connection) -> None:
    """North is sensed and has a gateway; deck is counted, and nobody knows how many it holds."""
    now = datetime.now(UTC)
    beat = heartbeat(0) | {"timestamp": (now - timedelta(seconds=100)).isoformat()}
    said = [
        beat | {"lot_id": "north", "event_id": "own-1:1"},
        record(1, "occupied", 1, event_type="ARRIVAL", lot="north"),
        record(2, "vacant", 2, lot="north") | {"spot_id": "A2"},
        {
            "event_id": "d:1",
            "event_type": "ARRIVAL",
            "lot_id": "deck",
            "timestamp": now.isoformat(),
        },
    ]
    Present(conn, timedelta(days=36500)).write(delivered(said), now)


@pytest.mark.usefixtures("lots")
def test_each_lot_is_told_by_the_replica(dsn: str, tmp_path: Path) -> None:
    path = configured(tmp_path, NOWHERE, dsn)
    result = CliRunner().invoke(app, ["lots", "--json", "-c", str(path)])
    assert result.exit_code == 0, result.output
    deck, north = json.loads(result.stdout)
    assert (north["lot_id"], north["capacity"], north["current_occupancy"]) == ("north", 2, 1)
    assert north["occupancy_rate"] == 0.5
    assert north["gateway_age_s"] == pytest.approx(100, abs=30)
    assert (deck["capacity"], deck["counted"], deck["gateway_age_s"]) == (None, 1, None)
    shown = CliRunner().invoke(app, ["lots", "-c", str(path)], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    assert "heard, s ago" in shown.stdout  # in the width of a terminal nothing is cut
    (row,) = [line for line in shown.stdout.splitlines() if "north" in line]
    assert [cell.strip() for cell in row.split("│")[1:8]] == [
        "north",
        "2",
        "1",
        "1",
        "0",
        "0",
        "0.5",
    ]


def test_without_a_replica_the_database_itself_is_asked(dsn: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["lots", "--json", "-c", str(configured(tmp_path, dsn))])
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_one_that_is_away_is_said(dsn: str, tmp_path: Path) -> None:
    path = configured(tmp_path, dsn, NOWHERE)
    result = CliRunner().invoke(app, ["lots", "-c", str(path)])
    assert result.exit_code == 1
    assert "port 1" in result.output
