"""Ingest on a real store: identity, order, poison, clocks, and what survives a restart."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.requests import mark_of
from contract.words import Status
from gateway.batch import Arrived, Outcome
from gateway.ingest import COPY_PAUSE_S, HOLES_UNTIL_SKIP, RESEND_PAUSE_MAX_S, Ingest
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"


class Gateway:
    """An ingest on a store that can be opened again."""

    def __init__(self, folder: Path, clock: SetClock | None = None) -> None:
        self.folder = folder
        self.clock = clock or SetClock()
        self.open()

    def open(self) -> None:
        self.settings = lot_settings(self.folder)
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.store.register_sinks(["disk"])
        self.ingest = Ingest(self.settings, self.store, self.clock)

    def restart(self) -> None:
        self.store.close()
        self.open()

    def take(self, *messages: Any, agent: str = "pi-1") -> Outcome:
        payloads = (m if isinstance(m, bytes) else json.dumps(m).encode() for m in messages)
        return self.ingest.take([Arrived(agent, EVENTS, payload) for payload in payloads])

    def spooled(self) -> list[dict[str, Any]]:
        return [json.loads(row.payload) for row in self.store.spool.read(0, 1000)]

    def letters(self) -> list[str]:
        rows = self.store.db.execute("SELECT reason FROM dead_letters ORDER BY id").fetchall()
        return [row[0] for row in rows]

    def status(self, spot_id: str = "A1") -> Status:
        return self.ingest.believed[spot_id].status


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path)
    yield made
    made.store.close()


def acked(outcome: Outcome, epoch: str = "e1") -> int:
    return outcome.acks["pi-1", epoch].seq


def test_records_are_committed_spooled_and_acknowledged_in_order(gateway: Gateway) -> None:
    outcome = gateway.take(changed(1), [changed(2, "free"), changed(3)])
    assert acked(outcome) == 3
    assert [r["seq"] for r in gateway.spooled()] == [1, 2, 3]
    assert [r["event_type"] for r in gateway.spooled()] == ["ARRIVAL", "DEPARTURE", "ARRIVAL"]
    assert gateway.status() is Status.OCCUPIED
    gateway.restart()
    assert gateway.status() is Status.OCCUPIED
    assert acked(gateway.take(changed(3))) == 3


def test_what_comes_again_changes_nothing_and_is_acknowledged_again(gateway: Gateway) -> None:
    gateway.take(changed(1), changed(2, "free"))
    outcome = gateway.take(changed(1), changed(2, "free"))
    assert acked(outcome) == 2
    assert not outcome.changed_spots
    assert len(gateway.spooled()) == 2
    assert gateway.ingest.totals["duplicates"] == 2


def test_a_hole_is_asked_for_once_and_nothing_behind_it_is_taken(gateway: Gateway) -> None:
    gateway.take(changed(1))
    outcome = gateway.take(changed(3), changed(4))
    ack = outcome.acks["pi-1", "e1"]
    assert (ack.seq, ack.resend_from) == (1, 1)
    assert ("pi-1", "e1") not in gateway.take(changed(5)).acks
    assert acked(gateway.take(changed(2, "free"), changed(3), changed(4))) == 4
    assert [r["seq"] for r in gateway.spooled()] == [1, 2, 3, 4]


def test_a_hole_that_nobody_can_fill_does_not_wedge_the_agent(gateway: Gateway) -> None:
    gateway.take(changed(1))
    for _ in range(HOLES_UNTIL_SKIP):
        assert gateway.take(changed(9)).acks["pi-1", "e1"].resend_from == 1
        gateway.clock.now_s += RESEND_PAUSE_MAX_S
    assert acked(gateway.take(changed(9))) == 9
    assert gateway.ingest.totals["holes_skipped"] == 1


def test_a_hole_is_not_given_up_while_a_bad_network_may_have_lost_what_filled_it(
    gateway: Gateway,
) -> None:
    """Five minutes in which requests and answers are lost, while later records come through."""
    gateway.take(changed(1))
    for seq in range(3, 303):
        gateway.clock.now_s += 1
        gateway.take(changed(seq))
    assert gateway.ingest.totals["resends_asked"] <= HOLES_UNTIL_SKIP
    assert acked(gateway.take(changed(2, "free"), changed(3))) == 3
    assert [record["seq"] for record in gateway.spooled()] == [1, 2, 3]


def test_seqs_that_the_agent_gave_up_are_no_hole(gateway: Gateway) -> None:
    gateway.take(changed(1))
    assert acked(gateway.take(changed(40, prev_seq=1))) == 40
    assert gateway.ingest.totals["resends_asked"] == 0


def test_a_gateway_without_memory_asks_from_the_beginning(gateway: Gateway) -> None:
    assert gateway.take(changed(501)).acks["pi-1", "e1"].resend_from == 0
    assert acked(gateway.take(changed(480, prev_seq=0))) == 480


def test_a_new_epoch_begins_anew_and_its_word_counts_over_the_old_ones(gateway: Gateway) -> None:
    gateway.take(changed(7, prev_seq=0))
    gateway.take(changed(1, "free", epoch="e2"))
    assert gateway.status() is Status.FREE
    gateway.take(changed(8, "occupied"))
    assert gateway.status() is Status.FREE
    assert len(gateway.spooled()) == 3


def test_a_snapshot_shows_the_present_and_the_past_does_not_turn_it_back(gateway: Gateway) -> None:
    gateway.take(changed(1))
    snapshot = {**changed(5, "free"), "type": "snapshot"}
    gateway.take(snapshot)
    assert gateway.status() is Status.FREE
    gateway.take(*(changed(seq, "occupied", historical=True) for seq in (2, 3, 4)))
    assert gateway.status() is Status.FREE
    kinds = [(r["event_type"], r["historical"]) for r in gateway.spooled()]
    assert kinds == [
        ("ARRIVAL", False),
        ("SNAPSHOT", False),
        *[("ARRIVAL", True)] * 3,
    ]


@pytest.mark.parametrize("at_once", [True, False])
def test_nor_where_the_stream_is_new_to_this_gateway(gateway: Gateway, at_once: bool) -> None:
    """A gateway that was replaced hears the present first and the whole past behind it."""
    gateway.take({**changed(5, "free"), "type": "snapshot"})
    past = [changed(seq, "occupied", historical=True) for seq in (1, 2, 3, 4)]
    for messages in [past] if at_once else [[each] for each in past]:
        assert not gateway.take(*messages).changed_spots
        assert gateway.status() is Status.FREE
    fresh = {**changed(5, "free"), "type": "snapshot", "epoch": "e2"}
    gateway.take(fresh, *(changed(seq, "occupied", epoch="e2") for seq in (1, 2)))
    assert gateway.status() is Status.FREE


def test_a_snapshot_of_a_new_epoch_is_not_turned_back_by_the_old_one(gateway: Gateway) -> None:
    gateway.take(changed(1))
    gateway.take({**changed(1, "free"), "type": "snapshot", "epoch": "e2"})
    gateway.take(changed(2))
    assert gateway.status() is Status.FREE
    gateway.restart()
    gateway.take(changed(3))
    assert gateway.status() is Status.FREE


def test_two_agents_of_one_spot_are_told_apart_by_who_they_are(gateway: Gateway) -> None:
    gateway.take(changed(9, prev_seq=0, spot_id="B1"))
    gateway.take(changed(1, "free", spot_id="B1", agent_id="pi-2"), agent="pi-2")
    assert gateway.status("B1") is Status.FREE


def test_every_record_of_a_spot_goes_upstream_under_the_spots_key(gateway: Gateway) -> None:
    birth = {**changed(3), "type": "birth", "session_id": "s", "version": "1", "spots": ["A1"]}
    gateway.take(
        changed(1),
        {**changed(2), "type": "health_changed", "health": "fault"},
        birth,
        {**changed(9), "type": "snapshot"},
    )
    keys = [row.key.partition("/")[0] for row in gateway.store.spool.read(0, 10)]
    assert keys == ["A1", "A1", "", "A1"]


def test_a_change_of_health_is_shown_and_the_status_stands(gateway: Gateway) -> None:
    weak = {**changed(2), "type": "health_changed", "health": "degraded", "health_reason": "weak"}
    gateway.take({**weak, "seq": 1, "prev_seq": 0})  # of a spot that was never heard of
    assert "A1" not in gateway.ingest.believed
    gateway.take(changed(2))
    outcome = gateway.take({**weak, "seq": 3, "prev_seq": 2})
    assert list(outcome.changed_spots) == ["A1"]
    gateway.restart()
    believed = gateway.ingest.believed["A1"]
    assert (believed.status, believed.health.value) == (Status.OCCUPIED, "degraded")
    assert believed.health_reason == "weak"
    assert believed.since.isoformat() == changed(2)["timestamp"]
    gateway.take({**changed(3, "free"), "type": "snapshot"})
    assert gateway.status() is Status.OCCUPIED


def test_everything_is_accounted_for(gateway: Gateway) -> None:
    gateway.take(changed(1), changed(1), changed(9), changed(2, "parked"), b"{", changed(3, "free"))
    gateway.take({**changed(9), "type": "snapshot"}, {**changed(2), "type": "snapshot"})
    gateway.take(changed(4, spot_id="Z9"))
    totals = gateway.ingest.totals
    assert totals["accepted"] == 4
    assert totals["accepted"] + totals["snapshots"] == totals["appended"] + totals["dead_lettered"]
    assert totals["appended"] == len(gateway.spooled()) == 3
    assert gateway.ingest.reasons == {"invalid": 1, "malformed_json": 1, "unknown_spot": 1}
    assert gateway.store.accepted() == {"pi-1": 4}


BAD: list[tuple[Any, str]] = [
    (b'{"type": "spot_changed", ', "malformed_json"),
    (b"\xff\xfe", "malformed_json"),
    (b"x" * 300_000, "oversize"),
    (b"[" * 100_000, "malformed_json"),
    ({"type": "weather", "epoch": "e1", "seq": 1, "prev_seq": 0}, "unknown_schema"),
    (changed(1, spot_id=7), "invalid"),
    (changed(1, status="parked"), "invalid"),
    (changed(1, confidence="high"), "invalid"),
    (changed(1, timestamp="yesterday"), "invalid"),
    (changed(1, spot_id="Z9"), "unknown_spot"),
    (changed(1, agent_id="pi-2"), "foreign_agent"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=lambda value: str(value)[:30])
def test_poison_is_kept_with_its_reason_and_delays_nobody(
    gateway: Gateway, bad: Any, reason: str
) -> None:
    other = changed(1, agent_id="pi-9", spot_id="B1")
    good = Arrived("pi-9", EVENTS.replace("pi-1", "pi-9"), json.dumps(other).encode())
    payload = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    gateway.ingest.take([Arrived("pi-1", EVENTS, payload), good])
    assert gateway.letters() == [reason]
    assert gateway.ingest.reasons[reason] == 1
    assert gateway.status("B1") is Status.OCCUPIED


def test_a_dead_letter_counts_as_committed(gateway: Gateway) -> None:
    outcome = gateway.take([changed(1), changed(2, "parked"), changed(3, "free")])
    assert acked(outcome) == 3
    assert gateway.letters() == ["invalid"]
    assert [r["seq"] for r in gateway.spooled()] == [1, 3]


def test_another_agents_spot_is_refused(gateway: Gateway) -> None:
    gateway.take(changed(1, agent_id="pi-2"), agent="pi-2")
    assert gateway.letters() == ["foreign_spot"]
    assert "A1" not in gateway.ingest.believed


def test_a_record_from_the_future_is_taken_and_dated_anew(gateway: Gateway) -> None:
    """Its agent's clock lies, not its sensor."""
    gateway.ingest.note_clock("pi-1", "pi-boot", 1_000_000)
    gateway.clock.now_s += 50
    later = (START + timedelta(days=3650)).isoformat()
    gateway.take(changed(1), changed(2, "free", timestamp=later, monotonic_ms=990_000))
    assert gateway.status() is Status.FREE
    record = gateway.spooled()[-1]
    assert (record["clock"], record["timestamp"]) == ("estimated", "2026-03-01T11:59:50.000Z")
    assert not gateway.letters()
    assert gateway.ingest.totals["from_the_future"] == 1


def test_a_time_that_clocks_may_differ_by_is_left_as_it_is(gateway: Gateway) -> None:
    ahead = (START + timedelta(seconds=299)).isoformat()
    gateway.take(changed(1, timestamp=ahead))
    assert gateway.spooled()[0]["clock"] == "synced"


def test_an_unsynced_record_is_dated_from_the_heartbeat_of_its_boot(gateway: Gateway) -> None:
    gateway.ingest.note_clock("pi-1", "pi-boot", 1_000_000)
    gateway.clock.now_s += 50
    old = changed(1, clock="unsynced", timestamp="1970-01-01T00:00:09Z", monotonic_ms=990_000)
    gateway.take(old)
    record = gateway.spooled()[0]
    assert record["clock"] == "estimated"
    assert record["timestamp"] == "2026-03-01T11:59:50.000Z"


def test_an_unsynced_record_of_an_unknown_boot_is_dated_by_its_receipt(gateway: Gateway) -> None:
    gateway.take(changed(1, clock="unsynced", timestamp="2079-01-01T00:00:00Z"))
    assert gateway.spooled()[0]["timestamp"] == "2026-03-01T12:00:00.000Z"
    assert not gateway.letters()


def test_a_gateway_without_a_clock_refuses_no_time_and_estimates_none(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, SetClock(synced=False))
    gateway.take(changed(1, timestamp="2079-01-01T00:00:00Z"))
    gateway.take(changed(2, "free", clock="unsynced", timestamp="1970-01-01T00:00:09Z"))
    assert [r["clock"] for r in gateway.spooled()] == ["synced", "unsynced"]


def counted(seq: int, event_type: str) -> dict[str, Any]:
    record = changed(seq)
    for name in ("spot_id", "status", "previous"):
        del record[name]
    return record | {
        "type": "vehicle_counted",
        "event_id": f"lane:{seq}",
        "event_type": event_type,
        "lane_id": "in",
        "zone_id": "L",
    }


def test_the_count_is_the_sum_of_a_ledger_however_often_it_is_told(gateway: Gateway) -> None:
    messages = [counted(n, "DEPARTURE" if n == 4 else "ARRIVAL") for n in (1, 2, 3, 4)]
    for _ in range(3):
        gateway.take(*messages)
    replaced = [{**m, "epoch": "e2"} for m in messages]  # the agent's store was made anew
    gateway.take(*replaced)
    assert gateway.store.counts() == {"L": 2}


def test_a_commit_that_fails_leaves_nothing_behind(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.take(changed(1))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(gateway.store, "put_spots", full)
        with pytest.raises(sqlite3.OperationalError):
            gateway.take(changed(2, "free"))
    assert gateway.status() is Status.OCCUPIED
    assert gateway.store.spool.last_seq == 1
    assert acked(gateway.take(changed(2, "free"))) == 2
    assert [r["seq"] for r in gateway.spooled()] == [1, 2]
    gateway.restart()
    assert gateway.status() is Status.FREE


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_delivery_ends_in_the_truth(tmp_path_factory: Any, data: st.DataObject) -> None:
    """Drops, repeats, disorder and restarts; the agent sends again from what is acknowledged."""
    gateway = Gateway(tmp_path_factory.mktemp("lot"))
    stream = [
        changed(n, data.draw(st.sampled_from(["free", "occupied"])), spot_id=spot)
        for n, spot in enumerate(data.draw(st.lists(st.sampled_from(["A1", "A2"]), max_size=12)), 1)
    ]
    committed = 0
    for _ in range(40):
        if committed == len(stream):
            break
        window = [m for m in stream[committed : committed + 5] if data.draw(st.booleans())]
        window += window[: data.draw(st.integers(0, 2))]
        if data.draw(st.booleans()):
            window = data.draw(st.permutations(window))
        outcome = gateway.take(*window)
        if data.draw(st.integers(0, 4)) == 0:
            gateway.restart()
        if ("pi-1", "e1") in outcome.acks:
            committed = max(committed, acked(outcome))
    gateway.take(*stream[committed:])
    assert [r["seq"] for r in gateway.spooled()] == list(range(1, len(stream) + 1))
    for spot in ("A1", "A2"):
        last = [m["status"] for m in stream if m["spot_id"] == spot][-1:]
        assert [gateway.status(spot).value] == last if last else spot not in gateway.ingest.believed
    gateway.store.close()


def test_a_copy_of_an_agents_store_is_found_by_the_record_that_both_gave(gateway: Gateway) -> None:
    """Its records must neither pass for the other's nor be acknowledged as if they did."""
    gateway.take(changed(1), changed(2, "free"))
    gateway.restart()
    copies = [changed(seq, boot_id="copy-boot", spot_id="A2") for seq in (2, 3, 4)]
    ack = gateway.take(copies).acks["pi-1", "e1"]
    original = changed(2)
    assert (ack.seq, ack.mark) == (2, mark_of("pi-boot", original["monotonic_ms"]))
    assert len(gateway.spooled()) == 2
    gateway.take(changed(3))
    assert len(gateway.spooled()) == 2
    gateway.clock.now_s += COPY_PAUSE_S
    gateway.take(changed(3))
    assert [r["spot_id"] for r in gateway.spooled()] == ["A1"] * 3


def test_what_comes_again_is_no_copy(gateway: Gateway) -> None:
    gap = {k: v for k, v in changed(1).items() if k not in ("spot_id", "status", "previous")}
    gap |= {"type": "gap", "first_seq": 1, "last_seq": 1, "count": 1, "reason": "spool_full"}
    gateway.take(gap)
    gateway.take(gap | {"monotonic_ms": 1_000_000}, changed(2))  # it has the time of its sending
    assert acked(gateway.take(changed(2), changed(3, "free"))) == 3
