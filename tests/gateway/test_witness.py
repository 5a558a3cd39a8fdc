"""Silences and closed spots reach the sinks that keep the past, and no other."""

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
    ]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path, sinks=sinks(tmp_path))
    made.store.register_sinks(["past", "disk"])
    yield made
    made.store.close()


def told(post: Post, sink: str = "past") -> list[tuple[str, str, str]]:
    """(kind, of whom, when) of what the gateway itself said, for a sink."""
    rows = post.store.read(0, 1000, 10_000_000)
    records = [json.loads(row.payload) for row in rows if is_for(row.key, sink)]
    return [
        (each["event_type"], each["agent_id"] or each["spot_id"], each["timestamp"])
        for each in records
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


def test_the_other_sinks_are_not_told_and_the_books_balance(post: Post) -> None:
    witness = Witness(post.lot)
    post.say("free")
    witness.look()
    assert told(post, "disk") == []
    assert len(told(post)) == 1
    assert reckon(post.store.db).faults == []


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
