"""The reckoning: it adds up where nothing is missing, and says in words what is."""

import re
from typing import Any

import pytest

from gateway.store import MIGRATIONS
from gateway.testing import changed
from gateway.tools.reading import Unreadable, check_schema, reading
from gateway.tools.reconcile import Reckoning, reckon


def reckoned(house: Any) -> Reckoning:
    with reading(house.path) as db:
        return reckon(db)


def test_a_lot_that_lived_adds_up(house: Any) -> None:
    house.live()
    found = reckoned(house)
    assert found.faults == []
    agent = found.agents["pi-1"]
    assert (agent.accepted, agent.spooled, agent.dead_lettered) == (5, 4, 1)
    assert agent.waiting == {"cloud": 2, "disk": 1}
    assert agent.refused == {"cloud": 1}
    cloud = found.sinks["cloud"]
    assert (cloud.appended, cloud.delivered, cloud.waiting, cloud.dead_lettered) == (4, 1, 2, 1)
    assert found.letters == {"sink_rejected": 1, "unknown_spot": 1}


def test_what_the_operator_dropped_is_told_by_reason(house: Any) -> None:
    house.live()
    with house.store.transaction():
        house.store.letters.drop(1)
        house.store.letters.drop(2)
    found = reckoned(house)
    assert found.faults == []
    assert found.agents["pi-1"].dropped == {"operator": 1}
    assert found.sinks["cloud"].dropped == {"operator": 1}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM spool WHERE seq=4", "sink disk: 4 records .* 3 are accounted for: 1 left"),
        ("DELETE FROM dead_letters WHERE id=1", "agent pi-1: 5 records .*: 1 are neither"),
        ("DELETE FROM dead_letters WHERE id=2", "sink cloud: it refused 1 .* letters were removed"),
        ("UPDATE streams SET accepted=4", "agent pi-1: 4 records .*: 1 are counted twice"),
        ("UPDATE spool_cursors SET delivered=9 WHERE name='disk'", "sink disk: .* counted twice"),
        ("UPDATE spool_cursors SET seq=99 WHERE name='disk'", "stands at 99, beyond the newest"),
        ("UPDATE sqlite_sequence SET seq=7 WHERE name='spool'", "7 places and 4 are accounted"),
    ],
)
def test_what_does_not_add_up_is_told_in_words(house: Any, statement: str, words: str) -> None:
    house.live()
    house.store.db.execute(statement)
    faults = reckoned(house).faults
    assert any(re.search(words, fault) for fault in faults), faults


def test_after_a_replay_by_its_sink_alone_it_adds_up(house: Any) -> None:
    house.live()
    with house.store.transaction():
        house.store.letters.take_out(2)
        row = house.store.spool.read(1, 1)[0]
        house.store.spool.append([house.store.entry_again(row.payload, "cloud")])
        house.store.books.note("store", "replayed")
    assert reckoned(house).faults == []
    house.deliver("cloud", 5)
    found = reckoned(house)
    assert found.faults == []
    assert (found.sinks["cloud"].appended, found.sinks["cloud"].delivered) == (4, 4)


def test_it_is_of_one_commit_while_the_gateway_writes(house: Any) -> None:
    house.live()
    with reading(house.path) as db:
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM spool").fetchone()
        house.take(changed(6, "free"))
        (seen,) = db.execute("SELECT MAX(seq) FROM spool").fetchone()
        db.execute("ROLLBACK")
        assert seen == 4
        assert reckon(db).agents["pi-1"].accepted == 6


def test_a_database_that_is_not_there_or_of_another_release_is_named(house: Any) -> None:
    with pytest.raises(Unreadable, match="no database at"), reading(house.folder / "other.db"):
        pass
    house.store.db.execute("PRAGMA user_version=1")
    with (
        pytest.raises(Unreadable, match=f"of schema 1, these tools read {len(MIGRATIONS)}"),
        reading(house.path) as db,
    ):
        check_schema(db)
