"""Whatever a damaged file still holds is taken over, and the rest is counted."""

import os
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from spool import Entry, Row, Spool, Transaction, open_database
from spool.database import PAGE_BYTES
from spool.log import SCHEMA
from spool.salvage import salvage, salvaged
from spool.testing import gap_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.db"


@pytest.fixture
def rows(path: Path) -> list[Row]:
    """400 rows on some 50 pages, the first 100 forgotten."""
    connection, _ = open_database(path, [SCHEMA])
    with closing(connection):
        spool = Spool(connection, 10**9, gap_text)
        spool.register("up")
        with Transaction(connection, threading.RLock()):
            spool.append([Entry(f"A{n % 7}", b"%03d" % n * 100) for n in range(500)])
            spool.advance("up", 100, delivered=100)
            spool.forget()
        return spool.read(0, 1000)


def leaf_of(path: Path, row: Row) -> int:
    return path.read_bytes().index(row.payload) // PAGE_BYTES


def wipe(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek(page * PAGE_BYTES)
        file.write(bytes(PAGE_BYTES))


def test_a_sound_file_gives_all(path: Path, rows: list[Row]) -> None:
    assert salvage(path) == rows


@pytest.mark.parametrize("at", [0, 200, -1], ids=["first leaf", "middle leaf", "last leaf"])
def test_one_lost_page_costs_its_own_rows(
    path: Path, rows: list[Row], at: int, caplog: pytest.LogCaptureFixture
) -> None:
    page = leaf_of(path, rows[at])
    there = [row for row in rows if leaf_of(path, row) == page]
    wipe(path, page)
    assert salvage(path) == [row for row in rows if row not in there]
    assert 2 <= len(there) <= 3
    lost = int(caplog.text.split(" sequence numbers unreadable")[0].split()[-1])
    assert lost >= len(there)


def test_what_open_database_set_aside_is_salvaged(path: Path, rows: list[Row]) -> None:
    wipe(path, leaf_of(path, rows[200]))
    connection, damaged = open_database(path, [SCHEMA])
    connection.close()
    assert damaged is not None
    before = damaged.read_bytes()
    assert len(rows) - 14 <= len(salvage(damaged)) < len(rows)
    assert damaged.read_bytes() == before


def test_a_row_that_fails_its_crc_is_left_out_and_counted(
    path: Path, rows: list[Row], caplog: pytest.LogCaptureFixture
) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE spool SET payload=x'00' WHERE seq IN (200, 300)")
    assert salvage(path) == [row for row in rows if row.seq not in (200, 300)]
    assert "398 rows salvaged, 2 damaged, 0 sequence numbers unreadable" in caplog.text


def test_rows_in_the_write_ahead_log_are_salvaged(path: Path, rows: list[Row]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        Spool(connection, 10**9, gap_text).append([Entry("late", b"late")])
        assert path.with_name("spool.db-wal").stat().st_size > 0
        assert [row.key for row in salvage(path)][-1] == "late"


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(10 * PAGE_BYTES))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE other (x)")


def an_empty_spool(path: Path) -> None:
    open_database(path, [SCHEMA])[0].close()


@pytest.mark.parametrize("make", [garbage, empty, another_database, an_empty_spool, Path.mkdir])
def test_where_nothing_is_nothing_comes(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    assert salvage(path) == []


def test_it_gives_up_in_the_end(
    path: Path, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = leaf_of(path, rows[0])
    wipe(path, first)
    monkeypatch.setattr("spool.salvage.MAX_FAILURES", 9)
    saved = salvage(path)
    assert 0 < len(saved) < len(rows)
    assert saved == rows[-len(saved) :]


def test_it_holds_a_few_rows_at_a_time(path: Path) -> None:
    """Red as long as all were read before the first was taken over."""
    connection, _ = open_database(path, [SCHEMA])
    with closing(connection):
        spool = Spool(connection, 10**9, gap_text)
        with Transaction(connection, threading.RLock()):
            spool.append([Entry("A1", b"x" * 1000)] * 4000)
    tracemalloc.start()
    try:
        assert sum(len(row.payload) for row in salvaged(path)) == 4_000_000
        assert tracemalloc.get_traced_memory()[1] < 400_000
    finally:
        tracemalloc.stop()
