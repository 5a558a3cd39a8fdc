"""The present's dead letters: what was refused, for people to look at, to offer again, to drop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from cloud.present import Delivered, Present

_COLUMNS = "SELECT letter_id, at, source, reason, payload FROM dead_letters "


@dataclass(frozen=True, slots=True)
class Letter:
    """One that is kept; `source` is its place in the stream."""

    number: int
    at: datetime
    source: str
    reason: str
    payload: bytes

    def as_dict(self, *, payload: bool = True) -> dict[str, Any]:
        """For programs."""
        told = {
            "id": self.number,
            "at": self.at.isoformat(),
            "source": self.source,
            "reason": self.reason,
        }
        text = self.payload.decode(errors="backslashreplace")
        return {**told, "payload": text} if payload else told


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a letter that was offered again; refused, it is the new `letter`."""

    number: int
    taken: bool = False
    letter: int | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.taken:
            return f"{self.number}: taken"
        again = f"refused again, as {self.letter}: " if self.letter else ""
        return f"{self.number}: {again}{self.reason}"


def letters(conn: psycopg.Connection, limit: int, source: str = "") -> list[Letter]:
    """The newest, of streams whose name begins with `source`. Raises psycopg.Error."""
    found = conn.execute(
        f"{_COLUMNS} WHERE starts_with(source, %s) ORDER BY letter_id DESC LIMIT %s".encode(),
        (source, limit),
    )
    return [Letter(*row) for row in found]


def letter(conn: psycopg.Connection, number: int) -> Letter | None:
    """That one. Raises psycopg.Error."""
    row = conn.execute(f"{_COLUMNS} WHERE letter_id = %s".encode(), (number,)).fetchone()
    return Letter(*row) if row else None


def drop(conn: psycopg.Connection, number: int) -> bool:
    """Forget it; False where there is none. Raises psycopg.Error."""
    done = conn.execute("DELETE FROM dead_letters WHERE letter_id = %s", (number,))
    return bool(done.rowcount)


def replay(
    conn: psycopg.Connection, present: Present, numbers: Sequence[int], now: datetime
) -> list[Replayed]:
    """Offer letters to `present` again, which writes by `conn`. Raises psycopg.Error."""
    return [_replay(conn, present, number, now) for number in numbers]


def _replay(conn: psycopg.Connection, present: Present, number: int, now: datetime) -> Replayed:
    """All or nothing: what is refused anew is a letter with its new reason."""
    with conn.transaction():
        found = letter(conn, number)
        if found is None or not drop(conn, number):
            return Replayed(number, reason="no such dead letter; lotkeeper cloud dead-letters list")
        if not present.write([Delivered(found.source, found.payload)], now).letters:
            return Replayed(number, taken=True)
        query = "SELECT letter_id, reason FROM dead_letters WHERE source = %s"
        row = conn.execute(query, (found.source,)).fetchone()
        assert row is not None  # written a moment ago
        return Replayed(number, letter=row[0], reason=row[1])
