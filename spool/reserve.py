"""Space that is let go when the disk is full, so that what drains the spool can be written.

To forget a delivered record costs a write too: on a full disk nothing would ever get better.

    ROOMY -- less than LOW_BYTES free --> CRAMPED   the reserve is let go, the spool grows no more:
          <-- room for it all again ---             old toggles make place, a gap counts them
"""

import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spool.log import Spool

log = logging.getLogger(__name__)

RESERVE_BYTES = 1 << 20
LOW_BYTES = 1 << 20
"""What one transaction and the log's growth to the next look may take."""
GROWTH_BYTES = 64 << 10
"""What payloads may still take on a full disk, so that each spot's last word finds place."""
CRAMPED_WAL_PAGES = 256
"""Checkpoint at 256 KiB then: at the usual 4 MB the log itself would eat the reserve."""


def let_go_if_full(path: Path) -> None:
    """Before the database at `path` is opened, which takes some room too."""
    if _free(path.parent) < LOW_BYTES:
        _file_of(path).unlink(missing_ok=True)


class Reserve:
    """The reserve of the database at `path`, a file beside it. Its owner looks at each commit."""

    def __init__(self, db: sqlite3.Connection, path: Path, spool: "Spool") -> None:
        self._db = db
        self._spool = spool
        self._folder = path.parent
        self._file = _file_of(path)
        self._roomy_wal_pages = db.execute("PRAGMA wal_autocheckpoint").fetchone()[0]
        self._roomy_limit = spool.limit_bytes
        self.cramped = False
        """Whether the disk is full."""
        if not self._take():
            self._let_go()

    def look(self) -> None:
        """Let the reserve go when the disk is full, and take it back when it no longer is."""
        free = _free(self._folder)
        if not self.cramped and free < LOW_BYTES:
            self._let_go()
        elif self.cramped and free > RESERVE_BYTES + 2 * LOW_BYTES and self._take():
            log.warning("%s: there is room on the disk again", self._folder)
            self.cramped = False
            self._spool.limit_bytes = self._roomy_limit
            self._db.execute(f"PRAGMA wal_autocheckpoint={self._roomy_wal_pages}")

    def _let_go(self) -> None:
        log.error("%s: the disk is full: the spool gives up old records instead", self._folder)
        self._file.unlink(missing_ok=True)
        self.cramped = True
        self._roomy_limit = self._spool.limit_bytes
        self._spool.limit_bytes = min(self._roomy_limit, self._spool.bytes + GROWTH_BYTES)
        self._db.execute(f"PRAGMA wal_autocheckpoint={CRAMPED_WAL_PAGES}")

    def _take(self) -> bool:
        """Allocate the reserve, unless that would fill the disk."""
        with suppress(FileNotFoundError):
            if self._file.stat().st_blocks * 512 >= RESERVE_BYTES:
                return True
        if _free(self._folder) < RESERVE_BYTES + LOW_BYTES:
            return False
        try:
            with self._file.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError as error:
            log.warning("%s: no reserve: %s", self._file, error.strerror)
            self._file.unlink(missing_ok=True)
            return False
        return True


def _file_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.reserve")


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
