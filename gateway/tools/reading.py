"""The gateway's database for reading, beside the gateway that writes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.store import MIGRATIONS, read_only


class Unreadable(Exception):
    """There is no database to read; the text says what to do."""


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection to the store at `path`. Raises Unreadable.

    Each statement is a transaction of its own, so that the gateway's checkpoints are not held up.
    """
    if not _exists(path):
        raise Unreadable(f"no database at {path}: name its configuration with -c, on its gateway")
    try:
        connection = read_only(path)
        connection.isolation_level = None
    except sqlite3.OperationalError as error:
        raise Unreadable(f"{path}: {error}: run it as root or as the gateway's user") from None
    with closing(connection):
        yield connection


def check_schema(connection: sqlite3.Connection) -> None:
    """Raise Unreadable where the database is of another release than this one."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        raise Unreadable(f"{error}: run it as root or as the gateway's user") from None
    if version != len(MIGRATIONS):
        raise Unreadable(
            f"the database is of schema {version}, these tools read {len(MIGRATIONS)}: "
            "start the gateway of this release once, or use the tools of the release that wrote it"
        )


@contextmanager
def one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """What is read within is of one and the same commit. Keep it short."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError as error:
        raise Unreadable(f"{path}: {error.strerror}: run it as root") from None
