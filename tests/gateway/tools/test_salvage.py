"""Salvage: what a damaged store still held is in the new one, once, and in its agents' places."""

import json
import os
from pathlib import Path
from typing import Any

from contract.words import Status
from gateway.devices import Device, Place
from gateway.testing import changed
from gateway.tools.reading import reading
from gateway.tools.reconcile import reckon
from gateway.tools.salvage import Salvage, salvage_into


def break_file(house: Any, *, pages: bool = False) -> Path:
    """The gateway's file is set aside as damaged, and a new store begins."""
    house.store.close()
    aside = house.path.with_name("gateway.db.damaged-1")
    os.replace(house.path, aside)
    if pages:
        data = bytearray(aside.read_bytes())
        data[100:200] = b"\xff" * 100  # SQLite's own first page, behind the header
        aside.write_bytes(data)
    house.open()
    return aside


def salvage(house: Any, aside: Path) -> Salvage:
    found = salvage_into(house.store, aside)
    with reading(house.path) as db:
        assert reckon(db).faults == []
    house.store.close()
    house.open()  # as the gateway starts behind it
    return found


def test_each_row_goes_to_the_sinks_that_had_not_had_it(house: Any) -> None:
    house.live()
    found = salvage(house, break_file(house))
    assert house.spooled() == [("A2/@cloud", "pi-1:e1:4"), ("A1", "pi-1:e1:5")]
    assert (found.read, found.taken, found.delivered, found.letters) == (4, 2, 2, 2)
    bodies = [json.loads(row.payload) for row in house.store.spool.read(0, 9)]
    assert {(body["store_id"], body["historical"]) for body in bodies} == {
        (house.store.store_id, True)
    }


def test_a_second_salvage_takes_nothing(house: Any) -> None:
    house.live()
    aside = break_file(house)
    salvage(house, aside)
    before = house.spooled()
    found = salvage(house, aside)
    assert (found.taken, found.letters, found.closed_spots, found.counts) == (0, 0, 0, 0)
    assert house.spooled() == before


def test_what_the_agents_sent_again_is_not_doubled(house: Any) -> None:
    """They retain from 4 on; 1 to 3 are in the damaged file alone."""
    house.take(*(changed(seq, "free" if seq % 2 else "occupied") for seq in range(1, 6)))
    aside = break_file(house)
    house.take_skipping(changed(4))
    house.take(changed(5, "free"))
    assert salvage(house, aside).taken == 3
    assert [name for _, name in house.spooled()] == [f"pi-1:e1:{seq}" for seq in (4, 5, 1, 2, 3)]


def test_what_an_agent_sends_after_the_salvage_is_acknowledged_and_not_doubled(house: Any) -> None:
    house.live()
    salvage(house, break_file(house))
    house.take(
        changed(1), changed(2, "free"), changed(3, spot_id="Z9"), changed(4, spot_id="A2"),
        changed(5), changed(6, "free"),
    )  # fmt: skip
    assert house.store.streams() == {("pi-1", "e1"): 6}
    # 1 and 2 every sink, or all but one, had had: they come as they do to a store without salvage.
    assert [name for _, name in house.spooled()] == [f"pi-1:e1:{seq}" for seq in (4, 5, 1, 2, 6)]
    assert house.store.letters.counts() == {"sink_rejected": 1, "unknown_spot": 1}
    with reading(house.path) as db:
        found = reckon(db)
    assert found.faults == []
    assert found.agents["pi-1"].known == 3


def test_letters_come_over_and_are_in_nobodys_account(house: Any) -> None:
    house.live()
    house.take(b"{no json")
    found = salvage(house, break_file(house))
    assert found.letters == 3
    assert house.store.letters.counts() == {
        "sink_rejected": 1, "unknown_spot": 1, "malformed_json": 1,
    }  # fmt: skip
    with house.store.transaction():
        for number in (1, 2, 3):
            house.store.letters.drop(number)
    with reading(house.path) as db:
        assert reckon(db).faults == []


def test_a_letter_whose_record_the_agent_sent_again_is_not_doubled(house: Any) -> None:
    house.take(changed(1, spot_id="Z9"))
    aside = break_file(house)
    house.take(changed(1, spot_id="Z9"))
    assert salvage(house, aside).letters == 0
    assert house.store.letters.counts() == {"unknown_spot": 1}


def test_closed_spots_and_states_come_over(house: Any) -> None:
    house.live()
    house.store.db.execute("INSERT INTO closed_spots VALUES ('B1', '2026-03-01', 'works')")
    aside = break_file(house)
    house.take(changed(1, "free"))
    found = salvage(house, aside)
    assert (house.store.closed_spots(), found.closed_spots) == ({"B1"}, 1)
    assert house.ingest.believed["A1"].status == "free"  # newer than the damaged file's
    assert house.ingest.believed["A2"].status == "occupied"
    house.store.db.execute("DELETE FROM closed_spots")  # the operator opened it
    salvage(house, aside)
    assert house.store.closed_spots() == set()


def test_counts_come_over_once_and_not_over_a_persons(house: Any) -> None:
    def enter(*names: str, zone: str = "L") -> None:
        with house.store.transaction():
            for name in names:
                delta = int(name.partition("=")[2] or 1)
                house.store.enter_count(name, zone, "in", delta, f"2026-03-01T{name[:2]}")

    enter("01", "02", "03")
    enter("01z", "02z", zone="M")
    with house.store.transaction():
        house.store.db.execute("UPDATE ledger SET event_id='folded:1:L', delta=10 WHERE rowid=1")
    aside = break_file(house)
    enter("00again", "03")  # one was folded into the old one, one stood in it
    enter("correction:5=7", zone="M")
    salvage(house, aside)
    # 10 folded and 2 single ones; nothing of it twice. In M a person saw 7.
    assert house.store.counts() == {"L": 12, "M": 7}
    salvage(house, aside)
    assert house.store.counts() == {"L": 12, "M": 7}


def test_a_file_that_is_no_database_gives_nothing_and_says_so(house: Any) -> None:
    house.live()
    aside = break_file(house)
    aside.write_bytes(b"\xff" * 8192)
    found = salvage(house, aside)
    assert (found.read, found.taken) == (0, 0)
    assert any("dead_letters" in words for words in found.unread)


def test_without_its_cursors_every_sink_gets_every_row(house: Any) -> None:
    house.live()
    house.store.db.execute("DROP TABLE spool_cursors")
    found = salvage(house, break_file(house))
    assert found.taken == 4
    assert {key for key, _ in house.spooled()} == {"A1", "A2"}
    assert any("spool_cursors" in words for words in found.unread)


def test_a_damaged_page_costs_no_more_than_its_rows(house: Any) -> None:
    house.take(*(changed(seq, "free" if seq % 2 else "occupied") for seq in range(1, 201)))
    house.store.close()
    data = bytearray(house.path.read_bytes())
    place = data.index(b'"pi-1:e1:100"')
    data[place : place + 2000] = b"\xff" * 2000
    house.path.write_bytes(data)
    house.open()
    aside = break_file(house) if house.store.damaged is None else house.store.damaged
    found = salvage(house, aside)
    assert 150 < found.taken < 200
    names = [name for _, name in house.spooled()]
    assert len(names) == len(set(names)) == found.taken


def test_devices_and_what_they_said_are_known_again(house: Any) -> None:
    books = house.store.devices
    with house.store.transaction():
        books.put(
            Device("cam-1", "http", "Ramp", "", 600.0, "2026-03-01T11:00:00.000Z", None, ("B1",))
        )
        books.put(Device("cam-2", "http", "Old", "", 600.0, "2026-03-01T11:00:00.000Z", None))
        books.note_events([("cam-1", "e1", "2026-03-01T11:58:21.000Z", b"12345678")])
        books.move({"B1": Place("cam-1", Status.OCCUPIED, "2026-03-01T11:58:21.000Z")})
    before, epoch = books.all()["cam-1"], books.epoch()
    aside = break_file(house)
    with house.store.transaction():
        house.store.devices.put(Device("cam-2", "http", "New", "", 60.0, "2026-03-02", None))
    assert salvage(house, aside).devices == 1
    books = house.store.devices
    assert (books.all()["cam-1"], books.all()["cam-2"].name) == (before, "New")
    assert books.print_of("cam-1", "e1") == b"12345678"
    assert books.places()["B1"].settled is Status.OCCUPIED
    assert books.epoch() != epoch


def test_what_is_desired_of_agents_comes_over_unless_it_was_desired_anew(house: Any) -> None:
    configs = house.store.configs
    with house.store.transaction():
        for agent_id in ("pi-1", "pi-1", "pi-2"):
            configs.desire(agent_id, {"publish": {}}, 60, "ada", "2026-03-01T12:00:00Z")
    house.store.db.execute("INSERT INTO configs VALUES ('pi-3', 1, '{', '', '', '', '')")
    aside = break_file(house)
    with house.store.transaction():
        house.store.configs.desire("pi-2", {}, 60, "bob", "2026-03-02T12:00:00Z")
    assert salvage(house, aside).configs == 1
    newest = house.store.configs.newest
    assert {agent: (each.number, each.by) for agent, each in newest.items()} == {
        "pi-1": (2, "ada"),
        "pi-2": (1, "bob"),
    }
    assert salvage(house, aside).configs == 0
