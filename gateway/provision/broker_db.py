"""The broker's own store: whether mosquitto can start with it, and out of the way if not.

A power cut may leave a mosquitto.db at which mosquitto ends, or crashes, at each start
(mosquitto#2639). Nothing of ours is in it alone: agents send again what the gateway has not
acknowledged, and all retained state is published anew. So a broker without it is better than none.

Only mosquitto knows what it can read. It is asked: started for a moment on a link to the file,
without a network. A change of its format changes nothing here, and a wrong configuration, which
ends a start too, costs no store.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from enum import StrEnum
from pathlib import Path

DATABASE = Path("/var/lib/mosquitto/mosquitto.db")
PATIENCE_S = 30.0
ASIDE = ".unreadable"

CONF = """\
listener 0 {folder}/socket
allow_anonymous true
persistence true
persistence_location {folder}/
persistence_file {file}
log_dest stderr
"""


class State(StrEnum):
    """What became of the store."""

    ABSENT = "there is none"
    GOOD = "mosquitto can start with it"
    ASIDE = "mosquitto cannot start with it: it was moved aside"
    UNKNOWN = "mosquitto could not be asked"


def mend(database: Path) -> State:
    """Move a store aside that mosquitto cannot start with; an older one aside is overwritten."""
    if not database.exists():
        return State.ABSENT
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        return State.UNKNOWN
    readable = can_start(program, database)
    if readable is None:
        return State.UNKNOWN
    if readable:
        return State.GOOD
    os.replace(database, database.with_name(database.name + ASIDE))
    return State.ASIDE


def can_start(program: str, database: Path) -> bool | None:
    """Whether mosquitto comes up with this store.

    None where it says neither in time, or does not come up without it either: then something else
    is wrong. The store is not written to: mosquitto saves into a new file, and is killed before.
    """
    with_it = _tried(program, database, link=True)
    return with_it if with_it or _tried(program, database, link=False) else None


def _tried(program: str, database: Path, *, link: bool) -> bool | None:
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=".trial.") as name:
        folder = Path(name)
        if link:
            os.link(database, folder / database.name)
        (folder / "conf").write_text(CONF.format(folder=folder, file=database.name))
        if os.geteuid() == 0:  # it leaves root by itself, and must get in here still
            owner = database.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
        return _comes_up([program, "-c", str(folder / "conf")])


def _comes_up(command: list[str]) -> bool | None:
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        errors="replace",
    )
    assert process.stderr
    alarm = threading.Timer(PATIENCE_S, process.kill)
    alarm.start()
    try:
        with process.stderr as lines:
            if any(line.rstrip().endswith(" running") for line in lines):
                return True
        return None if process.wait() == -signal.SIGKILL else False
    finally:
        alarm.cancel()
        process.kill()
        process.wait()
