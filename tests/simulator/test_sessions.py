"""Recorded sessions: literal files, and what is made of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.sessions import BadSession, load_sessions

HEADER = '"BayId","DepartureTime","duration","lat"\n'
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A file of sessions from its rows."""

    def write(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "sessions.csv"
        path.write_text(header + "".join(f"{row}\n" for row in rows))
        return path

    return write


def test_a_departure_and_a_length_are_an_interval(write: Write) -> None:
    found = load_sessions(write("1024,2019-01-06 13:12:37,8,-37.8"))
    assert found.bays == {"1024": [(600.0, 1080.0)]}  # the clock starts 600 s before
    assert found.start.isoformat() == "2019-01-06T01:54:37+00:00"  # Melbourne's summer: UTC+11
    assert (found.rows, found.count, found.short, found.merged) == (1, 1, 0, 0)
    assert found.end_s == 1080.0


def test_a_stay_of_0_minutes_is_played_as_30_s(write: Write) -> None:
    found = load_sessions(write("1,2019-01-06 13:00:00,0,0"))
    assert found.bays == {"1": [(600.0, 630.0)]}
    assert found.short == 1


@pytest.mark.parametrize(("minutes", "end_s"), [("1.5", 690.0), ("0.5", 630.0), ("0.1", 630.0)])
def test_minutes_may_have_fractions(write: Write, minutes: str, end_s: float) -> None:
    """What is shorter than two dwells could not be told: it is played as a stay of 0 is."""
    found = load_sessions(write(f"1,2019-01-06 13:00:00,{minutes},0"))
    assert found.bays == {"1": [(600.0, end_s)]}
    assert found.short == (minutes == "0.1")


@pytest.mark.parametrize(
    ("second", "intervals"),
    [
        ("13:02:00,1", [(600.0, 720.0)]),  # touches
        ("13:02:00,2", [(600.0, 720.0)]),  # overlaps by a minute
        ("13:00:30,0", [(600.0, 660.0)]),  # inside the first
        ("13:02:19,1", [(600.0, 739.0)]),  # 19 s behind
        ("13:02:20,1", [(600.0, 660.0), (680.0, 740.0)]),  # 20 s behind
    ],
)
def test_sessions_that_touch_are_one(
    write: Write, second: str, intervals: list[tuple[float, float]]
) -> None:
    found = load_sessions(write(f"1,2019-01-06 {second},0", "1,2019-01-06 13:01:00,1,0"))
    assert found.bays == {"1": intervals}
    assert (found.rows, found.merged) == (2, 2 - len(intervals))


def test_a_later_short_one_inside_a_long_one_does_not_end_it(write: Write) -> None:
    found = load_sessions(write("1,2019-01-06 13:30:00,30,0", "1,2019-01-06 13:05:00,2,0"))
    assert found.bays == {"1": [(600.0, 2400.0)]}


def test_other_bays_are_no_neighbours(write: Write) -> None:
    found = load_sessions(write("1,2019-01-06 13:01:00,1,0", "2,2019-01-06 13:02:00,1,0"))
    assert found.count == 2
    assert found.merged == 0


def test_bays_takes_the_first_by_name(write: Write) -> None:
    rows = [f"{bay},2019-01-06 13:00:00,5,0" for bay in ("c", "a", "b")]
    assert list(load_sessions(write(*rows), bays=2).bays) == ["a", "b"]


def test_hours_cuts_what_cannot_be_told_by_then(write: Write) -> None:
    """The clock starts at 12:50, so an hour ends at 13:50."""
    found = load_sessions(
        write(
            "a,2019-01-06 13:10:00,10,0",
            "b,2019-01-06 13:48:58,5,0",  # departs in time to be told
            "c,2019-01-06 13:49:30,5,0",  # departs too near the end: after it, then
            "d,2019-01-06 15:30:00,120,0",  # departs long after
            "e,2019-01-06 15:00:00,70.6,0",  # arrives too near the end: left out
        ),
        hours=1,
    )
    assert found.bays == {
        "a": [(600.0, 1200.0)],
        "b": [(3238.0, 3538.0)],
        "c": [(3270.0, 7200.0)],
        "d": [(2400.0, 9600.0)],
    }
    assert found.rows == 4


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,yesterday,5,0", "DepartureTime = 'yesterday': not YYYY-MM-DD HH:MM:SS"),
        ("1,2019-01-06,5,0", "DepartureTime = '2019-01-06': not YYYY-MM-DD HH:MM:SS"),
        ("1,2019-01-06 13:00:00+00:00,5,0", "DepartureTime = '2019-01-06 13:00:00+00:00'"),
        ("1,2019-02-30 13:00:00,5,0", "DepartureTime = '2019-02-30 13:00:00'"),
        ("1,2019-01-06 13:00:00,-1,0", "duration = '-1': minutes, 0 or more"),
        ("1,2019-01-06 13:00:00,,0", "duration = '': minutes, 0 or more"),
        ("1,2019-01-06 13:00:00,nan,0", "duration = 'nan': minutes, 0 or more"),
        ("1,2019-01-06 13:00:00,inf,0", "duration = 'inf': minutes, 0 or more"),
        ("1,2019-01-06 13:00:00", "duration = None: minutes, 0 or more"),
        ("1", "DepartureTime = None: not YYYY-MM-DD HH:MM:SS"),
        (",2019-01-06 13:00:00,5,0", "BayId = '': 1 to 64 letters, digits, _ . or -"),
        ("St 1/2,2019-01-06 13:00:00,5,0", "BayId = 'St 1/2': 1 to 64 letters, digits, _ . or -"),
    ],
)
def test_a_bad_row_is_named_with_file_line_field_and_value(
    write: Write, row: str, said: str
) -> None:
    path = write("1,2019-01-06 13:00:00,5,0", row)
    with pytest.raises(BadSession) as error:
        load_sessions(path)
    assert str(error.value).startswith(f"{path}:3: {said}")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("BayId,DepartureTime\n", "no column duration in its first line"),
        ("a;b;c\n", "no column BayId, DepartureTime, duration in its first line"),
        ("", "no column BayId, DepartureTime, duration in its first line"),
        (HEADER, "holds no session"),
    ],
)
def test_a_file_of_another_shape_is_refused(write: Write, header: str, said: str) -> None:
    path = write(header=header)
    with pytest.raises(BadSession) as error:
        load_sessions(path)
    assert str(error.value) == f"{path}: {said}"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "exported.csv"
    path.write_text("BayId,DepartureTime,duration\n1,2019-01-06 13:00:00,5\n", encoding="utf-8-sig")
    assert list(load_sessions(path).bays) == ["1"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00B", b"BayId,DepartureTime,duration\n\xe9"])
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sessions.xls"
    path.write_bytes(content)
    with pytest.raises(BadSession, match=r"sessions\.xls: not a CSV file in UTF-8"):
        load_sessions(path)


def test_a_missing_file_is_an_os_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_sessions(tmp_path / "nowhere.csv")


def test_the_recorded_week(shared_data: Path) -> None:
    found = load_sessions(shared_data / "melbourne-sessions" / "sessions.csv")
    assert len(found.bays) == 1036
    assert found.rows == 31122
    assert found.count == found.rows - found.merged
    for intervals in found.bays.values():
        flat = [at_s for interval in intervals for at_s in interval]
        assert flat == sorted(flat)
