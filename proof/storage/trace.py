"""What a process did to its files, from strace: the writes, the syncs, and what it told.

The process is the real one, with the Python and the SQLite that the service runs on. A VFS of
another SQLite (apsw brings its own) would prove that one instead.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

REPO = Path(__file__).parents[2]

CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename,fallocate,writev,pwritev"
Kind = Literal["create", "write", "truncate", "sync", "unlink", "rename", "told"]

_CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += +(-?\d+)")
_HEX = re.compile(r'[<"]((?:\\x[0-9a-f]{2})*)[>"]')
_NUMBER = re.compile(r"(?:^|, )(\d+)(?=,|$)")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that reached the operating system. `told` is a line on the standard output."""

    kind: Kind
    path: str = ""
    data: bytes = b""
    offset: int = 0
    to: str = ""


def strace() -> str | None:
    """Where strace is."""
    return shutil.which("strace")


def command(log: Path, arguments: Sequence[str], inject: str | None = None) -> list[str]:
    """`python -m arguments...` under strace, with a fault injected if one is named."""
    program = strace()
    assert program is not None, "strace is not installed: apt-get install strace"
    faults = ["-e", f"inject={inject}"] if inject else []
    return [
        *(program, "-f", "-y", "-xx", "-s", "1000000", "-e", "signal=none"),
        *("-e", f"trace={CALLS}", *faults, "-o", str(log)),
        *(sys.executable, "-B", "-m", *arguments),
    ]


def run(
    log: Path, arguments: Sequence[str], inject: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end, whatever the end is."""
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(
        command(log, arguments, inject),
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def events(log: Path, folder: Path) -> list[Event]:
    """What was done in `folder`, and what was told, in order.

    Raises ValueError where the log holds a call that this does not understand.
    """
    known: set[str] = set()
    found = []
    for line in log.read_text().splitlines():
        event = _event(line, str(folder), known)
        if event is not None:
            found.append(event)
    return found


def _event(line: str, folder: str, known: set[str]) -> Event | None:
    if "unfinished" in line:
        raise ValueError(f"two threads wrote at once: {line[:200]}")
    match = _CALL.match(line)
    if not match or int(match[3]) < 0:
        return None
    call, arguments = match[1], match[2]
    strings = [bytes.fromhex(each.replace("\\x", "")) for each in _HEX.findall(arguments)]
    if call == "write" and arguments.startswith("1<"):
        return Event("told", data=strings[1])
    path = (strings[1] if call == "openat" else strings[0]).decode()
    if not path.startswith(folder) or path.endswith("-shm"):
        return None  # the shared memory is made anew behind a power cut
    return _on_file(call, path, arguments, strings, known)


def _on_file(
    call: str, path: str, arguments: str, strings: Sequence[bytes], known: set[str]
) -> Event | None:
    numbers = [int(each) for each in _NUMBER.findall(arguments)]
    match call:
        case "openat":
            if "O_CREAT" not in arguments or path in known:
                return None
            known.add(path)
            return Event("create", path)
        case "pwrite64":
            return Event("write", path, strings[1], offset=numbers[-1])
        case "ftruncate":
            return Event("truncate", path, offset=numbers[-1])
        case "fallocate":
            return None
        case "fsync" | "fdatasync":
            return Event("sync", path)
        case "unlink":
            known.discard(path)
            return Event("unlink", path)
        case "rename":
            known.discard(path)
            known.add(strings[1].decode())
            return Event("rename", path, to=strings[1].decode())
        case _:
            raise ValueError(f"{call} on {path}: the model of the disk does not know it")
