"""A magnetometer's recordings of a lane: six vehicles, and none."""

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(("recording", "count"), [("passes_9_23", 6), ("empty_control", 0)])
def test_each_vehicle_is_found_and_no_other(
    lotkeeper: Any, account: Any, shared_data: Path, recording: str, count: int
) -> None:
    path = shared_data / "magnetometer-passes" / f"{recording}.txt"
    passes = account(lotkeeper.run("simulate", "--passes", path, "--json"))["passes"]
    assert len(passes) == count
    assert [each["at_s"] for each in passes] == sorted(each["at_s"] for each in passes)
    assert all(0 < each["duration_s"] < 10 and each["peak_mg"] > 0 for each in passes)


def test_for_people(lotkeeper: Any, shared_data: Path) -> None:
    path = shared_data / "magnetometer-passes" / "passes_9_23.txt"
    run = lotkeeper.run("simulate", "--passes", path)
    assert run.returncode == 0
    assert run.stdout.startswith("6 vehicles passed in passes_9_23.txt\n")
    assert len(run.stdout.splitlines()) == 7


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), ("1 2\nx y\n", "expected 3 value")]
)
def test_what_is_no_recording_exits_2(
    lotkeeper: Any, tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "recording.txt"
    if content is not None:
        path.write_text(content)
    run = lotkeeper.run("simulate", "--passes", path, "--json")
    assert run.returncode == 2
    assert said in run.stderr
    assert "recording.txt" in run.stderr
    assert run.stdout == ""
