"""Dead letters as an operator reads them: from the file, with secrets masked."""

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any

from gateway.letters import SINK
from gateway.tools.masks import masked, masked_text

COLUMNS = "id, received_at, origin, agent_id, reason, detail"


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: when, from where, why. `sink` is the one that refused it, if one did."""

    id: int
    received_at: str
    origin: str
    agent_id: str
    sink: str
    reason: str
    detail: str
    payload: str = ""
    """As text, masked; "" in a list."""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def letters(
    connection: sqlite3.Connection, *, limit: int, reason: str = "", sink: str = ""
) -> list[Letter]:
    """The newest `limit` letters, newest first; of one reason or sink where given."""
    rows = connection.execute(
        f"SELECT {COLUMNS} FROM dead_letters WHERE ?1 IN ('', reason) "
        "AND (?2 = '' OR origin = ?2) ORDER BY id DESC LIMIT ?3",
        (reason, f"{SINK}{sink}" if sink else "", limit),
    )
    return [_letter(row) for row in rows.fetchall()]


def letter(connection: sqlite3.Connection, number: int) -> Letter | None:
    """One letter with its payload; None where there is none of that number."""
    row = connection.execute(
        f"SELECT {COLUMNS}, payload FROM dead_letters WHERE id=?", (number,)
    ).fetchone()
    return _letter(row[:6], row[6]) if row else None


def _letter(row: tuple[Any, ...], payload: bytes | None = None) -> Letter:
    number, received_at, origin, agent_id, reason, detail = row
    sink = origin.removeprefix(SINK) if origin.startswith(SINK) else ""
    text = "" if payload is None else masked(payload)
    return Letter(number, received_at, origin, agent_id, sink, reason, masked_text(detail), text)


def verdict_known(connection: sqlite3.Connection, sink: str, spool_seq: int) -> bool:
    """Whether the sink's cursor has passed the row of a letter that was offered again."""
    row = connection.execute("SELECT seq FROM spool_cursors WHERE name=?", (sink,)).fetchone()
    return row is not None and row[0] >= spool_seq


def refused_again(
    connection: sqlite3.Connection, sink: str, after_id: int, event_id: str
) -> Letter | None:
    """The letter behind number `after_id` that tells of the same record, if there is one."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM dead_letters WHERE id > ? AND origin=? "
        "AND instr(CAST(payload AS TEXT), ?) ORDER BY id LIMIT 1",
        (after_id, f"{SINK}{sink}", event_id),
    ).fetchone()
    return _letter(row) if row else None
