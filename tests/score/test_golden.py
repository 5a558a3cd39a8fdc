"""The golden cases of the detector, and the command that keeps them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from score.golden import EXPECTED, cases, found, main, text

FOLDER = Path(__file__).resolve().parents[1] / "testcases" / "detector"
CASES = cases(FOLDER)


def test_there_are_cases_and_each_is_described() -> None:
    assert len(CASES) >= 12
    described = (FOLDER / "README.md").read_text()
    assert [case.name for case in CASES if f"| `{case.name}` |" not in described] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_detector_says_what_is_expected(case: Path) -> None:
    assert found(case) == json.loads((case / EXPECTED).read_text())


def test_the_invented_recordings_come_again_from_their_seeds(tmp_path: Path) -> None:
    program = [sys.executable, str(FOLDER / "generate.py"), str(tmp_path)]
    repo = FOLDER.parents[2]
    subprocess.run(program, cwd=repo, env={"PYTHONPATH": str(repo)}, check=True, timeout=50)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*.csv"))
    assert len(made) >= 24
    assert [
        path for path in made if (tmp_path / path).read_bytes() != (FOLDER / path).read_bytes()
    ] == []


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A case that may be changed."""
    shutil.copytree(FOLDER / "short_stay", tmp_path / "short_stay")
    return tmp_path


def test_nothing_is_printed_where_nothing_differs(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(copied)]) == 0
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", "1 cases, 0 differ\n")


def test_a_difference_is_printed_and_only_written_when_asked(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = copied / "short_stay" / "settings.toml"
    settings.write_text(settings.read_text() + "dwell_on_s = 20\n")
    expected = copied / "short_stay" / EXPECTED
    before = expected.read_text()
    assert main([str(copied)]) == 1
    out = capsys.readouterr().out
    assert '-  {"at_s": 130.0, "status": "occupied", "previous": "free"},' in out.splitlines()
    assert expected.read_text() == before
    assert main([str(copied), "--write"]) == 0
    assert json.loads(expected.read_text())["score"]["missed"] == 2
    assert main([str(copied)]) == 0


def test_a_new_case_differs_until_it_is_written(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "short_stay" / EXPECTED).unlink()
    assert main([str(copied)]) == 1
    assert "+ " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("settings.toml", "[detector]\nkind = 'rangin'\n", "settings.toml: 1 validation error"),
        ("settings.toml", "[detector]\nkind = 'magnetic'\n", "recorded in mm"),
        ("truth.csv", "monotonic_s,sensor,event\n130,A2,arrival\n", "sensor A2 was not recorded"),
        ("recording.csv", "nonsense\n", "recording.csv:1: the first line must be"),
    ],
)
def test_a_case_that_cannot_be_read_exits_2(
    copied: Path, name: str, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copied / "short_stay" / name).write_text(content)
    assert main([str(copied)]) == 2
    assert said in capsys.readouterr().err


def test_what_is_written_can_be_read() -> None:
    result = found(FOLDER / "blocked")
    assert json.loads(text(result)) == result
