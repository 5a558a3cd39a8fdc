import os
from math import hypot
from pathlib import Path

import pytest
from pydantic import ValidationError

from drivers import DriverError, Quality, Reading
from drivers.replay import Config, Driver, decode_counts, parse_line, readings
from drivers.testing import DriverContract, ManualClock

REPO = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LOTKEEPER_DATA", REPO.parent / "shared" / "data"))

FIELD = """\
# three passes
-290 92 233
-290 92 233   # the chip had nothing new
-293, 91, 234

-293 91 -4096
"""

RECORDING = """\
monotonic_s,sensor,unit,quality,value,raw,temperature_c
50.0,A1,mm,ok,2500,2500,
50.0,A2,mG,ok,1 2 3,"[1, 2, 3]",21.5
50.4,A2,mG,overflow,,"[1, 2, -4096]",
51.5,A1,mm,no_echo,,0,
51.5,A1,mm,ok,2500,2500,
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def recorded(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recording.txt"
    path.write_text(text)
    return path


def opened(path: Path, clock: ManualClock, **options: object) -> Driver:
    driver = Driver(Config.model_validate({"path": path, **options}), clock)
    driver.open()
    return driver


def play(driver: Driver, clock: ManualClock, step_s: float, reads: int) -> list[Reading]:
    readings = []
    for _ in range(reads):
        readings.append(driver.read())
        clock.sleep(step_s)
    return readings


class TestContract(DriverContract):
    @pytest.fixture(
        params=[
            {"format": "field_counts", "text": FIELD},
            {"format": "distance_mm", "text": "2500\n"},
            {"format": "recording", "text": RECORDING, "sensor": "A1"},
            {"format": "recording", "text": RECORDING, "sensor": "A2"},
        ]
    )
    def driver(self, request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Driver:
        options = dict(request.param)
        path = recorded(tmp_path, options.pop("text"))
        return Driver(Config.model_validate({"path": path, **options}), clock)


def test_rows_come_when_due_with_the_time_they_were_due(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, "2500\n2501\n0\n")
    driver = opened(path, clock, format="distance_mm", rate_hz=2)
    readings = play(driver, clock, step_s=0.25, reads=6)
    assert [r.value for r in readings] == [2500, None, 2501, None, None, None]
    assert [r.quality for r in readings[4:]] == [Quality.NO_ECHO, Quality.NO_DATA]
    assert [r.monotonic_s for r in readings[:5:2]] == [1000.0, 1000.5, 1001.0]


def test_a_slow_reader_misses_no_row(tmp_path: Path, clock: ManualClock) -> None:
    driver = opened(recorded(tmp_path, "1 2 3\n4 5 6\n7 8 9\n"), clock, format="field_counts")
    clock.sleep(60)
    assert [driver.read().raw[0] for _ in range(3)] == [1, 4, 7]
    assert driver.finished


def test_a_repeated_field_is_no_new_data(tmp_path: Path, clock: ManualClock) -> None:
    driver = opened(recorded(tmp_path, FIELD), clock, format="field_counts", rate_hz=10)
    qualities = [r.quality for r in play(driver, clock, step_s=0.1001, reads=5)]
    assert qualities == [
        Quality.OK,
        Quality.NO_DATA,
        Quality.OK,
        Quality.OVERFLOW,
        Quality.NO_DATA,
    ]


def test_a_repeated_distance_is_a_measurement(tmp_path: Path, clock: ManualClock) -> None:
    driver = opened(recorded(tmp_path, "2500\n2500\n"), clock, format="distance_mm")
    clock.sleep(1)
    assert [driver.read().value, driver.read().value] == [2500.0, 2500.0]


def test_counts_are_put_in_order_and_scaled() -> None:
    value = decode_counts((1090, 109, -218), "xzy", 1090, 0.0).value
    assert value == pytest.approx((1000.0, -200.0, 100.0))


def test_after_the_end_there_is_no_data_for_ever(tmp_path: Path, clock: ManualClock) -> None:
    driver = opened(recorded(tmp_path, "2500\n"), clock, format="distance_mm", rate_hz=1)
    assert not driver.finished
    driver.read()
    assert driver.finished
    assert {r.quality for r in play(driver, clock, step_s=5, reads=3)} == {Quality.NO_DATA}


def test_repeat_begins_again(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, "1\n2\n")
    driver = opened(path, clock, format="distance_mm", rate_hz=1, repeat=True)
    assert [r.value for r in play(driver, clock, 1.0, 5)] == [1, 2, 1, 2, 1]
    assert not driver.finished


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n", r"recording.txt:2: expected 3 value\(s\), found 2"),
        ("1 2 x\n", r"recording.txt:1: could not convert string to float: 'x'"),
        ("# nothing\n", "recording.txt: holds no readings"),
    ],
)
def test_a_bad_recording_is_named_with_its_line(
    tmp_path: Path, clock: ManualClock, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        opened(recorded(tmp_path, text), clock, format="field_counts")


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"path\n"):
        Config(path=tmp_path / "absent.txt", format="distance_mm")


def test_a_recording_that_went_away_is_a_driver_error(tmp_path: Path, clock: ManualClock) -> None:
    config = Config(path=recorded(tmp_path, "1\n"), format="distance_mm")
    config.path.unlink()
    with pytest.raises(DriverError, match=r"recording\.txt"):
        Driver(config, clock).open()


def test_a_comment_after_values_is_left_out() -> None:
    assert parse_line("1, 2  3 # tail", 3) == (1.0, 2.0, 3.0)


def test_a_recording_keeps_its_pace_and_its_qualities(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, RECORDING)
    driver = opened(path, clock, format="recording", sensor="A1")
    assert driver.read() == Reading(2500.0, "mm", Quality.OK, 2500, 1000.0)
    clock.sleep(1.25)
    assert driver.read() == Reading(None, "mm", Quality.NO_DATA, None, 1001.25)
    clock.sleep(0.25)
    assert driver.read() == Reading(None, "mm", Quality.NO_ECHO, 0, 1001.5)
    assert not driver.finished
    assert driver.read() == Reading(2500.0, "mm", Quality.OK, 2500, 1001.5)
    assert driver.finished


def test_a_recorded_temperature_is_played(tmp_path: Path, clock: ManualClock) -> None:
    driver = opened(recorded(tmp_path, RECORDING), clock, format="recording", sensor="A2")
    assert driver.read() == Reading((1.0, 2.0, 3.0), "mG", Quality.OK, (1, 2, 3), 1000.0, 21.5)
    clock.sleep(0.25)
    assert driver.read() == Reading(None, "mG", Quality.NO_DATA, None, 1000.25)


def test_a_repeated_recording_goes_on_in_its_pace(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, RECORDING)
    driver = opened(path, clock, format="recording", sensor="A2", repeat=True)
    clock.sleep(10)
    times_s = [driver.read().monotonic_s for _ in range(4)]
    assert times_s == pytest.approx([1000.0, 1000.4, 1000.8, 1001.2])


@pytest.mark.parametrize("options", [{}, {"sensor": "A3"}])
def test_which_of_several_sensors_must_be_said(
    tmp_path: Path, clock: ManualClock, options: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"recording\.txt: sensor = .* must be one of A1, A2"):
        opened(recorded(tmp_path, RECORDING), clock, format="recording", **options)


def test_which_of_a_spots_two_sensors_must_be_said(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, RECORDING.replace("A2", "A1"))
    with pytest.raises(ValueError, match=r"A1 was recorded in mG and mm: unit = which\?"):
        opened(path, clock, format="recording")
    driver = opened(path, clock, format="recording", unit="mG")
    assert driver.read().value == (1.0, 2.0, 3.0)


def test_a_unit_that_was_not_recorded_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    path = recorded(tmp_path, RECORDING)
    with pytest.raises(ValueError, match="A1 was recorded in mm: unit = which"):
        opened(path, clock, format="recording", sensor="A1", unit="mG")


def test_the_only_sensor_needs_no_name(tmp_path: Path) -> None:
    lines = [line for line in RECORDING.splitlines() if "A2" not in line]
    path = recorded(tmp_path, "\n".join(lines) + "\n")
    found = readings(Config(path=path, format="recording"))
    assert [each.monotonic_s for each in found] == [50.0, 51.5, 51.5]


def test_a_real_recording_repeats_over_a_third_of_its_rows(clock: ManualClock) -> None:
    path = DATA / "magnetometer-passes" / "empty_control.txt"
    if not path.exists():
        pytest.skip(f"no recording at {path}: set LOTKEEPER_DATA")
    driver = opened(path, clock, format="field_counts")
    clock.sleep(3600)
    readings = []
    while not driver.finished:
        readings.append(driver.read())
    fields = [r.value for r in readings if isinstance(r.value, tuple)]
    assert 0.3 < 1 - len(fields) / len(readings) < 0.45
    assert all(600 < hypot(*field) < 900 for field in fields)
