"""The lines of a file sink, taken into the history beside the gateway."""

from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.sinks import ACCEPTED, SNAPSHOT_SEQ, Outgoing, file, history
from tests.gateway.sinks.test_history import NOON, events, record

LOT = 'facility_id = "f1"\nlot_id = "lot-1"\n[[zones]]\nzone_id = "A"\n'


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """What a file sink kept: three changes of a spot and a snapshot."""
    folder = tmp_path / "records"
    sink = file.Sink(file.Config(path=folder))
    snapshot = record(9).payload.replace(b'"ARRIVAL"', b'"SNAPSHOT"')
    sink.send([record(seq) for seq in (1, 2, 3)])
    sink.send([Outgoing(SNAPSHOT_SEQ, "lot/A1", snapshot)])
    sink.close()
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    past = f'[[sinks]]\nname = "past"\nkind = "history"\npath = "{tmp_path}/history.db"\n'
    path.write_text(f"{LOT}{past}days = 0\n")
    return path


def imported(config: Path, records: Path) -> Result:
    return CliRunner().invoke(app, ["history", "import", str(records), "-c", str(config)])


def test_lines_are_taken_in_once(tmp_path: Path, config: Path, records: Path) -> None:
    with next(records.glob("*.jsonl")).open("ab") as lines:
        lines.write(b'{"torn": ')
    for _ in range(2):
        result = imported(config, records)
        assert result.exit_code == 0, result.output
        assert "4 lines of 1 files taken in, 1 are no records" in result.output
        assert [each["seq"] for each in events(tmp_path / "history.db")] == [1, 2, 3]


def test_a_gateway_that_runs_meanwhile_goes_on(tmp_path: Path, config: Path, records: Path) -> None:
    """The import makes a stream that the running sink has not met, at a spot that it has."""
    running = history.Sink(history.Config(path=tmp_path / "history.db", days=0))
    late = NOON + timedelta(hours=1)
    running.send([record(1, "A1", late, epoch="other")])
    assert imported(config, records).exit_code == 0
    assert running.send([record(2, "A1", late, epoch="other")]) == [ACCEPTED]
    assert len(events(tmp_path / "history.db")) == 5
    running.close()


def test_what_is_wrong_is_said(tmp_path: Path, config: Path, records: Path) -> None:
    empty = imported(config, tmp_path)
    assert (empty.exit_code, "no *.jsonl" in empty.output) == (2, True)
    config.write_text(LOT)
    without = imported(config, records)
    assert (without.exit_code, 'kind = "history"' in without.output) == (2, True)
