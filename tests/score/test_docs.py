"""docs/score.md shows what there is."""

import re
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from agent.config import SensorSettings
from drivers._recording import EVENTS, READING_COLUMNS, TRUTH_COLUMNS, by_sensor, truth
from score.cli import app
from score.inputs import DEFAULTS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "score.md").read_text()


def block(first_line: str) -> str:
    """The indented lines that begin with this one."""
    found = re.search(rf"(?m)^    {re.escape(first_line)}\n(?:    .*\n)*", PAGE)
    assert found, first_line
    return re.sub(r"(?m)^    ", "", found[0])


def test_every_option_is_named() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    options = set(re.findall(r"(?m)^\S* +(--[a-z-]+)", shown)) - {"--help"}
    assert len(options) > 8
    assert [option for option in sorted(options) if f"`{option}`" not in PAGE] == []


def test_every_kind_and_event_is_named() -> None:
    assert [word for word in [*DEFAULTS, *EVENTS] if f"`{word}`" not in PAGE] == []


def test_the_recording_shown_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text(block(",".join(READING_COLUMNS)))
    assert set(by_sensor(path)) == {"A1", "A2"}
    path.write_text(block(",".join(TRUTH_COLUMNS)))
    assert [each.event for each in truth(path)] == ["arrival"]


def test_the_sensor_shown_is_accepted(tmp_path: Path, monkeypatch) -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day.csv").write_text(block(",".join(READING_COLUMNS)))
    SensorSettings.model_validate(tomllib.loads(found[1])["sensor"])
