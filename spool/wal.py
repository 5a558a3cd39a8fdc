"""Whether a write-ahead log lost commits that had been synced.

SQLite ends its recovery at the first frame whose checksum fails, without a word: a torn end is
what a power cut leaves. But each commit is synced before the next one is written
(synchronous=FULL), so behind the last that a power cut can tear no other commit stands. Where two
stand behind the end of the recovery, at least one of them had been told as committed.

File format: sqlite.org/fileformat2.html#walformat.
"""

import struct
from pathlib import Path

_HEADER, _FRAME = 32, 24

Frame = tuple[tuple[int, int], bool]
"""(salts of its generation of the log, whether it ends a commit)."""


def frames(database: Path) -> list[Frame]:
    """Those in the log beside `database`, sound or not; the first is the header's, no frame."""
    log = database.with_name(database.name + "-wal")
    if not log.exists() or not database.exists():
        return []
    with database.open("rb") as file:
        page = int.from_bytes(file.read(18)[16:18], "big")
    size = _FRAME + (65536 if page == 1 else page)
    found: list[Frame] = []
    with log.open("rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER or size <= _FRAME:
            return []
        found.append((struct.unpack(">II", header[16:24]), False))
        while len(head := file.read(_FRAME)) == _FRAME:
            _, commits, *salts = struct.unpack(">IIII", head[:16])
            found.append(((salts[0], salts[1]), commits != 0))
            file.seek(size - _FRAME, 1)
    return found


def lost_commits(found: list[Frame], recovered: int) -> int:
    """How many synced commits, at least, stand behind the `recovered` frames; see above.

    Only frames with the header's salts count: a header is synced before its first frame is written,
    and older frames, which a checkpoint has brought home, still stand behind it.
    """
    behind = sum(commits and salts == found[0][0] for salts, commits in found[1 + recovered :])
    return max(behind - 1, 0)
