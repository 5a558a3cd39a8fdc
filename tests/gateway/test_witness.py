"""What a gateway itself says reaches each sink that takes it, once, and stands in the books."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.upstream import rfc3339
from gateway.addresses import is_for
from gateway.testing import START
from gateway.tools.reconcile import reckon
from gateway.witness import Witness
from tests.gateway.conftest import Post

OWN = ("AGENT_SILENT", "AGENT_HEARD", "SPOT_CLOSED", "SPOT_OPENED")


def sinks(folder: Path) -> list[dict[str, Any]]:
    return [
        {"name": "past", "kind": "history", "path": folder / "history.db"},
        {"name": "disk", "kind": "file", "path": folder / "records"},
        {"name": "old", "kind": "file", "path": folder / "old", "own": ["alerts"]},
    ]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    zones = [{"zone_id": "A"}, {"zone_id": "B"}, {"zone_id": "L", "counted_capacity": 5}]
    made = Post(tmp_path, sinks=sinks(tmp_path), zones=zones)
    made.store.register_sinks(["past", "disk", "old"])
    yield made
    made.store.close()


def records(post: Post, sink: str) -> list[dict[str, Any]]:
    """What waits for a sink."""
    rows = post.store.read(0, 1000, 10_000_000)
    return [json.loads(row.payload) for row in rows if is_for(row.key, sink)]


def told(post: Post, sink: str = "past") -> list[tuple[str, str, str]]:
    """(kind, of whom, when) of silences and closings, for a sink."""
    return [
        (each["event_type"], each["agent_id"] or each["spot_id"], each["timestamp"])
        for each in records(post, sink)
        if each["event_type"] in OWN
    ]


def at(seconds: float) -> str:
    """So long after the beginning; the clock shows 1000 s then."""
    return rfc3339(START).replace("12:00:00.000", f"12:{seconds // 60:02.0f}:{seconds % 60:06.3f}")


def test_a_silence_is_told_from_the_last_sign_and_its_end_when_it_is_heard(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    post.beat()
    witness.look()
    post.clock.now_s += 31
    witness.look()
    witness.look()
    post.clock.now_s += 9
    post.beat()
    witness.look()
    assert told(post) == [
        ("AGENT_HEARD", "pi-1", at(0)),
        ("AGENT_SILENT", "pi-1", at(0)),
        ("AGENT_HEARD", "pi-1", at(40)),
    ]


def test_every_sink_is_told_what_it_takes_and_the_books_balance(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    witness.look()
    assert told(post, "disk") == told(post) == [("AGENT_HEARD", "pi-1", at(0))]
    assert told(post, "old") == []
    assert reckon(post.store.db).faults == []


def test_words_have_places_that_grow_and_snapshots_say_which_they_know(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    post.ask("spot-close", spot_id="A1")
    witness.look()
    post.ask("spot-open", spot_id="A1")
    words = [each for each in records(post, "disk") if each["event_type"] in OWN]
    seqs = [each["told_seq"] for each in words]
    assert seqs == sorted(set(seqs))
    (by,) = {each["told_by"] for each in words}
    snapshot = json.loads(post.lot.snapshots(["A1"])[0][1])
    # The spot is open in it; that it was opened is a later word, which says the same.
    assert (snapshot["told_by"], snapshot["told_seq"]) == (by, seqs[-2])
    witness.look()
    assert json.loads(post.lot.snapshots(["A1"])[0][1])["told_seq"] == seqs[-1]


def test_an_alert_goes_up_as_it_comes_and_goes_once_each(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    witness.look()
    post.clock.now_s += 31
    post.look()
    post.look(91)
    post.ask("alerts-acknowledge", alert_id="offline.pi-1", by="warden", note="on my way")
    post.ask("alerts-note", alert_id="offline.pi-1", by="warden", note="there")
    for _ in range(10):
        post.live(20)
    alerts = [each for each in records(post, "old") if each["event_type"] == "ALERT"]
    assert [each["state"] for each in alerts] == ["raised", "acknowledged", "resolved"]
    assert len({each["event_id"] for each in alerts}) == 3
    (one,) = {(each["alert_id"], each["raised_at"]) for each in alerts}
    assert one[0] == "offline.pi-1"
    assert reckon(post.store.db).faults == []


def test_an_alert_that_stands_is_told_to_a_new_sink_under_its_old_id(post: Post) -> None:
    post.say("free")
    post.look(31)
    post.look(91)
    assert post.look() == ["offline.pi-1"]
    Witness(post.lot).look()
    alerts = [each for each in records(post, "disk") if each["event_type"] == "ALERT"]
    assert len(alerts) == 2
    assert len({each["event_id"] for each in alerts}) == 1


def test_a_count_that_people_put_right_is_told_as_the_ledger_has_it(post: Post) -> None:
    post.ask("count-correct", zone_id="L", count=3, note="walked it")
    (said,) = [each for each in records(post, "disk") if each["event_type"] == "CORRECTION"]
    assert (said["zone_id"], said["delta"], said["reason"]) == ("L", 3, "walked it")
    rows = post.store.db.execute("SELECT event_id FROM ledger").fetchall()
    assert rows == [(said["event_id"],)]


def test_a_gateway_that_was_killed_heard_nobody_since_the_newest_record(post: Post) -> None:
    post.say("free")
    newest = post.ingest.believed["A1"].since
    post.clock.now_s += 3600
    post.clock.boot_id = "boot-2"
    post.restart()
    Witness(post.lot).look()
    assert told(post) == [("AGENT_SILENT", "pi-1", rfc3339(newest))]


def test_a_gateway_that_ends_in_order_says_so(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    witness.look()
    post.clock.now_s += 5
    witness.leave()
    assert told(post)[-1] == ("AGENT_SILENT", "pi-1", at(5))


def test_closing_and_opening_a_spot_is_told_with_the_order(post: Post) -> None:
    post.ask("spot-close", spot_id="A1", note="paint")
    post.clock.now_s += 60
    post.ask("spot-open", spot_id="A1")
    assert told(post) == [("SPOT_CLOSED", "A1", at(0)), ("SPOT_OPENED", "A1", at(60))]
    assert reckon(post.store.db).faults == []


def test_what_was_closed_before_is_told_to_a_new_sink(post: Post) -> None:
    post.ask("spot-close", spot_id="A2")
    post.clock.now_s += 60
    Witness(post.lot).look()
    assert told(post) == [("SPOT_CLOSED", "A2", at(0))] * 2


def test_without_such_a_sink_nothing_is_written(tmp_path: Path) -> None:
    post = Post(tmp_path)
    post.say("free")
    before = post.store.spool.last_seq
    post.ask("spot-close", spot_id="A1")
    assert Witness(post.lot).look() is False
    assert post.store.spool.last_seq == before
    post.store.close()
