"""Recordings and truth files: what is written is read, and what is bad is named."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality, Reading
from drivers._recording import (
    READING_COLUMNS,
    TRUTH_COLUMNS,
    Happened,
    Recorded,
    Writer,
    by_sensor,
    reading_cells,
    readings,
    truth,
    truth_cells,
)

HEADER = "monotonic_s,sensor,unit,quality,value,raw,temperature_c\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day.csv"


def written(path: Path, *recorded: Recorded) -> Path:
    writer = Writer(path, READING_COLUMNS)
    for each in recorded:
        writer.write(reading_cells(*each))
    writer.close()
    return path


DISTANCE = Recorded("A1", Reading(2481.0, "mm", Quality.OK, 2481, 12.0))
FIELD = Recorded("A-2", Reading((-266.1, 214.75, 84.4), "mG", Quality.OK, (-290, 92), 12.5, 21.5))
LOST = Recorded("A1", Reading(None, "mm", Quality.NO_ECHO, None, 13.0))


def test_several_sensors_share_a_file(path: Path) -> None:
    written(path, DISTANCE, FIELD, LOST)
    assert list(readings(path)) == [DISTANCE, FIELD, LOST]
    assert by_sensor(path) == {"A1": [DISTANCE.reading, LOST.reading], "A-2": [FIELD.reading]}


def test_the_file_is_as_documented(path: Path) -> None:
    written(path, DISTANCE, FIELD, LOST)
    assert path.read_bytes().decode("ascii") == HEADER + (
        "12.000000,A1,mm,ok,2481,2481,\n"
        '12.500000,A-2,mG,ok,-266.1 214.75 84.4,"[-290, 92]",21.5\n'
        "13.000000,A1,mm,no_echo,,,\n"
    )


@pytest.mark.parametrize(
    ("raw", "cell"),
    [
        ("ff07a1a7", "ff07a1a7"),
        (b"\xff\x07", "ff07"),
        ("12", '"""12"""'),  # JSON, or it would come back as a number
        ("", '""""""'),
        ("two\nlines", '"""two\\nlines"""'),
        ("a,b", '"a,b"'),
    ],
)
def test_raw_text_stays_text(path: Path, raw: Any, cell: str) -> None:
    written(path, Recorded("A1", Reading(None, "mm", Quality.CHECKSUM, raw, 1.0)))
    assert path.read_text().splitlines()[1] == f"1.000000,A1,mm,checksum,,{cell},"
    back = raw.hex() if isinstance(raw, bytes) else raw
    assert by_sensor(path)["A1"][0].raw == back


RAWS = st.one_of(
    st.none(),
    st.text(),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.tuples(st.integers(), st.text()),
)


@given(RAWS)
def test_any_raw_comes_back(tmp_path_factory: pytest.TempPathFactory, raw: Any) -> None:
    path = tmp_path_factory.mktemp("raw") / "day.csv"
    written(path, Recorded("A1", Reading(None, "mG", Quality.OVERFLOW, raw, 1.0)))
    assert by_sensor(path)["A1"][0].raw == raw


def test_a_recording_is_never_written_over(path: Path) -> None:
    written(path, DISTANCE)
    with pytest.raises(FileExistsError):
        Writer(path, READING_COLUMNS)
    assert by_sensor(path) == {"A1": [DISTANCE.reading]}


def test_a_killed_recorder_loses_at_most_a_line(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path;"
        "from drivers import Quality, Reading; from drivers._recording import *;"
        "w = Writer(Path(sys.argv[1]), READING_COLUMNS);"
        "[w.write(reading_cells('A1', Reading(1.0, 'mm', Quality.OK, 1, i))) for i in range(500)];"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    repo = Path(__file__).resolve().parents[2]
    run = subprocess.run([sys.executable, "-c", program, os.fspath(path)], cwd=repo)
    assert run.returncode == -signal.SIGKILL
    assert len(by_sensor(path)["A1"]) == 500


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_cut_last_line_is_left_out(path: Path, cut: int) -> None:
    written(path, DISTANCE, FIELD)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert list(readings(path)) == [DISTANCE]


def test_zeros_that_a_power_cut_left_are_left_out(path: Path) -> None:
    written(path, DISTANCE)
    path.write_bytes(path.read_bytes() + bytes(300))
    assert list(readings(path)) == [DISTANCE]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,A1,mm,ok,2500,2500", "expected 7 columns, found 6"),
        ("", "expected 7 columns, found 0"),
        ("x,A1,mm,ok,2500,2500,", "column monotonic_s: 'x' is no number"),
        ("inf,A1,mm,ok,2500,2500,", "column monotonic_s: 'inf' is not finite"),
        ("1,,mm,ok,2500,2500,", "column sensor: '' must be 1 to 64 of A-Z a-z 0-9 _ . -"),
        ("1,A1,cm,ok,2500,2500,", "column unit: 'cm' must be one of mm, mG"),
        ("1,A1,mm,good,2500,2500,", "column quality: 'good' must be one of ok, no_echo"),
        ("1,A1,mm,ok,,2500,", r"column value: expected 1 number\(s\) for ok in mm, found ''"),
        ("1,A1,mG,ok,1 2,,", r"column value: expected 3 number\(s\) for ok in mG, found '1 2'"),
        ("1,A1,mm,no_echo,0,,", r"column value: expected 0 number\(s\) for no_echo in mm"),
        ("1,A1,mm,ok,nan,,", "column value: 'nan' is not finite"),
        ("1,A1,mm,ok,1,,warm", "column temperature_c: 'warm' is no number"),
        ('1,A1,mm,ok,1,"[,', "unexpected end of data"),
        ("1,\N{LATIN SMALL LETTER A WITH DIAERESIS},mm,ok,1,,", "'ascii' codec can't decode"),
    ],
)
def test_a_bad_line_is_named_with_its_column(path: Path, line: str, said: str) -> None:
    path.write_text(f"{HEADER}{line}\n2,A1,mm,ok,2500,2500,\n")
    with pytest.raises(ValueError, match=rf"day\.csv:2: .*{said}"):
        by_sensor(path)


def test_a_sensors_time_never_goes_back(path: Path) -> None:
    path.write_text(HEADER + "5,A1,mm,ok,1,,\n4,A2,mm,ok,1,,\n4.5,A1,mm,ok,1,,\n")
    with pytest.raises(ValueError, match=r"day\.csv:4: column monotonic_s: 4\.5 goes back from 5"):
        by_sensor(path)


def test_two_sensors_of_one_spot_come_in_order_of_time(path: Path) -> None:
    """Each bus has its own thread, so what comes a moment later may be written first."""
    path.write_text(HEADER + "5,A1,mm,ok,1,,\n4.9,A1,mG,ok,1 2 3,,\n6,A1,mm,ok,1,,\n")
    assert [(r.monotonic_s, r.unit) for r in by_sensor(path)["A1"]] == [
        (4.9, "mG"),
        (5.0, "mm"),
        (6.0, "mm"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2500\n", "day.csv:1: the first line must be monotonic_s,sensor,unit"),
        ("", "day.csv:1: the first line must be monotonic_s,sensor,unit"),
        (HEADER, "day.csv: holds no readings"),
    ],
)
def test_what_is_no_recording_is_told(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(ValueError, match=said):
        by_sensor(path)


def test_progress_is_told_in_bytes(path: Path) -> None:
    written(path, DISTANCE, FIELD)
    seen: list[int] = []
    by_sensor(path, seen.append)
    assert sum(seen) == path.stat().st_size - len(HEADER)


class TestTruth:
    def test_what_is_written_is_read_in_order(self, path: Path) -> None:
        events = [Happened(40.25, "A1", "arrival"), Happened(12.0, "L", "passage")]
        writer = Writer(path, TRUTH_COLUMNS)
        for event in events:
            writer.write(truth_cells(event))
        writer.close()
        assert truth(path) == events[::-1]

    def test_an_empty_road_has_no_events(self, path: Path) -> None:
        path.write_text("monotonic_s,sensor,event\n")
        assert truth(path) == []

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("1,A1,parked", "column event: 'parked' must be one of arrival, departure, passage"),
            ("1,A1", "expected 3 columns, found 2"),
            ("noon,A1,arrival", "column monotonic_s: 'noon' is no number"),
        ],
    )
    def test_a_bad_line_is_named(self, path: Path, line: str, said: str) -> None:
        path.write_text(f"monotonic_s,sensor,event\n0,A1,arrival\n{line}\n")
        with pytest.raises(ValueError, match=rf"day\.csv:3: {said}"):
            truth(path)
