"""The gateway's database: what it keeps, what bounds it, what it takes back."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import letters as letters_module
from gateway import store as module
from gateway.store import GatewayStore, read_only
from gateway.testing import START
from spool import open_database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatewayStore]:
    made = GatewayStore(tmp_path / "gateway.db", 1_000_000)
    yield made
    made.db.close()


def bury(store: GatewayStore, *payloads: bytes) -> None:
    with store.transaction():
        for payload in payloads:
            store.letters.bury(START, "t", "pi-1", "invalid", "x" * 1000, payload)


def letters(store: GatewayStore) -> list[bytes]:
    rows = store.db.execute("SELECT payload FROM dead_letters ORDER BY id")
    return [row[0] for row in rows]


def test_the_newest_letters_are_kept(store: GatewayStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters_module, "LETTERS_KEPT", 10)
    bury(store, *(b"%d" % n for n in range(50)))
    assert letters(store) == [b"%d" % n for n in range(40, 50)]


@pytest.mark.parametrize(("limit", "bound"), [("LETTERS_KEPT", 10), ("BYTES_KEPT", 1000)])
def test_a_flood_of_letters_pushes_out_its_own(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch, limit: str, bound: int
) -> None:
    """Red where the oldest of all go."""
    monkeypatch.setattr(letters_module, limit, bound)
    for origin, count in (("good", 3), ("evil", 50), ("better", 3)):
        with store.transaction():
            for n in range(count):
                payload = f"{origin}{n}".encode().ljust(100)
                store.letters.bury(START, origin, origin, "invalid", "", payload)
    kept = [each.strip().decode() for each in letters(store)]
    assert [each for each in kept if not each.startswith("evil")] == [
        *(f"good{n}" for n in range(3)),
        *(f"better{n}" for n in range(3)),
    ]
    assert kept.count("evil49") == 1
    assert len(kept) == store.letters.kept <= 10


def test_letters_are_bounded_by_their_bytes(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters_module, "BYTES_KEPT", 1000)
    for n in range(50):
        bury(store, b"%03d" % n * 30)
        kept = letters(store)
        assert sum(map(len, kept)) == store.letters.bytes <= 1000
        assert kept[-1] == b"%03d" % n * 30
    assert len(letters(store)) > 8


def test_a_letter_larger_than_the_bound_is_not_kept(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters_module, "BYTES_KEPT", 1000)
    bury(store, b"small")
    bury(store, b"x" * 5000)
    bury(store, b"small again")
    assert letters(store) == [b"small again"]
    assert store.letters.bytes == 11


def test_a_rollback_takes_the_counts_back(store: GatewayStore) -> None:
    bury(store, b"one")

    def fail() -> None:
        with store.transaction():
            store.letters.bury(START, "t", "pi-1", "invalid", "", b"another")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.letters.bytes == 3
    with store.transaction():
        store.letters.drop(1)
    assert (letters(store), store.letters.bytes) == ([], 0)


def test_an_old_ledger_is_folded_and_its_sums_stay(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEDGER_KEPT", 20)
    monkeypatch.setattr(module, "LEDGER_FOLDED", 10)
    with store.transaction():
        for n in range(300):
            store.enter_count(f"e{n}", "L" if n % 3 else None, "in", 1, "2026-03-01")
    assert store.counts() == {"L": 200, None: 100}
    assert store.db.execute("SELECT COUNT(*) FROM ledger").fetchone()[0] <= 20 + 10 + 4
    with store.transaction():
        store.enter_count("e299", "L", "in", 1, "2026-03-01")
    assert store.counts()["L"] == 200


def test_answers_are_kept_and_the_oldest_forgotten(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRANSACTIONS_KEPT", 2)
    for n in range(4):
        with store.transaction():
            store.keep_answer("ping", f"t{n}", f"answer {n}")
    assert store.answered("ping", "t0") is None
    assert store.answered("ping", "t3") == "answer 3"
    assert store.answered("pong", "t3") is None


def test_a_sink_that_is_no_longer_configured_holds_nothing_back(store: GatewayStore) -> None:
    store.register_sinks(["old", "kept"])
    with store.transaction():
        store.spool.append([store.entry({"n": 1}, "A1", durable=False)])
        store.spool.advance("kept", 1, delivered=1)
    store.register_sinks(["kept", "new"])
    assert set(store.spool.cursors()) == {"kept", "new"}
    assert store.depth("new").waiting == 1
    assert store.depth("kept").waiting == 0


@pytest.mark.parametrize("umask", [0, 0o077])
def test_the_store_is_its_owners_and_readers_cannot_write(tmp_path: Path, umask: int) -> None:
    """Its group reads it where the umask lets it: the console's drop-in does."""
    before = os.umask(umask)
    try:
        store = GatewayStore(tmp_path / "gateway.db", 1_000_000)
    finally:
        os.umask(before)
    parts = [store.path.with_name(store.path.name + part) for part in ("", "-wal", "-shm")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in parts}
    assert modes == {0o640 & ~umask}
    bury(store, b"x")
    reader = read_only(store.path)
    assert reader.execute("SELECT COUNT(*) FROM dead_letters").fetchone() == (1,)
    with pytest.raises(module.sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM dead_letters")
    reader.close()
    store.close()


AS_ANOTHER = """
import os, sys
from pathlib import Path
from gateway.store import read_only

os.setgroups([int(sys.argv[2])])
os.setgid(12345)
os.setuid(12345)
for _ in sys.stdin:
    reader = read_only(Path(sys.argv[1]))
    print(reader.execute("SELECT COUNT(*) FROM dead_letters").fetchone()[0], flush=True)
    reader.close()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root has files of other users")
def test_another_user_reads_what_was_committed_last_and_after_the_gateway_stopped() -> None:
    """The console: of the group, and without the right to write beside the file."""
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, 0, 54321)
    folder.chmod(0o2750)
    command = [sys.executable, "-c", AS_ANOTHER, str(folder / "gateway.db"), "54321"]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    seen = []
    for _ in range(2):  # begun, stopped, begun again
        store = GatewayStore(folder / "gateway.db", 1_000_000)
        for count in range(30):
            bury(store, b"x" * 30_000)
            if count % 10 == 0:
                store.db.execute("PRAGMA wal_checkpoint(RESTART)")
            seen.append(asked(reader))
        store.close()
        seen.append(asked(reader))
    reader.communicate()
    assert reader.returncode == 0
    assert seen == [*range(1, 31), 30, *range(31, 61), 60]
    shutil.rmtree(folder)


def asked(reader: "subprocess.Popen[str]") -> int:
    assert reader.stdin
    assert reader.stdout
    reader.stdin.write("\n")
    reader.stdin.flush()
    return int(reader.stdout.readline())


def test_a_damaged_file_is_set_aside_and_a_new_store_begins(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    first = GatewayStore(path, 1_000_000)
    first.close()
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    second = GatewayStore(path, 1_000_000)
    assert second.damaged
    assert second.damaged.exists()
    assert second.store_id != first.store_id  # which tells the agents to offer all again
    second.close()


def test_a_store_of_the_release_before_alerts_is_taken_over(tmp_path: Path) -> None:
    """An occupied spot's stay is as old as its record; what was there stays."""
    old, _ = open_database(tmp_path / "gateway.db", module.MIGRATIONS[:2])
    place = "1.0, 'ok', '', 'pi-1', 'e1'"
    old.execute(f"INSERT INTO spots VALUES ('A1', 'occupied', '2026-03-01T12:00:00Z', {place}, 7)")
    old.execute(f"INSERT INTO spots VALUES ('A2', 'free', '2026-03-01T12:00:00Z', {place}, 8)")
    old.close()
    store = GatewayStore(tmp_path / "gateway.db", 1_000_000)
    assert store.damaged is None
    believed = store.believed()
    assert (believed["A1"].arrived, believed["A2"].arrived) == (START, None)
    assert (believed["A1"].seq, store.alerts.open, store.outbox.waiting()) == (7, [], {})
    store.close()
