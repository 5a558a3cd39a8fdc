"""Whether an agent runs, and so holds the sensors: it keeps its database locked all the while.

SQLite in WAL mode keeps a POSIX lock on the file's lock-byte page for as long as a connection is
open (https://www.sqlite.org/fileformat2.html#the_lock_byte_page); fcntl(2) F_GETLK tells whose.
Asking takes no lock and changes nothing.
"""

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

LOCK_BYTES = 0x40000000, 512
FLOCK = "hhqqi4x"
"""struct flock with 64-bit offsets: type, whence, start, length, pid."""
SERVICE = "lotkeeper-agent"


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the store open; `pid` is 0 where it is another container's."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"the agent runs (pid {self.pid}: {self.command}) and holds the sensors"


STOP_IT = f"stop it first, with `systemctl stop {SERVICE}` where it is the service"


def holder_of(store: Path, proc: Path = Path("/proc")) -> Holder | None:
    """Who has the store open, other than this process; None where nobody has.

    Not to be called while this process has the store open: closing the file here would drop the
    locks that SQLite holds on it. Raises PermissionError where the store may not be read.
    """
    try:
        with store.open("rb") as file:
            asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, *LOCK_BYTES, 0)
            kind, _, _, _, pid = struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except FileNotFoundError:
        return None
    return None if kind == fcntl.F_UNLCK else Holder(pid, command_of(pid, proc))


def command_of(pid: int, proc: Path = Path("/proc")) -> str:
    """A process's command line, or "?" where it has none or has ended."""
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return " ".join(word.decode(errors="replace") for word in words if word) or "?"
