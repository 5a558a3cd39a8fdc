"""The publisher on real brokers, with a gateway that acknowledges when it is told to."""

import socket
import subprocess
from pathlib import Path

import pytest

from agent.testing import Rig, SetClock, settings_of
from contract.requests import Ack


def test_what_was_seen_before_the_broker_was_reached_is_sent_in_order(rig: Rig) -> None:
    rig.agent.free()
    rig.agent.occupy()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4])
    assert [r["prev_seq"] for r in gateway.records] == [0, 1, 2, 3]
    assert {(r["agent_id"], r["epoch"]) for r in gateway.records} == {
        ("pi-1", rig.agent.store.epoch)
    }


def test_one_change_is_one_flat_object(rig: Rig) -> None:
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    assert isinstance(gateway.messages[0], dict)


def test_only_the_gateways_ack_frees_a_record(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.until(lambda: any(h.last_seq == 3 for h in gateway.healths))
    rig.await_(lambda: rig.publisher.pubacks >= 1)
    assert rig.agent.store.acked_seq == 0
    gateway.ack(rig.agent, 3)
    rig.acked(3)
    assert rig.agent.store.depth().waiting == 0


def test_an_ack_of_another_epoch_is_not_ours(rig: Rig) -> None:
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    stale = Ack(store_id="store-1", epoch="long-gone", seq=99)
    topic = gateway.topics.agent("pi-1", "ack")
    gateway.link.publish(topic, stale.model_dump_json().encode())
    gateway.link.publish(topic, b"not an ack")
    gateway.ack(rig.agent, 1)
    rig.acked(1)


@pytest.mark.parametrize("is_copy", [True, False])
def test_an_ack_of_a_record_that_another_made_begins_an_epoch(rig: Rig, is_copy: bool) -> None:
    """The store is a copy of one that went on elsewhere: what it has would be forgotten unsent."""
    store = rig.agent.store
    before = store.epoch
    rig.agent.free()
    mark = store.mark_at(3)
    assert mark
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    ack = Ack(store_id="store-1", epoch=before, seq=3, mark="another" if is_copy else mark)
    gateway.link.publish(gateway.topics.agent("pi-1", "ack"), ack.model_dump_json().encode())
    if is_copy:
        gateway.until(lambda: gateway.seqs == [1, 2, 3, 1, 2, 3])
        assert [r["epoch"] for r in gateway.records] == [before] * 3 + [store.epoch] * 3
    else:
        rig.acked(3)
    assert (store.epoch != before) is is_copy


def test_a_hole_is_filled_when_it_is_asked_for(rig: Rig) -> None:
    rig.agent.free()
    rig.agent.occupy()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4])
    gateway.ack(rig.agent, 2, resend_from=2)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4, 3, 4])
    assert gateway.records[4]["prev_seq"] == 2


def test_a_gateway_that_comes_again_gets_what_it_has_not_acknowledged(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    gateway.come_up("one")
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.ack(rig.agent, 1)
    rig.acked(1)
    beats = len(gateway.healths)
    gateway.come_up("two")
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 2, 3])
    gateway.until(lambda: len(gateway.healths) > beats)


def test_a_gateway_that_comes_first_after_the_records_gets_them_at_once(rig: Rig) -> None:
    """The broker had nobody to keep them for, and the agent knows no gateway before."""
    rig.agent.free()
    rig.publisher.start()
    rig.await_(lambda: rig.publisher.pubacks >= 1 and rig.publisher.window.sent == 3)
    gateway = rig.gateway()
    gateway.come_up("one")
    gateway.until(lambda: gateway.seqs == [1, 2, 3])


def test_a_gateway_that_was_there_before_the_agent_gets_nothing_twice(rig: Rig) -> None:
    gateway = rig.gateway()
    gateway.come_up("one")
    rig.agent.free()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    rig.await_(lambda: rig.publisher._gateway_session == "one")
    rig.agent.occupy()
    gateway.until(lambda: gateway.seqs[-1] == 4)
    assert gateway.seqs == [1, 2, 3, 4]


def test_another_gateways_store_gets_everything_from_the_beginning(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.ack(rig.agent, 3)
    rig.acked(3)
    gateway.store_id = "store-2"
    gateway.ack(rig.agent, 0)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 1, 2, 3])
    assert gateway.records[3]["prev_seq"] == 0


def test_a_gateway_that_went_back_gets_again_what_it_had_acknowledged(rig: Rig) -> None:
    """Its disk lied about its syncs, or its file is an older copy: nothing else would tell it."""
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    gateway.ack(rig.agent, 3)
    rig.acked(3)
    gateway.ack(rig.agent, 1)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 2, 3])
    assert gateway.records[3]["prev_seq"] == 1


def test_a_running_gateway_that_is_silent_is_told_again(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), ack_timeout_s=0.3)
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    gateway.come_up("one")
    gateway.until(lambda: gateway.seqs[:2] == [1, 1])
    rig.stop()


def test_the_window_bounds_what_is_under_way(tmp_path: Path, broker: tuple[str, int]) -> None:
    rig = Rig(tmp_path, settings_of(broker), window_records=6, batch=4)
    for _ in range(10):
        rig.agent.occupy()
        rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: len(gateway.seqs) == 6)
    gateway.until(lambda: len(gateway.healths) >= 2)  # time passes and no more comes
    assert gateway.seqs == [1, 2, 3, 4, 5, 6]
    gateway.ack(rig.agent, 4)
    gateway.until(lambda: gateway.seqs == list(range(1, 11)))
    rig.stop()


def test_the_heartbeat_tells_of_sensors_spool_and_machine(rig: Rig) -> None:
    rig.agent.free()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: any(h.status == "up" for h in gateway.healths))
    health = next(h for h in gateway.healths if h.status == "up")
    assert health.spots["A1"].value == 2500.0
    assert health.spots["A1"].status.value == "free"
    assert health.spool is not None
    assert health.spool.waiting == 3
    assert health.telemetry.versions["lotkeeper"]
    rig.publisher.stop()
    gateway.until(lambda: gateway.healths[-1].status == "down")
    assert gateway.healths[-1].session_id == health.session_id


def test_silence_is_no_reason_to_send_again_while_the_gateway_is_down(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), ack_timeout_s=0.2, heartbeat_s=0.2)
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1])
    gateway.until(lambda: len(gateway.healths) >= 5)  # a second: five times its patience
    assert gateway.seqs == [1]
    gateway.come_up("one")
    gateway.until(lambda: gateway.seqs[:2] == [1, 1])
    rig.stop()


def test_what_an_unsynced_clock_stamped_goes_out_dated_once_it_is_known(
    tmp_path: Path, broker: tuple[str, int]
) -> None:
    rig = Rig(tmp_path, settings_of(broker), SetClock(synced=False), window_records=3)
    rig.agent.free()
    rig.agent.occupy()
    gateway = rig.gateway()
    rig.publisher.start()
    gateway.until(lambda: gateway.seqs == [1, 2, 3])
    assert {r["clock"] for r in gateway.records[1:]} == {"unsynced"}
    rig.agent.clock.is_synced = True
    gateway.until(lambda: gateway.healths[-1].clock.value == "synced")
    gateway.ack(rig.agent, 1)
    gateway.until(lambda: gateway.seqs == [1, 2, 3, 4])
    assert gateway.records[-1]["clock"] == "synced"
    assert gateway.records[-1]["timestamp"].startswith("2026-03-01T12:00:")
    rig.stop()


def test_it_starts_without_a_broker_and_connects_when_there_is_one(
    tmp_path: Path, mosquitto: tuple[str, int]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    rig = Rig(tmp_path, settings_of(("127.0.0.1", port), "5"))
    rig.publisher.start()
    rig.agent.free()
    assert not rig.publisher.link.connected
    broker = subprocess.Popen(["/usr/sbin/mosquitto", "-p", str(port)], stderr=subprocess.DEVNULL)
    try:
        gateway = rig.gateway()
        gateway.ack(rig.agent, 0, resend_from=0)  # what came before it subscribed
        gateway.until(lambda: gateway.seqs[-3:] == [1, 2, 3])
        gateway.ack(rig.agent, 3)
        rig.acked(3)
        rig.stop()
    finally:
        broker.kill()
        broker.wait(10)
