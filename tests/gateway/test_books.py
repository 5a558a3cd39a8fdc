"""The books: what is counted over restarts, and accounts that hold through letters and replays."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import letters as letters_module
from gateway import store as store_module
from gateway.batch import Arrived
from gateway.books import of_agent, of_sink, sink_book
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings
from spool import Depth
from spool.database import migrate

EVENTS = "parking/v1/lot-1/agents/pi-1/events"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GatewayStore]:
    made = GatewayStore(tmp_path / "gateway.db", 1_000_000)
    made.register_sinks(["cloud", "disk"])
    yield made
    made.close()


def ingest_of(store: GatewayStore) -> Ingest:
    return Ingest(lot_settings(store.path.parent), store, SetClock())


def take(ingest: Ingest, *records: dict[str, Any] | bytes) -> None:
    payloads = (r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
    ingest.take([Arrived("pi-1", EVENTS, payload) for payload in payloads])


def standing(store: GatewayStore) -> int:
    found = store.db.execute("SELECT COUNT(*) FROM dead_letters WHERE agent_id='pi-1' AND counted")
    return int(found.fetchone()[0])


def agent_adds_up(store: GatewayStore) -> bool:
    notes = store.books.of(of_agent("pi-1"))
    told = notes["spooled"] + notes["known"] + notes["operator"] + notes["letters_full"]
    return store.accepted()["pi-1"] == told + standing(store)


def test_an_agents_records_are_in_the_spool_or_a_letter(store: GatewayStore) -> None:
    take(ingest_of(store), changed(1), changed(2, spot_id="Z9"), b"{no json", changed(3, "free"))
    assert store.books.of(of_agent("pi-1")) == {"spooled": 2}
    assert (store.accepted(), standing(store)) == ({"pi-1": 3}, 1)  # what has no place is apart
    assert agent_adds_up(store)


def test_a_snapshot_is_extra(store: GatewayStore) -> None:
    ingest = ingest_of(store)
    take(ingest, changed(1))
    snapshot = changed(2, "free", type="snapshot")
    del snapshot["prev_seq"], snapshot["previous"]
    take(ingest, snapshot)
    assert store.books.of(of_agent("pi-1")) == {"spooled": 1, "extra": 1}


def test_letters_that_go_are_told_by_why(
    store: GatewayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters_module, "LETTERS_KEPT", 2)
    take(ingest_of(store), *(changed(seq, spot_id="Z9") for seq in range(1, 5)))
    with store.transaction():
        store.letters.drop(4)
    assert store.books.of(of_agent("pi-1")) == {"letters_full": 2, "operator": 1}
    assert agent_adds_up(store)


def bury_of_cloud(store: GatewayStore) -> int:
    """One record that the sink cloud refused; the letter's number."""
    with store.transaction():
        (seq,) = store.spool.append([store.entry({"spot_id": "A1"}, "A1", durable=False)])
        store.spool.advance("cloud", seq, delivered=0, dead_lettered=1)
        store.letters.bury(START, "sink:cloud", "", "sink_rejected", "no", b'{"spot_id":"A1"}')
    return store.letters.last_id()


def test_a_sinks_letters_are_accounted_for_when_they_go(store: GatewayStore) -> None:
    dropped, again = bury_of_cloud(store), bury_of_cloud(store)
    with store.transaction():
        store.letters.drop(dropped)
        store.letters.take_out(again)
        store.spool.append([store.entry_again(b'{"spot_id":"A1"}', "cloud")])
    book = sink_book(store.depth("cloud"), store.books.of(of_sink("cloud")))
    assert (book.appended, book.waiting, book.dead_lettered) == (2, 1, 0)
    assert book.dropped == {"operator": 1}
    assert book.balanced


def test_a_sink_that_comes_back_begins_a_new_account(store: GatewayStore) -> None:
    number = bury_of_cloud(store)
    store.register_sinks(["disk"])
    store.register_sinks(["cloud", "disk"])
    with store.transaction():
        store.letters.drop(number)
    assert store.books.of(of_sink("cloud")) == {}
    assert sink_book(store.depth("cloud"), {}).balanced


def test_counts_are_rolled_back_with_what_they_count(store: GatewayStore) -> None:
    def fail() -> None:
        with store.transaction():
            store.books.note("agent:pi-1", "spooled", 7)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert store.books.of("agent:pi-1") == {}


def test_an_imbalance_is_seen() -> None:
    depth = Depth(10, 2, 7, 0, 0, rows=2, bytes=0, limit_bytes=0)
    assert not sink_book(depth, {}).balanced
    assert sink_book(depth, {"elsewhere": 1}).appended == 9


def test_a_store_from_before_the_books_begins_them_balanced(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, store_module.MIGRATIONS[:1])
    old.executescript("""
        INSERT INTO streams VALUES (1, 'pi-1', 'e1', 9, 9, 'b', 0);
        INSERT INTO spool (seq, key, durable, lost, first, crc, payload)
            VALUES (9, 'A1', 0, 0, 0, 0, '');
        DELETE FROM spool;
        INSERT INTO spool_cursors VALUES ('cloud', 9, 0, 7, 2, 0);
        INSERT INTO dead_letters VALUES (1, '', 't', 'pi-1', 'unknown_spot', '', '');
        INSERT INTO dead_letters VALUES (2, '', 't', 'pi-1', 'malformed_json', '', '');
        INSERT INTO dead_letters VALUES (3, '', 'sink:cloud', '', 'sink_rejected', '', '');
    """)
    old.close()
    store = GatewayStore(path, 1_000_000)
    books = store.books.all()
    assert books == {
        "agent:pi-1": {"spooled": 8}, "store": {"before": 1}, "sink:cloud": {"before": 1},
    }  # fmt: skip
    book = sink_book(store.depth("cloud"), books["sink:cloud"])
    assert (book.dead_lettered, book.dropped, book.balanced) == (1, {"before": 1}, True)
    assert agent_adds_up(store)
    store.close()


def test_the_store_knows_what_it_took_and_what_it_skipped(store: GatewayStore) -> None:
    ingest = ingest_of(store)
    for _ in range(100):  # a hole is asked for, and in the end skipped
        take(ingest, changed(5, prev_seq=4))
        ingest.clock.now_s += 60  # type: ignore[attr-defined]
    assert store.streams() == {("pi-1", "e1"): 5}
    assert [store.has("pi-1", "e1", seq) for seq in (1, 4, 5, 6)] == [False, False, True, False]
    assert not store.has("pi-2", "e1", 5)
