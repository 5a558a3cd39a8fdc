"""How far the gateway has acknowledged, for the tools of this machine: a file in memory.

The store keeps that with its next record only, a commit of its own would wear the card; so while
the agent runs, this knows better.
"""

from contextlib import suppress
from pathlib import Path

from runtime.systemd import runtime_directory

FOLDER = Path("/run/lotkeeper-agent")
"""The unit's RuntimeDirectory=, which goes when the agent does."""
FILE = "acknowledged"


def tell(epoch: str, seq: int) -> None:
    """Write it, whole for whoever reads, where systemd gave a folder that takes it."""
    folder = runtime_directory()
    if folder is not None:
        new = folder / f".{FILE}"
        with suppress(OSError):  # a full /run is no reason to sense no more
            new.write_text(f"{epoch} {seq}\n")
            new.replace(folder / FILE)


def told(epoch: str) -> int:
    """The last seq of that epoch that the running agent knows to be acknowledged; 0 without one."""
    folder = runtime_directory() or FOLDER
    try:
        of, seq = (folder / FILE).read_text().split()
        return int(seq) if of == epoch else 0
    except (OSError, ValueError):
        return 0
