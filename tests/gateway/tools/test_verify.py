"""Verify finds what is wrong, whatever it is, and nothing where nothing is."""

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from gateway.store import MIGRATIONS
from gateway.testing import changed
from gateway.tools.verify import verify
from spool.database import open_database

DAMAGES = [
    (
        "UPDATE spool SET payload=CAST(replace(payload, 'A1', 'A2') AS BLOB) WHERE seq=1",
        "row 1 fai",
    ),
    ("UPDATE spool SET key='B1' WHERE seq=3", "row 3 fails its CRC"),
    ("UPDATE spool SET crc='x' WHERE seq=3", "row 3 fails its CRC"),
    ("UPDATE streams SET seq=4", "committed up to 4, and the spool holds its record 5"),
    ("DELETE FROM streams", "committed up to 0"),
    ("DELETE FROM spool WHERE seq=4", "account: sink disk: .* 1 left the spool"),
    ("UPDATE spool_cursors SET seq=77 WHERE name='cloud'", "account: sink cloud: its cursor"),
    ("DROP TABLE spool_cursors", "no such table: spool_cursors"),
]


def test_a_store_that_lived_is_good(house: Any) -> None:
    house.live()
    found = verify(house.path)
    assert found.faults == []
    assert (found.rows, found.streams, found.damaged_rows) == (4, 1, 0)


def test_and_beside_a_replay_and_a_gap(house: Any) -> None:
    house.live()
    with house.store.transaction():
        house.store.spool.quarantine(3)
    house.take(changed(6, "free"))
    found = verify(house.path)
    assert (found.faults, found.quarantined) == ([], 1)


@pytest.mark.parametrize(("statement", "words"), DAMAGES)
def test_damage_is_found_and_told(house: Any, statement: str, words: str) -> None:
    house.live()
    house.store.db.execute(statement)
    found = verify(house.path)
    assert any(re.search(words, fault) for fault in found.faults), found.faults
    assert not found.good


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE streams SET boot_id='another'",
        "UPDATE spots SET status='free' WHERE spot_id='A2'",
        "UPDATE dead_letters SET payload=CAST('{}' AS BLOB) WHERE id=1",
        "INSERT INTO closed_spots VALUES ('A1', '', '')",
    ],
)
def test_a_value_that_the_gateway_did_not_write_is_found(house: Any, statement: str) -> None:
    house.live()
    with closing(sqlite3.connect(house.path)) as stranger, stranger:
        stranger.execute(statement)
    assert [fault[:14] for fault in verify(house.path).faults] == ["seal: its seal"]


def test_a_record_behind_its_successor_is_found(house: Any) -> None:
    house.take(changed(1), changed(2, "free"))
    first, second = house.store.spool.read(0, 2)
    with house.store.transaction():
        house.store.db.execute("DELETE FROM spool")
        house.store.db.execute("UPDATE sqlite_sequence SET seq=0 WHERE name='spool'")
        house.store.spool.reload()
        from spool import Entry

        house.store.spool.append([Entry(row.key, row.payload) for row in (second, first)])
    assert any("record 1 of epoch e1 behind its record 2" in f for f in verify(house.path).faults)


def test_every_flip_of_a_byte_in_the_rows_is_found(house: Any) -> None:
    """Of 60 places over the page of the rows, each is caught by a CRC, the pages or the account."""
    house.live()
    house.store.close()
    data = bytearray(house.path.read_bytes())
    begin = data.index(b'{"event_id":"pi-1:e1:1"') - 40
    end = data.rindex(b'"store_id"', 0, begin + 4096)
    for place in range(begin, end, max((end - begin) // 60, 1)):
        damaged = data.copy()
        damaged[place] ^= 0x10
        path = house.folder / "flipped.db"
        path.write_bytes(damaged)
        if not verify(path).good:
            continue
        # What is in no row at all may change: then each row says what it said.
        assert rows_of(path) == rows_of(house.path), place
    house.open()


def rows_of(path: Any) -> list[Any]:
    connection, _ = open_database(path, MIGRATIONS)
    rows = connection.execute("SELECT * FROM spool").fetchall()
    connection.close()
    return rows


def test_it_works_beside_a_writer_and_tells_how_far_it_is(house: Any) -> None:
    house.live()
    told: list[tuple[str, int, int]] = []

    def progress(what: str, done: int, of: int) -> None:
        told.append((what, done, of))
        house.take(changed(6, "free"))  # a writer between its steps

    assert verify(house.path, progress).faults == []
    assert ("pages", 1, 1) in told
    assert told[-1][0] == "rows"
