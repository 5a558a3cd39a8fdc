"""Who may write to a gateway's database: one process, by a lock that ends with it.

The lock is on a file beside the database, not on the database: closing a descriptor of that
would release the locks that SQLite holds on it in the same process.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed


class Owned(Exception):
    """Another process owns the database; the text says which file."""


def lock_of(database: Path) -> Path:
    """The file that is locked."""
    return database.with_name(f"{database.name}.lock")


@contextmanager
def own(database: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Own the database until the end.

    Raises Owned where another process still does after `patience_s`, and OSError where the lock
    cannot be made.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    # Read-only, so that root's tools may make it and the gateway's user may still lock it.
    descriptor = os.open(lock_of(database), os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        _lock(descriptor, database, patience_s)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, database: Path, patience_s: float) -> None:
    attempts = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        stop=stop_after_delay(patience_s),
        wait=wait_fixed(0.05),
        reraise=True,
    )
    try:
        attempts(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Owned(f"{database} belongs to a process that runs (it holds the lock)") from None


def is_owned(database: Path) -> bool:
    """Whether a process owns it now, that is, whether its gateway runs."""
    try:
        descriptor = os.open(lock_of(database), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def give_back(database: Path) -> None:
    """What root's tools made beside the database is the gateway's user's, who owns the folder."""
    if os.geteuid() != 0:
        return
    owner = database.parent.stat()
    for path in database.parent.glob(f"{database.name}*"):
        if path.is_file() and not path.is_symlink():
            os.chown(path, owner.st_uid, owner.st_gid)
