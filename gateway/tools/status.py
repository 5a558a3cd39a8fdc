"""What the gateway holds back for its sinks, read from its file."""

import sqlite3
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gateway.config import GatewaySettings
from gateway.ownership import is_owned
from gateway.tools.reading import check_schema, reading

TIME_OF = """
CASE WHEN json_valid(CAST(payload AS TEXT))
THEN IFNULL(json_extract(CAST(payload AS TEXT), '$.timestamp'), '') ELSE '' END
"""


@dataclass(frozen=True, slots=True)
class SinkWaiting:
    """What waits for one sink, and from when the oldest of it is."""

    records: int
    bytes: int
    oldest: str


@dataclass(slots=True)
class BufferStatus:
    """The spool of a gateway: how full, what waits for whom, what was set aside."""

    path: str
    running: bool
    rows: int = 0
    bytes: int = 0
    limit_bytes: int = 0
    file_bytes: int = 0
    quarantined: int = 0
    dead_letters: int = 0
    sinks: dict[str, SinkWaiting] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def buffer_status(settings: GatewaySettings) -> BufferStatus:
    """Read it. Raises Unreadable, sqlite3.Error."""
    path = settings.store.path
    with reading(path) as db:
        check_schema(db)
        found = BufferStatus(str(path), is_owned(path), limit_bytes=settings.store.limit_bytes)
        found.rows, found.bytes = db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM spool"
        ).fetchone()
        found.quarantined = _count(db, "spool_quarantine")
        found.dead_letters = _count(db, "dead_letters")
        cursors = db.execute("SELECT name, seq FROM spool_cursors ORDER BY name").fetchall()
        found.sinks = {name: _waiting(db, seq) for name, seq in cursors}
    parts = [path.with_name(path.name + suffix) for suffix in ("", "-wal")]
    found.file_bytes = sum(part.stat().st_size for part in parts if part.exists())
    found.set_aside = [str(each) for each in set_aside(path)]
    return found


def set_aside(path: Path) -> list[Path]:
    """Damaged databases that lie beside the one at `path`, the oldest first."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(each for each in found if not each.name.endswith(("-wal", "-shm")))


def _count(db: sqlite3.Connection, table: str) -> int:
    return int(db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


def _waiting(db: sqlite3.Connection, seq: int) -> SinkWaiting:
    records, size = db.execute(
        "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0) FROM spool WHERE seq > ? AND lost=0",
        (seq,),
    ).fetchone()
    oldest = db.execute(
        f"SELECT {TIME_OF} FROM spool WHERE seq > ? AND lost=0 ORDER BY seq LIMIT 1", (seq,)
    ).fetchone()
    return SinkWaiting(records, size, oldest[0] if oldest else "")
