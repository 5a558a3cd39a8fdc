"""How often somebody has asked in this minute, counted for all processes in one small file."""

import time
from pathlib import Path

from console.database import opened

WINDOW_S = 60


class Rate:
    """A limit per minute for each subject."""

    def __init__(self, path: Path, per_minute: int) -> None:
        self._path = path
        self.per_minute = per_minute

    def wait_s(self, subject: str, now_s: float | None = None) -> int:
        """Count one request of `subject`; 0 where it may go on, else the seconds until it may."""
        at_s = time.time() if now_s is None else now_s
        minute = int(at_s // WINDOW_S)
        with opened(self._path, "OFF") as db:
            (count,) = db.execute(
                "INSERT INTO windows VALUES (?, ?, 1) ON CONFLICT (subject) DO UPDATE SET "
                "count = CASE WHEN minute = excluded.minute THEN count + 1 ELSE 1 END, "
                "minute = excluded.minute RETURNING count",
                (subject, minute),
            ).fetchone()
            if count == 1:  # seldom, so that what is past does not gather
                db.execute("DELETE FROM windows WHERE minute < ?", (minute,))
        return 0 if count <= self.per_minute else int((minute + 1) * WINDOW_S - at_s) + 1
