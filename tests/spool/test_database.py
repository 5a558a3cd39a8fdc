"""The file survives what may happen to it: a power cut, damage, another release, an error."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from spool import Entry, Spool, Transaction, open_database
from spool.database import PAGE_BYTES
from spool.log import SCHEMA
from spool.testing import gap_text

REPO = Path(__file__).parents[2]
ONE, TWO = "CREATE TABLE one (x)", "ALTER TABLE one ADD COLUMN y; -- the second column"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spool.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    connection, _ = open_database(path, [SCHEMA])
    with closing(connection):
        yield connection


def make(path: Path, rows: int = 200) -> list[int]:
    """A closed database of `rows` rows on many pages; their seqs."""
    connection, _ = open_database(path, [SCHEMA])
    with closing(connection):
        spool = Spool(connection, 10**9, gap_text)
        spool.register("up")
        with Transaction(connection, threading.RLock()):
            return list(spool.append([Entry(f"A{n}", b"%03d" % n * 100) for n in range(rows)]))


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_wal_and_full_are_set(connection: sqlite3.Connection) -> None:
    assert pragma(connection, "journal_mode") == "wal"
    assert pragma(connection, "synchronous") == 2
    page, pages = pragma(connection, "page_size"), pragma(connection, "wal_autocheckpoint")
    assert page == PAGE_BYTES
    assert page * pages == 4_096_000


def test_a_file_of_larger_pages_is_taken_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA page_size=4096")
        connection.executescript(f"PRAGMA journal_mode=WAL; {SCHEMA}; PRAGMA user_version=1")
    seqs = make(path, 3)
    connection, damaged = open_database(path, [SCHEMA])
    with closing(connection):
        assert damaged is None
        assert pragma(connection, "page_size") == 4096
        assert [row.seq for row in Spool(connection, 10**9, gap_text).read(0, 9)] == seqs


def test_every_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        connection, _ = open_database(path, [SCHEMA])
    finally:
        os.umask(before)
    with closing(connection):
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
    assert modes == {"spool.db": 0o600, "spool.db-wal": 0o600, "spool.db-shm": 0o600}


def test_migrations_run_once_and_in_order(path: Path) -> None:
    for _ in range(2):
        connection, _ = open_database(path, [ONE])
        connection.close()
    for _ in range(2):
        connection, _ = open_database(path, [ONE, TWO])
        with closing(connection):
            assert [c[1] for c in connection.execute("PRAGMA table_info(one)")] == ["x", "y"]
            assert pragma(connection, "user_version") == 2


def test_a_migration_that_fails_leaves_the_last_good_schema(path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        open_database(path, [ONE, "CREATE TABLE two (x); nonsense"])
    with closing(sqlite3.connect(path)) as connection:
        assert pragma(connection, "user_version") == 1
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        assert tables.fetchall() == [("one",)]


def test_a_newer_schema_is_refused_with_the_mend(path: Path) -> None:
    connection, _ = open_database(path, [ONE, TWO])
    connection.execute("INSERT INTO one VALUES (1, 2)")
    connection.close()
    with pytest.raises(RuntimeError, match=r"schema 2, this release knows 1: install the release"):
        open_database(path, [ONE])
    connection, damaged = open_database(path, [ONE, TWO])
    with closing(connection):
        assert damaged is None
        assert connection.execute("SELECT * FROM one").fetchall() == [(1, 2)]


def overwrite_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(6 * PAGE_BYTES)
        file.write(os.urandom(PAGE_BYTES))


def cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def write_garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)


def flip_in_the_schema(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE spool ", b"CREATE T\xc1BLE spool "))


def flip_in_the_write_version(path: Path) -> None:
    """SQLite takes the file for one of a later release, sound and not to be written."""
    data = bytearray(path.read_bytes())
    data[18] ^= 8
    path.write_bytes(data)


def flip_in_the_schema_format(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[47] ^= 2
    path.write_bytes(data)


def flip_in_the_counters_schema(path: Path) -> None:
    whole = b"CREATE TABLE sqlite_sequence(name,seq)"
    path.write_bytes(path.read_bytes().replace(whole, whole.replace(b"name", b"fame")))


HARMS = [
    flip_in_the_schema,
    flip_in_the_counters_schema,
    flip_in_the_write_version,
    flip_in_the_schema_format,
    overwrite_a_page,
    cut_short,
    write_garbage,
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_file_is_set_aside_and_a_new_one_made(
    path: Path, harm: Callable[[Path], None]
) -> None:
    make(path)
    harm(path)
    harmed = path.read_bytes()
    connection, damaged = open_database(path, [SCHEMA])
    with closing(connection):
        assert damaged is not None
        assert damaged.parent == path.parent
        assert re.fullmatch(r"spool\.db\.damaged-\d{8}T\d{12}", damaged.name)
        assert damaged.read_bytes() == harmed
        assert Spool(connection, 1000, gap_text).append([Entry("A", b"1")]) == range(1, 2)
    assert open_database(path, [SCHEMA])[1] is None


def test_a_file_that_is_only_locked_is_not_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spool.database.BUSY_S", 0.05)
    make(path, rows=1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_database(path, [SCHEMA])
    assert not list(path.parent.glob("*damaged*"))


@pytest.mark.skipif(os.geteuid() == 0, reason="inherent: root may open every file")
def test_a_file_that_may_not_be_opened_is_not_damaged(path: Path) -> None:
    make(path, rows=1)
    path.chmod(0)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        open_database(path, [SCHEMA])
    assert path.exists()


def test_a_folder_in_its_place_is_not_damage(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        open_database(path, [SCHEMA])
    assert path.is_dir()


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM spool").fetchone()[0])


def free(lock: threading.RLock) -> bool:
    """Whether another thread gets the lock."""
    got: list[bool] = []

    def attempt() -> None:
        if lock.acquire(blocking=False):
            lock.release()
            got.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(got)


def test_a_transaction_commits_and_releases(connection: sqlite3.Connection, path: Path) -> None:
    lock = threading.RLock()
    with Transaction(connection, lock):
        Spool(connection, 1000, gap_text).append([Entry("A", b"1")])
        assert not free(lock)
    assert free(lock)
    with closing(sqlite3.connect(path)) as other:
        assert count(other) == 1


def test_an_error_rolls_back_and_releases(connection: sqlite3.Connection) -> None:
    lock = threading.RLock()
    with suppress(ZeroDivisionError), Transaction(connection, lock):
        Spool(connection, 1000, gap_text).append([Entry("A", b"1")])
        raise ZeroDivisionError
    assert (count(connection), connection.in_transaction, free(lock)) == (0, False, True)


def test_an_error_that_rolled_back_already_is_told(connection: sqlite3.Connection) -> None:
    lock = threading.RLock()
    with pytest.raises(OSError, match="disk"), Transaction(connection, lock):
        rolled_back_by_sqlite(connection)
    assert free(lock)


def rolled_back_by_sqlite(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK")
    raise OSError("the disk is full")


def test_a_transaction_that_cannot_begin_releases(connection: sqlite3.Connection) -> None:
    lock = threading.RLock()
    connection.execute("BEGIN")
    with pytest.raises(sqlite3.OperationalError), Transaction(connection, lock):
        pytest.fail("a transaction inside a transaction began")
    assert free(lock)


def test_a_connection_that_fails_releases(connection: sqlite3.Connection) -> None:
    lock = threading.RLock()
    with pytest.raises(sqlite3.ProgrammingError), Transaction(connection, lock):
        connection.close()
    assert free(lock)


COMMITS = """
import sys, threading
from pathlib import Path
from spool import Entry, Spool, Transaction, open_database
from spool.database import PAGE_BYTES
from spool.log import SCHEMA
from spool.testing import gap_text

connection, _ = open_database(Path(sys.argv[1]), [SCHEMA])
spool = Spool(connection, 10**9, gap_text)
while True:
    with Transaction(connection, threading.RLock()):
        seqs = spool.append([Entry("A", b"x" * 100)] * 3)
    print(seqs[-1], flush=True)
"""


def test_what_was_committed_survives_kill_9(path: Path) -> None:
    seen = 0
    for kill in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", COMMITS, str(path)], stdout=subprocess.PIPE, cwd=REPO, text=True
        )
        assert child.stdout is not None
        for _ in range(1 + 7 * kill):
            seen = int(child.stdout.readline())
        child.kill()
        seen = max([seen, *map(int, re.findall(r"(\d+)\n", child.stdout.read()))])
        child.wait()
        child.stdout.close()
        with closing(open_database(path, [SCHEMA])[0]) as connection:
            rows = Spool(connection, 10**9, gap_text).read(0, 10**6)
            assert all(row.intact for row in rows)
            assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
            assert len(rows) >= seen
            assert len(rows) % 3 == 0, "half of a transaction"
    assert seen > 20
