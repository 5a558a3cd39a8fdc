"""What a spool holds: its tables, an entry going in, a row coming out, a cursor's account."""

import zlib
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE spool (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    durable INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    first INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    payload BLOB NOT NULL
);
CREATE TABLE spool_cursors (
    name TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    dead_lettered INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE spool_quarantine (seq INTEGER, key TEXT, crc INTEGER, payload BLOB);
"""
"""`lost` and `first` are a gap row's: how many records it stands for, and the first seq of them.
Both are 0 of a record."""

COLUMNS = ", ".join(
    ["seq", "CAST(key AS BLOB)"]
    + [f"IIF(TYPEOF({n})='integer', {n}, NULL)" for n in ("durable", "lost", "first", "crc")]
    + ["CAST(payload AS BLOB)"]
)
"""What `row_of` takes. A column of damaged type or encoding is selected all the same."""

Number = int | None
Columns = tuple[int, bytes | None, Number, Number, Number, Number, bytes | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is appended. `key` is what the record is the state of (a spot), "" for none."""

    key: str
    payload: bytes
    durable: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What is read. `lost` > 0 marks a gap row; not `intact` means that its CRC fails."""

    seq: int
    key: str
    payload: bytes
    durable: bool
    lost: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Depth:
    """A cursor's account, in records (gap rows are none), and the bytes of the whole spool."""

    appended: int
    waiting: int
    delivered: int
    dead_lettered: int
    dropped: int
    rows: int
    bytes: int
    limit_bytes: int

    @property
    def balanced(self) -> bool:
        """Whether everything that was accepted is accounted for."""
        return self.appended == (self.delivered + self.waiting + self.dead_lettered + self.dropped)


def row_of(columns: Columns) -> Row:
    """The row that `COLUMNS` selected: damaged or not, it is read, and `intact` says which."""
    seq, key, durable, lost, first, crc, payload = columns
    name = (key or b"").decode(errors="replace")
    body = payload or b""
    intact = crc == crc_of(seq, name, durable, lost, first, body)
    return Row(seq, name, body, bool(durable), lost or 0, intact)


def crc_of(seq: int, key: str, durable: Number, lost: Number, first: Number, payload: bytes) -> int:
    """CRC-32 over everything that a row says."""
    head = f"{seq}\0{key}\0{durable}\0{lost}\0{first}\0".encode()
    return zlib.crc32(payload, zlib.crc32(head))
