"""The agent's store: threads that share a commit, and a position that is kept now and then."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.store import GATEWAY, POSITION_ROWS, AgentStore
from spool import Entry

BODY = b'{"status": "free"}'
LIMIT = 10**6
PATIENCE_S = 10


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "agent.db"


@pytest.fixture
def store(path: Path) -> Iterator[AgentStore]:
    store = AgentStore(path, LIMIT)
    yield store
    store.close()


def kept_position(path: Path) -> int:
    """What another process, or the next start, finds."""
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT seq FROM spool_cursors WHERE name=?"
        return int(database.execute(query, (GATEWAY,)).fetchone()[0])


def append(store: AgentStore, rows: int, name: str = "A1") -> None:
    for _ in range(rows):
        store.append(name, [Entry(name, BODY)], "{}")


def commits(store: AgentStore) -> list[str]:
    """From now on, each commit of the store's own connection."""
    found: list[str] = []
    store._db.set_trace_callback(lambda s: found.append(s) if s == "COMMIT" else None)
    return found


class Meanwhile:
    """Appends of threads that come while another's commit is under way."""

    def __init__(self, store: AgentStore, names: list[str]) -> None:
        self.store = store
        self.seqs: dict[str, range] = {}
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(name,)) for name in names]

    def _run(self, name: str) -> None:
        try:
            self.seqs[name] = self.store.append(name, [Entry(name, BODY)] * 2, f'"{name}"')
        except sqlite3.Error as error:
            self.errors.append(error)

    def gather(self) -> None:
        """Start them; returns when each waits, for which the caller holds the store."""
        for thread in self._threads:
            thread.start()
        deadline = threading.Event()
        while len(self.store._waiting) < len(self._threads):
            assert not deadline.wait(0.001)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def test_threads_that_wait_share_one_commit(store: AgentStore) -> None:
    names = [f"A{n}" for n in range(8)]
    others = Meanwhile(store, names)
    with store._lock:
        others.gather()
        done = commits(store)
    others.join()
    assert len(done) == 1
    assert sorted(seq for seqs in others.seqs.values() for seq in seqs) == list(range(1, 17))
    for name, seqs in others.seqs.items():
        kept = store.watched(name)
        assert kept is not None
        assert (kept.seq, kept.detector) == (seqs[-1], f'"{name}"')
    assert [row.intact for row in store.read(0, 99)] == [True] * 16


def test_what_is_told_as_committed_is_on_the_disk(store: AgentStore, path: Path) -> None:
    others = Meanwhile(store, ["A1", "A2"])
    with store._lock:
        others.gather()
    others.join()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT COUNT(*) FROM spool").fetchone()[0] == 4


def test_a_commit_that_fails_fails_each_of_those_that_waited(store: AgentStore) -> None:
    store._db.execute(
        "CREATE TEMP TRIGGER no BEFORE INSERT ON main.spool "
        "BEGIN SELECT RAISE(ROLLBACK, 'no room'); END"
    )
    others = Meanwhile(store, ["A1", "A2", "A3"])
    with store._lock:
        others.gather()
    others.join()
    assert [str(error) for error in others.errors] == ["no room"] * 3
    assert others.seqs == {}
    store._db.execute("DROP TRIGGER no")
    assert store.append("A4", [Entry("A4", BODY)], "{}") == range(1, 2)
    assert store.watched("A1") is None, "what failed is not committed behind its thread's back"


def test_the_position_is_kept_now_and_then(store: AgentStore, path: Path) -> None:
    append(store, POSITION_ROWS)
    store.acknowledge(POSITION_ROWS - 1)
    append(store, 1)
    assert kept_position(path) == 0
    store.acknowledge(POSITION_ROWS)
    append(store, 1)
    assert kept_position(path) == POSITION_ROWS
    assert store.depth().balanced


def test_the_position_is_kept_when_the_store_closes(path: Path) -> None:
    store = AgentStore(path, LIMIT)
    append(store, 3)
    store.acknowledge(2)
    store.close()
    assert kept_position(path) == 2


def test_a_full_store_gives_up_what_was_acknowledged_first(path: Path) -> None:
    """Red where it does not know its position: the rows are counted as dropped."""
    with closing(AgentStore(path, 60 * len(BODY))) as store:
        append(store, 60)
        store.acknowledge(POSITION_ROWS // 2)
        append(store, 10)
        depth = store.depth()
    assert depth.dropped == 0
    assert depth.balanced
    assert depth.rows < 70
