"""The seal tells a value that was changed behind the writers' back, and a page that is older."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from spool import Entry, Spool, open_database
from spool.log import SCHEMA
from spool.testing import gap_text

STATE = "CREATE TABLE state (name TEXT PRIMARY KEY, value); CREATE TABLE other (x REAL);"
ALL = [SCHEMA, STATE]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "spool.db"
    connection, _ = open_database(path, ALL)
    with closing(connection):
        spool = Spool(connection, 10**6, gap_text)
        spool.register("up")
        spool.append([Entry("A", b"1"), Entry("B", b"2"), Entry("A", b"3")])
        spool.advance("up", 1, delivered=1)
        connection.execute("INSERT INTO state VALUES ('a', 1), ('b', NULL)")
        connection.execute("INSERT OR REPLACE INTO state VALUES ('a', x'00')")
        connection.execute("INSERT OR IGNORE INTO state VALUES ('a', 7)")
        connection.execute(
            "INSERT INTO state VALUES ('b', 2) ON CONFLICT (name) DO UPDATE SET value=3.5"
        )
        connection.execute("INSERT INTO other VALUES (1)")
        connection.execute("UPDATE other SET x = x + 1")
        connection.execute("DELETE FROM other")
    return path


def is_sound(path: Path) -> bool:
    connection, damaged = open_database(path, ALL)
    connection.close()
    return damaged is None


def test_every_kind_of_write_keeps_it(path: Path) -> None:
    assert is_sound(path)
    assert is_sound(path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE state SET value = 4 WHERE name = 'b'",
        "UPDATE state SET name = 'c' WHERE name = 'b'",
        "DELETE FROM state WHERE name = 'b'",
        "INSERT INTO other VALUES (0)",
        "UPDATE spool_cursors SET seq = 2",
        "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'spool'",
        "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'spool'",
        "UPDATE sqlite_sequence SET name = 'spoom' WHERE name = 'spool'",
        "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'seal'",
        "DELETE FROM spool WHERE seq = 1",
        "DELETE FROM spool WHERE seq = 3",
        "UPDATE spool SET seq = 9 WHERE seq = 3",
        "PRAGMA user_version = 9",
        "PRAGMA user_version = 1",
        "CREATE INDEX one_more ON other (x)",
    ],
)
def test_every_change_without_it_is_told(path: Path, change: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(change)
    assert not is_sound(path)


def test_a_text_that_is_none_is_told(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE state SET name = CAST(x'ff62' AS TEXT) WHERE name = 'b'")
    assert not is_sound(path)


def test_a_damaged_record_is_the_rows_own_affair(path: Path) -> None:
    """It is set aside by itself when it is read: the others need not go with it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE spool SET payload = 'x' WHERE seq = 2")
    connection, damaged = open_database(path, ALL)
    with closing(connection):
        rows = Spool(connection, 10**6, gap_text).read(0, 9)
    assert damaged is None
    assert [row.intact for row in rows] == [True, False, True]


def test_a_new_schema_is_sealed_anew(path: Path) -> None:
    connection, damaged = open_database(path, [*ALL, "ALTER TABLE other ADD COLUMN y"])
    with closing(connection):
        connection.execute("INSERT INTO other VALUES (1, 2)")
    assert damaged is None
    connection, damaged = open_database(path, [*ALL, "ALTER TABLE other ADD COLUMN y"])
    connection.close()
    assert damaged is None


def test_it_is_made_anew_where_it_was_taken_off(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE state SET value = 4 WHERE name = 'b'")
        connection.execute("DELETE FROM sqlite_sequence WHERE name='seal'")
    assert is_sound(path)
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='seal'").fetchone()
    assert kept[0] > 0
