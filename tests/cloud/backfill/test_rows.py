"""A CSV file's rows, whatever they hold."""

import csv
from pathlib import Path

import pytest

from cloud.backfill.rows import BadFile, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_odd_rows_keep_their_text_and_the_others_their_fields(path: Path) -> None:
    long = b'"' + b"x" * (csv.field_size_limit() + 1) + b'",1'
    odd = (b"A,1", long, b"B\x00,2", b"\xff,3", b'C,"4\r\n5"', b"", b"D,6,7", b"E,8")
    path.write_bytes(b"\xef\xbb\xbfName,Value\r\n" + b"\r\n".join(odd))
    table = read(str(path), ("Value", "Name"))
    assert table["line"].to_pylist() == [2, 3, 4, 5, 6, 9, 10]
    assert table["name"].to_pylist() == ["A", None, "B\x00", "\ufffd", "C", None, "E"]
    assert table["value"].to_pylist() == ["1", None, "2", "3", "4\r\n5", None, "8"]
    raw = table["raw"].to_pylist()
    assert (raw[1], raw[4], raw[5]) == (long.decode(), 'C,"4\r\n5"', "D,6,7")


@pytest.mark.parametrize("text", ["", "Name\nA\n"])
def test_a_file_without_the_columns(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BadFile, match="Value in its first line"):
        read(str(path), ("Name", "Value"))
