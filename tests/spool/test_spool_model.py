"""The spool over SQLite and the spool in memory, step by step the same."""

import tempfile
import threading
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from spool import Entry, Spool, Transaction, open_database
from spool.log import SCHEMA
from spool.testing import MemorySpool, assert_balanced, gap_text

LIMIT = 600
NAMES = st.sampled_from(["up", "down"])
ENTRIES = st.lists(
    st.builds(
        Entry,
        key=st.sampled_from(["", "A", "B", "C"]),
        payload=st.integers(0, 120).map(bytes),
        durable=st.sampled_from([False, False, False, True]),
    ),
    max_size=6,
)


class SpoolsAgree(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "spool.db"
        self.memory = MemorySpool(LIMIT, gap_text)
        self.open()
        self.both("register", "up")

    def open(self) -> None:
        self.db, damaged = open_database(self.path, [SCHEMA])
        assert damaged is None
        self.db.execute("PRAGMA synchronous=OFF")
        self.spool = Spool(self.db, LIMIT, gap_text)

    def both(self, call: str, *args: object, **named: int) -> None:
        with Transaction(self.db, threading.RLock()):
            answer = getattr(self.spool, call)(*args, **named)
        assert answer == getattr(self.memory, call)(*args, **named)

    @rule(entries=ENTRIES)
    def append(self, entries: list[Entry]) -> None:
        before = self.memory.read(0, 1000)
        kept = {row.key: row.seq for row in before if row.key}.values()
        passed = max(self.memory.in_flight, *self.memory.cursors().values())
        self.both("append", entries)
        if self.spool.bytes > LIMIT:
            left = [row for row in self.spool.read(passed, 1000) if not row.lost]
            old = {row.seq for row in left} & {row.seq for row in before}
            assert old <= set(kept), "over the limit with rows that might have gone"

    @rule(entries=ENTRIES)
    def append_and_roll_back(self, entries: list[Entry]) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        self.spool.append(entries)
        self.db.execute("ROLLBACK")
        self.spool.reload()

    @rule(name=NAMES)
    def register(self, name: str) -> None:
        self.both("register", name)

    @precondition(lambda self: "down" in self.memory.cursors())
    @rule()
    def unregister(self) -> None:
        self.both("unregister_others", ["up"])

    @rule(name=NAMES, count=st.integers(0, 5), dead=st.booleans())
    def advance(self, name: str, count: int, dead: bool) -> None:
        cursors = self.memory.cursors()
        if name in cursors and (rows := self.memory.read(cursors[name], count)):
            records = sum(not row.lost for row in rows)
            letters = min(records, int(dead))
            self.both(
                "advance", name, rows[-1].seq, delivered=records - letters, dead_lettered=letters
            )

    @rule(name=NAMES)
    def rewind(self, name: str) -> None:
        if name in self.memory.cursors():
            self.both("rewind", name)

    @rule(keep_bytes=st.sampled_from([0, 100, 300, LIMIT]))
    def forget(self, keep_bytes: int) -> None:
        self.both("forget", keep_bytes)

    @rule(name=NAMES, offset=st.integers(-1, 3))
    def quarantine(self, name: str, offset: int) -> None:
        self.both("quarantine", self.memory.cursors().get(name, 0) + offset)

    @rule(back=st.integers(0, 8))
    def send(self, back: int) -> None:
        self.spool.in_flight = self.memory.in_flight = max(self.memory.last_seq - back, 0)

    @rule()
    def close_and_reopen(self) -> None:
        self.db.close()
        self.open()
        self.spool.in_flight = self.memory.in_flight

    @invariant()
    def agree(self) -> None:
        assert self.spool.read(0, 1000) == self.memory.read(0, 1000)
        assert (self.spool.last_seq, self.spool.quarantined()) == (
            self.memory.last_seq,
            self.memory.quarantined(),
        )
        assert self.spool.cursors() == self.memory.cursors()
        for name in self.memory.cursors():
            assert self.spool.depth(name) == self.memory.depth(name)
        assert_balanced(self.spool)
        assert_balanced(self.memory)

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()


TestSpoolsAgree = SpoolsAgree.TestCase
TestSpoolsAgree.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
