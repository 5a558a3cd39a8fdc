"""The books: counts that outlive a restart, so that what was accepted can be reckoned up.

    agent:   accepted = spooled + known + letters that stand + dropped(operator, letters_full)
    spool:   ever appended = spooled + extra of all agents
                             + replayed, salvaged, own, before of the store
    sink:    appended = delivered + waiting + letters that stand + dropped(spool, operator, ...)

Each count is written in the transaction of what it counts.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from spool import Depth

SCHEMA = """
CREATE TABLE books (
    owner TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (owner, what)
) WITHOUT ROWID;
INSERT INTO books SELECT 'agent:' || agent_id, 'spooled', SUM(accepted) - (
    SELECT COUNT(*) FROM dead_letters AS letter
    WHERE letter.agent_id = streams.agent_id AND counted
) FROM streams GROUP BY agent_id;
INSERT INTO books SELECT 'store', 'before', (
    SELECT IFNULL(MAX(seq), 0) FROM sqlite_sequence WHERE name='spool'
) - IFNULL(SUM(count), 0) FROM books;
INSERT INTO books SELECT 'sink:' || name, 'before', dead_lettered - (
    SELECT COUNT(*) FROM dead_letters WHERE origin = 'sink:' || name
) FROM spool_cursors;
"""
"""Behind `dead_letters` with its `counted`. What a store counted before it kept books is `before`.
"""

SPOOLED, EXTRA, KNOWN = "spooled", "extra", "known"
"""Of an agent: records into the spool; snapshots, and letters that were in no account, into it;
records that a salvage had brought in already."""
REPLAYED, SALVAGED, BEFORE = "replayed", "salvaged", "before"
OWN = "own"
"""Of the store: what the gateway itself said, into the spool."""
ELSEWHERE = "elsewhere"
"""Of a sink: rows that it passed because they are for others."""
OPERATOR, LETTERS_FULL = "operator", "letters_full"
"""Why a dead letter was dropped."""

STORE = "store"


def of_agent(agent_id: str) -> str:
    """The owner of an agent's counts."""
    return f"agent:{agent_id}"


def of_sink(name: str) -> str:
    """The owner of a sink's counts, which is also the origin of its dead letters."""
    return f"sink:{name}"


class Books:
    """The counts in the owner's database; `note` runs in the owner's transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def note(self, owner: str, what: str, count: int = 1) -> None:
        """Add to a count."""
        if count:
            self._db.execute(
                "INSERT INTO books VALUES (?, ?, ?) "
                "ON CONFLICT (owner, what) DO UPDATE SET count=count+excluded.count",
                (owner, what, count),
            )

    def close(self, owner: str) -> None:
        """Begin an owner's counts anew."""
        self._db.execute("DELETE FROM books WHERE owner=?", (owner,))

    def all(self) -> defaultdict[str, Counter[str]]:
        """Each owner's counts."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for owner, what, count in self._db.execute("SELECT owner, what, count FROM books"):
            found[owner][what] = count
        return found

    def of(self, owner: str) -> Counter[str]:
        """One owner's counts."""
        rows = self._db.execute("SELECT what, count FROM books WHERE owner=?", (owner,))
        return Counter(dict(rows.fetchall()))


@dataclass(frozen=True, slots=True)
class SinkBook:
    """One sink's account, in records. What it dropped is told by reason."""

    appended: int
    delivered: int
    waiting: int
    dead_lettered: int
    dropped: dict[str, int]

    @property
    def balanced(self) -> bool:
        """Whether everything that was appended is accounted for."""
        rest = self.delivered + self.waiting + self.dead_lettered + sum(self.dropped.values())
        return self.appended == rest


def sink_book(depth: Depth, notes: Mapping[str, int]) -> SinkBook:
    """The account of a cursor, with what became of its dead letters.

    A letter that was offered again was appended twice and is counted once; a row that is for
    other sinks alone is not counted.
    """
    dropped = {
        "spool": depth.dropped,
        OPERATOR: notes.get(OPERATOR, 0),
        LETTERS_FULL: notes.get(LETTERS_FULL, 0),
        BEFORE: notes.get(BEFORE, 0),
    }
    elsewhere, replayed = notes.get(ELSEWHERE, 0), notes.get(REPLAYED, 0)
    return SinkBook(
        appended=depth.appended - elsewhere - replayed,
        delivered=depth.delivered - elsewhere,
        waiting=depth.waiting,
        dead_lettered=depth.dead_lettered - replayed - sum(dropped.values()) + depth.dropped,
        dropped={reason: count for reason, count in dropped.items() if count},
    )
