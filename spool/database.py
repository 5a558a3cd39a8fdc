"""A SQLite file that survives a power cut: WAL, synchronous=FULL, checked when it is opened.

A file that fails SQLite's check, or whose seal is broken, is moved aside, never deleted: the
service starts with a new one, and what can be read of the old is offered to the owner. Where the
log beside it was damaged, SQLite goes back to an older whole: that is told.
"""

import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from spool import reserve, seal, wal

log = logging.getLogger(__name__)

DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""What SQLite answers of a file that is wrong in itself (sqlite.org/rescode.html)."""

BUSY_S = 10.0
"""How long another process may hold the file, a checkpoint on a slow card above all."""

PAGE_BYTES = 1024
"""A commit writes each page that it touched, whole, and most touch three to five: small pages
halve what an event costs a card (docs/reliability/wear.md). A file keeps those it was made with."""

WAL_PAGES = 4000
"""Checkpoint the write-ahead log at 4 MB: a growing one writes each event over and over."""


class Connection(sqlite3.Connection):
    """A connection that remembers the I/O error behind which it must not commit again.

    Linux reports a failed fsync once and takes the pages for written: the next one succeeds,
    and so would a commit that stands on what never reached the disk.
    """

    failed: sqlite3.Error | None = None


def open_database(
    path: Path, migrations: Sequence[str], mode: int = 0o600
) -> tuple[Connection, Path | None]:
    """Open or make the database at `path`; answers it and the damaged file it replaced, if any.

    A file that is made has `mode`, less the umask. Raises sqlite3.Error when the medium
    fails, another process holds the file or it may not be opened: that is no damage; OSError on
    a read-only file system.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _require_writable(path)
    reserve.let_go_if_full(path)
    damaged = _set_aside(path) if path.exists() and not _sound(path) else None
    path.touch(mode=mode)
    connection = _connect(path)
    try:
        migrate(connection, migrations)
        seal.keep(connection)
    except BaseException:
        connection.close()
        raise
    return connection, damaged


def _require_writable(path: Path) -> None:
    if os.statvfs(path.parent).f_flag & os.ST_RDONLY:  # SQLite only says "unable to open"
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=BUSY_S, factory=Connection
    )
    try:
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _sound(path: Path) -> bool:
    frames = wal.frames(path)
    try:
        with closing(_connect(path)) as connection:
            verdict = seal.fault(connection)
            recovered = connection.execute("PRAGMA wal_checkpoint").fetchone()[1]
            if lost := wal.lost_commits(frames, recovered):
                log.error("%s: its log was damaged: %d commits or more are gone", path, lost)
        verdict = verdict or _strange_format(path)
    except sqlite3.DatabaseError as error:
        code = error.sqlite_errorcode & 0xFF
        if code not in DAMAGE and not (code == sqlite3.SQLITE_ERROR and _strange_format(path)):
            raise
        verdict = str(error)
    except UnicodeDecodeError as error:
        verdict = f"SQLite quotes a schema that is no text: {error.object!r}"
    if verdict is not None:
        log.error("database %s is damaged: %s", path, verdict)
    return verdict is None


def _strange_format(path: Path) -> str | None:
    """What SQLite takes for a later format, and so not for damage: a write version above 2, whose
    file it only reads, or a schema format above 4, which it refuses (sqlite.org/fileformat2.html,
    sections 1.3.3 and 1.3.10)."""
    with path.open("rb") as file:
        header = file.read(48)
    write, schema = header[18:19], header[44:]
    if write > b"\2" or schema > b"\0\0\0\4":
        return f"its header has write version {write.hex()}, schema format {schema.hex()}"
    return None


def _set_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            os.replace(part, aside.with_name(aside.name + suffix))
    return aside


def migrate(connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Bring the schema to the newest of the numbered `migrations` (`PRAGMA user_version`).

    Each runs in a transaction of its own. Raises RuntimeError where the file is of a newer
    release than this one: it is left as it is.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise RuntimeError(
            f"the database is of schema {version}, this release knows {len(migrations)}: "
            "install the release that wrote it, or a newer one"
        )
    if version == len(migrations):
        return
    seal.take_off(connection)
    from sqlite_utils import Database  # 4 MB that a bay Pi need not carry once its file is made

    database = Database(connection)
    for number, script in enumerate(migrations[version:], start=version + 1):
        database.executescript(
            f"BEGIN IMMEDIATE; {script}\n; PRAGMA user_version={number}; COMMIT;"
        )


class Transaction:
    """`with Transaction(connection, lock):` one writer at a time, all or nothing.

    BEGIN IMMEDIATE, since a read that turns into a write fails at once under WAL.
    `rolled_back` is called after a failure, for what the owner holds in memory (`Spool.reload`).
    Behind an I/O error every later one raises sqlite3.OperationalError: open the file again.
    """

    def __init__(
        self,
        connection: Connection,
        lock: threading.RLock,
        rolled_back: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._rolled_back = rolled_back

    def __enter__(self) -> Self:
        self._lock.acquire()
        try:
            if self._connection.failed is not None:
                raise sqlite3.OperationalError(
                    f"the disk failed ({self._connection.failed}): restart to read what it holds"
                )
            self._run("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        committed = False
        try:
            self._note(error)
            if kind is None:
                self._run("COMMIT")
                committed = True
        finally:
            try:
                # A full disk or an I/O error has already rolled back.
                if self._connection.in_transaction:
                    self._run("ROLLBACK")
                if not committed:
                    self._rolled_back()
            finally:
                self._lock.release()

    def _run(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.Error as error:
            self._note(error)
            raise

    def _note(self, error: BaseException | None) -> None:
        code = getattr(error, "sqlite_errorcode", 0)  # errors of the module itself have none
        if isinstance(error, sqlite3.Error) and code & 0xFF == sqlite3.SQLITE_IOERR:
            log.error("the disk failed: %s; nothing is committed from here on", error)
            self._connection.failed = error
