"""`lotkeeper score`, as a person or a script meets it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from score.cli import app

CASES = Path(__file__).resolve().parents[1] / "testcases" / "detector"
HEADER = "monotonic_s,sensor,event\n"
CONFIG = """
agent_id = "pi"
lot_id = "lot"
[[spots]]
spot_id = "A1"
sensor = { kind = "simulated" }
detector = { kind = "ranging", floor_mm = 2500, dwell_on_s = DWELL }
[[lanes]]
lane_id = "L"
sensor = { kind = "simulated", sensor = "magnetic" }
"""


def score(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def rows(result: Result) -> dict[str, list[str]]:
    """The counts in the last table that has a row of that name."""
    lines = [line.split() for line in result.stdout.splitlines() if line]
    return {line[0]: line[1:6] for line in lines}


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A recording with its truth beside it."""
    shutil.copy(CASES / "short_stay" / "recording.csv", tmp_path / "day.csv")
    shutil.copy(CASES / "short_stay" / "truth.csv", tmp_path / "day.truth.csv")
    return tmp_path / "day.csv"


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    shutil.copy(CASES / "lane_two_vehicles" / "recording.csv", tmp_path / "lane.csv")
    shutil.copy(CASES / "lane_two_vehicles" / "truth.csv", tmp_path / "lane.truth.csv")
    return tmp_path / "lane.csv"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(CONFIG.replace("DWELL", "10"))
    return path


def test_all_found_exits_0(day: Path, config: Path) -> None:
    result = score(day, "--config", config)
    assert result.exit_code == 0
    assert result.stdout.startswith("A1 (ranging), day.csv: 85 readings in 84 s\n")
    assert rows(result)["arrivals"] == ["1", "1", "0", "0", "0"]
    assert rows(result)["all"] == ["2", "2", "0", "0", "0"]
    assert result.stderr == ""


def test_a_kind_takes_its_default_settings(lane: Path) -> None:
    result = score(lane, "--kind", "passage")
    assert result.exit_code == 0
    assert rows(result)["passages"] == ["2", "2", "0", "0", "0"]


def test_what_is_missed_exits_1(day: Path, config: Path) -> None:
    config.write_text(CONFIG.replace("DWELL", "20"))
    result = score(day, "--config", config)
    assert result.exit_code == 1
    assert rows(result)["all"] == ["2", "0", "2", "0", "0"]


def test_what_is_false_exits_1(day: Path, config: Path) -> None:
    day.with_suffix(".truth.csv").write_text(HEADER)
    result = score(day, "--config", config)
    assert result.exit_code == 1
    assert rows(result)["all"] == ["0", "0", "0", "2", "0"]


@pytest.mark.parametrize(("percent", "status"), [(50, 0), (51, 1)])
def test_fewer_may_be_enough(day: Path, config: Path, percent: int, status: int) -> None:
    day.with_suffix(".truth.csv").write_text(HEADER + "130,A1,arrival\n")
    assert score(day, "-c", config, "--fail-under", percent).exit_code == status


def test_the_tolerance_decides(day: Path, config: Path) -> None:
    day.with_suffix(".truth.csv").write_text(HEADER + "126,A1,arrival\n145,A1,departure\n")
    assert score(day, "-c", config, "--tolerance-s", 4).exit_code == 0
    assert score(day, "-c", config, "--tolerance-s", 3.9).exit_code == 1


def test_for_programs(day: Path, lane: Path, config: Path) -> None:
    found = json.loads(score(day, lane, "-c", config, "--json").stdout)
    assert [(each["sensor"], each["kind"]) for each in found["sensors"]] == [
        ("A1", "ranging"),
        ("L", "passage"),
    ]
    arrivals = found["sensors"][0]["events"]["arrivals"]
    assert arrivals == {
        "true": 1,
        "found": 1,
        "missed": 0,
        "false": 0,
        "doubled": 0,
        "found_of_true_95": [0.2065, 1.0],
        "right_of_told_95": [0.2065, 1.0],
        "latency_s_p50": 0.0,
        "latency_s_p95": 0.0,
    }
    assert set(found["sum"]) == {"arrivals", "departures", "passages", "all"}
    assert found["sum"]["all"]["found"] == 4


def test_several_recordings_add_up(day: Path, lane: Path, config: Path) -> None:
    result = score(day, lane, "-c", config)
    assert "2 sensors" in result.stdout.splitlines()
    assert rows(result)["all"] == ["4", "4", "0", "0", "0"]


def test_one_truth_may_serve_several_recordings(day: Path, lane: Path, config: Path) -> None:
    both = day.with_name("both.csv")
    truth = [path.with_suffix(".truth.csv").read_text() for path in (day, lane)]
    both.write_text(truth[0] + truth[1].removeprefix(HEADER))
    assert score(day, lane, "-c", config, "--truth", both).exit_code == 0


def test_rows_of_numbers_are_a_recording_too(tmp_path: Path, config: Path) -> None:
    path = tmp_path / "A1.txt"
    path.write_text("2500\n" * 30 + "1200\n" * 30 + "2500\n" * 30)
    path.with_suffix(".truth.csv").write_text(HEADER + "30,A1,arrival\n60,A1,departure\n")
    result = score(path, "-c", config, "--format", "distance_mm", "--rate-hz", 1)
    assert result.exit_code == 0, result.output


def test_the_help_has_examples() -> None:
    assert "Examples: lotkeeper score day.csv --config agent.toml" in score("--help").stdout


class TestRefusals:
    """Exit 2, and a line that tells what would be right."""

    def refused(self, *arguments: object) -> str:
        result = score(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
        return result.stderr

    def test_settings_come_from_one_place(self, day: Path, config: Path) -> None:
        said = "give either --config agent.toml or --kind ranging|magnetic|fused|passage"
        assert said in self.refused(day)
        assert said in self.refused(day, "-c", config, "--kind", "ranging")

    def test_an_unknown_kind(self, day: Path) -> None:
        assert "--kind sonar: there are ranging, magnetic" in self.refused(day, "--kind", "sonar")

    def test_a_recording_that_is_not_there(self, tmp_path: Path) -> None:
        said = self.refused(tmp_path / "gone.csv", "--kind", "ranging")
        assert "gone.csv: No such file or directory" in said

    def test_a_bad_line_of_a_recording(self, day: Path) -> None:
        day.write_text(day.read_text() + "later,A1,mm,ok,1,,\n")
        said = self.refused(day, "--kind", "ranging")
        assert "day.csv:87: column monotonic_s: 'later' is no number" in said

    def test_a_truth_that_is_not_there(self, day: Path) -> None:
        day.with_suffix(".truth.csv").unlink()
        said = self.refused(day, "--kind", "ranging")
        assert "day.truth.csv: No such file or directory; --truth names the file" in said

    def test_a_truth_of_another_sensor(self, day: Path) -> None:
        day.with_suffix(".truth.csv").write_text(HEADER + "130,A2,arrival\n")
        said = self.refused(day, "--kind", "ranging")
        assert "sensor A2 was not recorded; the recording holds A1" in said

    def test_a_truth_on_another_clock(self, day: Path) -> None:
        day.with_suffix(".truth.csv").write_text(HEADER + "1700000000,A1,arrival\n")
        said = self.refused(day, "--kind", "ranging")
        assert "A1 arrival at 1700000000.0 s, but" in said
        assert "from 100.0 to 184.0 s; both must be of the same clock" in said

    def test_truths_that_do_not_count_up(self, day: Path, lane: Path, config: Path) -> None:
        truths = ["--truth", "a", "--truth", "b", "--truth", "c"]
        said = self.refused(day, lane, "-c", config, *truths)
        assert "--truth was given 3 times for 2 recordings" in said

    def test_one_truth_for_a_sensor_recorded_twice(self, day: Path, config: Path) -> None:
        again = day.with_name("again.csv")
        shutil.copy(day, again)
        truth = day.with_suffix(".truth.csv")
        said = self.refused(day, again, "-c", config, "--truth", truth)
        assert "give --truth for each" in said

    def test_a_detector_of_another_unit(self, day: Path) -> None:
        said = self.refused(day, "--kind", "magnetic")
        assert "recorded in mm, so its detector must be ranging or fused, not magnetic" in said

    def test_a_sensor_that_is_not_configured(self, day: Path, config: Path) -> None:
        config.write_text(config.read_text().replace('"A1"', '"B7"'))
        said = self.refused(day, "-c", config)
        assert "sensor A1 is no spot or lane of the configuration, which has B7, L" in said

    def test_a_bad_configuration(self, day: Path, config: Path) -> None:
        config.write_text(config.read_text().replace("floor_mm", "flor_mm"))
        assert "flor_mm is no option" in self.refused(day, "-c", config)

    def test_a_sensor_that_was_not_recorded(self, day: Path, config: Path) -> None:
        said = self.refused(day, "-c", config, "--sensor", "A9")
        assert "--sensor A9 was not recorded; there are A1" in said

    def test_one_picture_of_two_sensors(self, day: Path, lane: Path, config: Path) -> None:
        said = self.refused(day, lane, "-c", config, "--picture", "both.png")
        assert "--picture both.png is one file for 2 sensors: name a folder" in said


def test_sensors_are_chosen_by_name(day: Path, lane: Path, config: Path) -> None:
    result = score(day, lane, "-c", config, "--sensor", "L", "--json")
    assert [each["sensor"] for each in json.loads(result.stdout)["sensors"]] == ["L"]


class TestPictures:
    def test_a_folder_gets_one_of_each_sensor(self, day: Path, lane: Path, config: Path) -> None:
        folder = day.parent / "new" / "pictures"
        assert score(day, lane, "-c", config, "--picture", folder).exit_code == 0
        pictures = sorted(folder.iterdir())
        assert [path.name for path in pictures] == ["day-A1.png", "lane-L.png"]
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)

    def test_a_place_that_cannot_be_written_exits_2(self, day: Path, config: Path) -> None:
        result = score(day, "-c", config, "--picture", day.parent / "gone" / "day.png")
        assert result.exit_code == 2
        assert "day.png: No such file or directory" in result.stderr

    def test_it_shows_trace_thresholds_and_events(self, day: Path, config: Path) -> None:
        day.with_suffix(".truth.csv").write_text(HEADER + "130,A1,arrival\n115,A1,departure\n")
        drawing = day.with_suffix(".svg")
        assert score(day, "-c", config, "--picture", drawing).exit_code == 1
        text = drawing.read_text()
        for word in (
            "A1 (ranging), day.csv: 1 of 2 found, 1 missed, 1 false, 0 doubled",
            "true arrival",
            "found arrival",
            "missed departure",
            "false departure",
            "occupied beyond",
            "free within",
            "distance",
        ):
            assert f"<!-- {word} -->" in text
        assert "doubled arrival" not in text


class TestRealRecordings:
    """A magnetometer beside a lane: six scripted passes, and an empty road."""

    PASSES_S = (10, 33.5, 56.5, 77, 100, 120)
    """The middles of six peaks, read by eye off a plot of the raw counts' second column."""

    def scored(self, path: Path, truth: Path) -> dict[str, Any]:
        result = score(
            *(path, "--truth", truth, "--format", "field_counts", "--kind", "passage"),
            *("--tolerance-s", 2, "--json"),
        )
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def test_each_pass_is_found_once(self, shared_data: Path, tmp_path: Path) -> None:
        truth = tmp_path / "truth.csv"
        lines = [f"{at_s},passes_9_23,passage\n" for at_s in self.PASSES_S]
        truth.write_text(HEADER + "".join(lines))
        path = shared_data / "magnetometer-passes" / "passes_9_23.txt"
        found = self.scored(path, truth)["sum"]["passages"]
        assert (found["true"], found["found"]) == (6, 6)
        assert found["found_of_true_95"] == [0.6097, 1.0]
        assert -1.5 < found["latency_s_p50"] < 0  # dated by the front, not by the middle

    def test_an_empty_road_is_empty(self, shared_data: Path, tmp_path: Path) -> None:
        truth = tmp_path / "truth.csv"
        truth.write_text(HEADER)
        path = shared_data / "magnetometer-passes" / "empty_control.txt"
        assert self.scored(path, truth)["sum"]["all"]["false"] == 0


def test_a_picture_is_paid_for_only_by_who_asks_for_one() -> None:
    code = "import sys, score.cli; print(*sys.modules)"
    repo = CASES.parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, capture_output=True, text=True, check=True
    )
    loaded = {module.partition(".")[0] for module in run.stdout.split()}
    assert "score" in loaded
    assert not loaded & {"matplotlib", "numpy", "gateway", "simulator", "boto3"}
