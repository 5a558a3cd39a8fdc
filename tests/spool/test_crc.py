"""A flipped bit is never read as a record, wherever in the row it falls."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spool import Entry, Row, Spool, open_database
from spool.database import PAGE_BYTES
from spool.log import SCHEMA
from spool.testing import assert_balanced, gap_text

ENTRIES = [
    Entry("A1", b'{"status":"occupied"}'),
    Entry("A2", b'{"status":"free"}', durable=True),
    Entry("", b"3"),
]
GOOD = [Row(seq, e.key, e.payload, e.durable, 0, intact=True) for seq, e in enumerate(ENTRIES, 1)]
FLIPS = (0x01, 0x20, 0x80, 0xFF)


def fill(path: Path) -> None:
    connection, _ = open_database(path, [SCHEMA])
    with closing(connection):
        spool = Spool(connection, 10**6, gap_text)
        spool.register("up")
        spool.append(ENTRIES)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, Spool]]:
    fill(tmp_path / "spool.db")
    connection, _ = open_database(tmp_path / "spool.db", [SCHEMA])
    with closing(connection):
        yield connection, Spool(connection, 10**6, gap_text)


def flips(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        for mask in FLIPS:
            yield data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def bodies() -> list[tuple[str, object]]:
    entry = ENTRIES[0]
    payloads: list[tuple[str, object]] = [("payload", body) for body in flips(entry.payload)]
    return payloads + [("key", key) for key in flips(entry.key.encode())]


def test_a_flip_in_payload_or_key_shows(spool: tuple[sqlite3.Connection, Spool]) -> None:
    connection, log = spool
    for column, value in bodies():
        connection.execute("SAVEPOINT flip")
        cast = "CAST(? AS TEXT)" if column == "key" else "?"
        connection.execute(f"UPDATE spool SET {column}={cast} WHERE seq=1", (value,))
        assert [row.intact for row in log.read(0, 9)] == [False, True, True], (column, value)
        connection.execute("ROLLBACK TO flip")
    assert all(row.intact for row in log.read(0, 9))


@pytest.mark.parametrize(
    "change",
    [
        *("seq=4", "seq=2147483649", "lost=1", "lost=-7", "durable=1", "first=1", "crc=crc+1"),
        *("payload='text'", "payload=CAST(payload AS TEXT)||x'ff'", "key=x'4131ff'"),
        "lost='many'",
    ],
)
def test_a_change_in_any_column_shows(spool: tuple[sqlite3.Connection, Spool], change: str) -> None:
    connection, log = spool
    connection.execute(f"UPDATE spool SET {change} WHERE seq=1")
    assert [row.seq for row in log.read(0, 9) if row.intact] == [2, 3]


@pytest.mark.parametrize("change", ["payload=x'00'", "key=x'ff'", "lost=9", "lost=-1", "first=3"])
def test_a_damaged_record_in_quarantine_is_one_loss(
    spool: tuple[sqlite3.Connection, Spool], change: str
) -> None:
    connection, log = spool
    connection.execute(f"UPDATE spool SET {change} WHERE seq=1")
    log.quarantine(1)
    log.reload()
    rows = log.read(0, 9)
    assert [(row.seq, row.lost, row.intact) for row in rows] == [
        (1, 1, True),
        (2, 0, True),
        (3, 0, True),
    ]
    assert log.depth("up").dropped == 1
    assert_balanced(log)


@pytest.mark.parametrize("change", ["lost=9", "lost=-1", "first=99", "first=-99", "lost=1<<62"])
def test_a_damaged_gap_row_says_nothing_impossible(
    spool: tuple[sqlite3.Connection, Spool], change: str
) -> None:
    connection, log = spool
    log.quarantine(2)
    connection.execute(f"UPDATE spool SET {change} WHERE seq=2")
    log.quarantine(2)
    (gap,) = [row for row in log.read(0, 9) if row.lost]
    first, last = map(int, gap.payload.split()[0].split(b"-"))
    assert 1 <= first <= last == 2
    assert 1 <= gap.lost <= last - first + 1
    assert_balanced(log)


def test_every_flip_in_the_rows_page_is_caught(tmp_path: Path) -> None:
    """Each byte that is used: the row is right, or not intact, or the file is refused."""
    whole, flipped = tmp_path / "whole.db", tmp_path / "flipped.db"
    fill(whole)
    data = whole.read_bytes()
    page = page_of(whole, "spool")
    caught = Counter(
        verdict(flipped, data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
        for at in range(page, page + PAGE_BYTES)
        if data[at]
        for mask in FLIPS
    )
    assert caught["not intact"] > 200, caught
    assert caught["refused"] > 50, caught


def page_of(path: Path, table: str) -> int:
    """Where the page of a small table begins in the file."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name=?"
        return (int(connection.execute(query, (table,)).fetchone()[0]) - 1) * PAGE_BYTES


def verdict(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    connection, damaged = open_database(path, [SCHEMA])
    with closing(connection):
        if damaged:
            return "refused"
        rows = Spool(connection, 10**6, gap_text).read(0, 9)
    assert [row for row in rows if row.intact and row not in GOOD] == []
    return "none" if rows == GOOD else "not intact"
