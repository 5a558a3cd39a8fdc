"""`lotkeeper cloud query` and `analyse` over a lake in a folder."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from cloud.analytics.job import KEPT
from cloud.analytics.queries import query
from cloud.cli import app
from cloud.lake.store import Store
from cloud.lake.taker import LakeTaker, Limits
from cloud.testing import delivered, record
from contract.analytics import KEY, RESULTS, TableAbout

NOW = datetime.now(UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text(f'[lake]\nurl = "{tmp_path / "lake"}"\ntime_zone = "Europe/Berlin"\n')
    taker = LakeTaker(Store(str(tmp_path / "lake")), Limits())
    hours = range(60, 0, -1)
    bodies = [
        record(61 - n, "occupied" if n % 2 else "vacant", 0, spot=f"{lot}1", lot=f"lot-{lot}")
        | {"timestamp": (NOW - timedelta(hours=n)).isoformat()}
        for lot in "AB"
        for n in hours
    ]
    taker.take(delivered(bodies, "lots/0"), NOW)
    taker.flush(NOW)
    return path


def ask(config: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["query", *words, "-c", str(config)])


def rows(config: Path, *words: str) -> list[dict[str, Any]]:
    result = ask(config, *words, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_says_which_there_are(config: Path) -> None:
    assert "occupancy_by_hour" in ask(config).stdout


def test_prints_a_table_or_json(config: Path) -> None:
    assert "lot-A" in ask(config, "turnover").stdout
    found = rows(config, "turnover")
    assert [row["lot_id"] for row in found] == ["lot-A", "lot-B"]
    assert found[0]["average_dwell_s"] == 3600


def test_a_sum_of_integers_is_one(config: Path) -> None:
    assert [row["starts"] for row in rows(config, "device_availability")] == [0, 0]


def test_writes_a_sheet_and_a_parquet_file(config: Path, tmp_path: Path) -> None:
    table = rows(config, "current_status")
    for name in ("out.csv", "out.parquet"):
        assert ask(config, "current_status", "--out", str(tmp_path / name)).exit_code == 0
    with (tmp_path / "out.csv").open(newline="") as sheet:
        assert [row["spot_id"] for row in csv.DictReader(sheet)] == ["A1", "B1"]
    assert pq.read_table(tmp_path / "out.parquet").num_rows == len(table) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "current_status"),
        (["turnover", "--from", "yesterday"], "--from 'yesterday'"),
        (["turnover", "--from", "2024-03-02", "--to", "2024-03-01"], "is not before"),
        (["turnover", "--out", "x.doc"], ".csv or .parquet"),
    ],
)
def test_wrong_words_are_told(config: Path, words: list[str], said: str) -> None:
    result = ask(config, *words)
    assert (result.exit_code, said in result.output) == (2, True)


def test_the_job_keeps_what_they_say(config: Path, tmp_path: Path) -> None:
    for _ in range(2):
        result = CliRunner().invoke(app, ["analyse", "-c", str(config)])
        assert result.exit_code == 0, result.output
    kept = sorted(Store(str(tmp_path / "lake")).names(RESULTS))
    assert kept == sorted(f"{RESULTS}/{n}/{w}.parquet" for w, names in KEPT.items() for n in names)
    table = pq.read_table(tmp_path / "lake" / RESULTS / "turnover/week.parquet")
    assert table.num_rows == 2
    about = TableAbout.model_validate_json(table.schema.metadata[KEY])
    assert (about.query, about.window, about.time_zone) == ("turnover", "week", "Europe/Berlin")
    assert (about.says, list(about.columns)) == (query("turnover").about.says, table.column_names)
    assert about.until - about.begin == timedelta(days=7)


def test_a_lake_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").touch()
    config = tmp_path / "cloud.toml"
    config.write_text(f'[lake]\nurl = "{tmp_path / "lake"}"\n')
    for command in (["analyse"], ["compact"], ["query", "turnover"]):
        result = CliRunner().invoke(app, [*command, "-c", str(config)])
        assert (result.exit_code, str(tmp_path / "lake") in result.output) == (1, True)
