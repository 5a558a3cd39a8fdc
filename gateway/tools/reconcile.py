"""Accepted = delivered + buffered + dead-lettered + dropped(reason), per agent and per sink.

What the books say is held against what is there: rows of the spool, letters, streams. Whatever
does not add up is told in words.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.books import (
    BEFORE,
    EXTRA,
    KNOWN,
    LETTERS_FULL,
    OPERATOR,
    OWN,
    REPLAYED,
    SALVAGED,
    SPOOLED,
    STORE,
    Books,
    SinkBook,
    of_agent,
    of_sink,
    sink_book,
)
from gateway.letters import SINK
from gateway.tools.reading import one_moment
from spool import Depth

AGENT_OF = """
CASE WHEN json_valid(CAST(payload AS TEXT))
THEN IFNULL(json_extract(CAST(payload AS TEXT), '$.agent_id'), '') ELSE '' END
"""


@dataclass(frozen=True, slots=True)
class AgentBook:
    """What became of one agent's records; `waiting` and `refused` are by sink, counted anew."""

    accepted: int
    spooled: int
    known: int
    dead_lettered: int
    dropped: dict[str, int]
    waiting: dict[str, int]
    refused: dict[str, int]

    @property
    def told(self) -> int:
        """The records that are accounted for."""
        return self.spooled + self.known + self.dead_lettered + sum(self.dropped.values())


@dataclass(slots=True)
class Reckoning:
    """The account of a store at one commit."""

    store_id: str
    agents: dict[str, AgentBook] = field(default_factory=dict)
    sinks: dict[str, SinkBook] = field(default_factory=dict)
    appended: int = 0
    """Records that the spool ever took, and in `appended_by` what they were."""
    appended_by: dict[str, int] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What does not add up, in words."""

    @property
    def balanced(self) -> bool:
        """Whether everything adds up."""
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {**asdict(self), "balanced": self.balanced}


def reckon(connection: sqlite3.Connection) -> Reckoning:
    """Reckon up the store, at one commit of it. Raises sqlite3.Error where it is damaged."""
    with one_moment(connection):
        return _reckon(connection)


def _reckon(db: sqlite3.Connection) -> Reckoning:
    (store_id,) = db.execute("SELECT value FROM gateway WHERE name='store_id'").fetchone()
    found = Reckoning(store_id)
    notes = Books(db).all()
    _reckon_agents(db, notes, found)
    _reckon_spool(db, notes, found)
    _reckon_sinks(db, notes, found)
    found.letters = dict(
        db.execute("SELECT reason, COUNT(*) FROM dead_letters GROUP BY reason").fetchall()
    )
    return found


def _reckon_agents(
    db: sqlite3.Connection, notes: Mapping[str, Counter[str]], found: Reckoning
) -> None:
    accepted = dict(db.execute("SELECT agent_id, SUM(accepted) FROM streams GROUP BY agent_id"))
    standing = dict(
        db.execute(
            "SELECT agent_id, COUNT(*) FROM dead_letters WHERE counted AND origin NOT LIKE ? "
            "GROUP BY agent_id",
            (f"{SINK}%",),
        )
    )
    waiting, refused = _waiting(db), _refused(db)
    booked = {owner.partition(":")[2] for owner in notes if owner.startswith(of_agent(""))}
    for agent_id in sorted(accepted.keys() | standing.keys() | booked):
        mine = notes[of_agent(agent_id)]
        book = AgentBook(
            accepted.get(agent_id, 0),
            mine[SPOOLED],
            mine[KNOWN],
            standing.get(agent_id, 0),
            {why: mine[why] for why in (OPERATOR, LETTERS_FULL) if mine[why]},
            waiting[agent_id],
            refused[agent_id],
        )
        found.agents[agent_id] = book
        _compare_agent(agent_id, book, found.faults)


def _compare_agent(agent_id: str, book: AgentBook, faults: list[str]) -> None:
    missing = book.accepted - book.told
    if missing > 0:
        faults.append(
            f"agent {agent_id}: {book.accepted} records were accepted and {book.told} are "
            f"accounted for: {missing} are neither in the spool's count nor a dead letter. Rows "
            "were removed by another program, or the file was taken back from a copy"
        )
    elif missing < 0:
        faults.append(
            f"agent {agent_id}: {book.accepted} records were accepted and {book.told} are "
            f"accounted for: {-missing} are counted twice, or its stream was set back by hand"
        )


def _reckon_spool(
    db: sqlite3.Connection, notes: Mapping[str, Counter[str]], found: Reckoning
) -> None:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name='spool'").fetchone()
    found.appended = row[0] if row else 0
    agents = [counts for owner, counts in notes.items() if owner.startswith(of_agent(""))]
    parts = {
        "records of agents": sum(counts[SPOOLED] for counts in agents),
        "snapshots and late letters": sum(counts[EXTRA] for counts in agents),
        REPLAYED: notes[STORE][REPLAYED],
        SALVAGED: notes[STORE][SALVAGED],
        "the gateway's own": notes[STORE][OWN],
        "before the books": notes[STORE][BEFORE],
    }
    found.appended_by = {what: count for what, count in parts.items() if count}
    told = sum(parts.values())
    if told != found.appended:
        found.faults.append(
            f"the spool has given out {found.appended} places and {told} are accounted for: "
            f"{abs(found.appended - told)} records were "
            f"{'appended by another program' if told < found.appended else 'never appended'}"
        )


def _reckon_sinks(
    db: sqlite3.Connection, notes: Mapping[str, Counter[str]], found: Reckoning
) -> None:
    rows = db.execute(
        "SELECT name, seq, origin, delivered, dead_lettered, dropped, (SELECT COUNT(*) FROM spool "
        "WHERE spool.seq > spool_cursors.seq AND lost=0) FROM spool_cursors ORDER BY name"
    )
    for name, seq, origin, delivered, dead_lettered, dropped, waiting in rows.fetchall():
        depth = Depth(found.appended - origin, waiting, delivered, dead_lettered, dropped, 0, 0, 0)
        book = found.sinks[name] = sink_book(depth, notes[of_sink(name)])
        if seq > found.appended:
            found.faults.append(
                f"sink {name}: its cursor stands at {seq}, beyond the newest record "
                f"{found.appended}: it would pass over what comes next"
            )
        _compare_sink(name, book, found.faults)
        _compare_letters(db, name, book, found.faults)


def _compare_sink(name: str, book: SinkBook, faults: list[str]) -> None:
    told = book.delivered + book.waiting + book.dead_lettered + sum(book.dropped.values())
    missing = book.appended - told
    if missing > 0:
        faults.append(
            f"sink {name}: {book.appended} records were appended for it and {told} are accounted "
            f"for: {missing} left the spool without being delivered, refused or counted as dropped"
        )
    elif missing < 0:
        faults.append(
            f"sink {name}: {book.appended} records were appended for it and {told} are accounted "
            f"for: {-missing} are counted twice"
        )


def _compare_letters(db: sqlite3.Connection, name: str, book: SinkBook, faults: list[str]) -> None:
    (standing,) = db.execute(
        "SELECT COUNT(*) FROM dead_letters WHERE counted AND origin=?", (of_sink(name),)
    ).fetchone()
    if standing != book.dead_lettered:
        faults.append(
            f"sink {name}: it refused {book.dead_lettered} records that nobody dropped or "
            f"replayed, and {standing} of them are dead letters: letters were "
            f"{'removed' if standing < book.dead_lettered else 'added'} by another program"
        )


def _waiting(db: sqlite3.Connection) -> defaultdict[str, dict[str, int]]:
    """How many records of each agent wait for each sink."""
    rows = db.execute(
        f"SELECT {AGENT_OF} AS agent, name, COUNT(*) FROM spool JOIN spool_cursors "
        "ON spool.seq > spool_cursors.seq WHERE lost=0 GROUP BY agent, name"
    )
    return _by_agent(rows)


def _refused(db: sqlite3.Connection) -> defaultdict[str, dict[str, int]]:
    """How many dead letters of each sink tell of each agent's records."""
    rows = db.execute(
        f"SELECT {AGENT_OF} AS agent, substr(origin, ?), COUNT(*) FROM dead_letters "
        "WHERE origin LIKE ? GROUP BY agent, origin",
        (len(SINK) + 1, f"{SINK}%"),
    )
    return _by_agent(rows)


def _by_agent(rows: sqlite3.Cursor) -> defaultdict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for agent_id, sink, count in rows.fetchall():
        found[agent_id][sink] = count
    return found
