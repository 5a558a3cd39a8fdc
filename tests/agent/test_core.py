"""The agent without threads: what it commits, with and without clock, sensor, room, restarts."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.core import Agent, BusThread
from agent.detector.moving import Movement
from agent.records import restamped
from agent.sensor import LAST_RETRY_S
from agent.store import AgentStore
from agent.testing import SetClock, ToldAgent, agent_settings
from contract.words import Status
from drivers import DriverError


def bodies(store: AgentStore) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in store.read(0, 1000)]


def changes(store: AgentStore) -> list[tuple[str, str]]:
    return [
        (body["previous"], body["status"])
        for body in bodies(store)
        if body["type"] == "spot_changed"
    ]


@pytest.fixture
def told(tmp_path: Path) -> ToldAgent:
    return ToldAgent(agent_settings(tmp_path), SetClock())


def test_a_birth_and_then_each_change_is_committed_at_once(told: ToldAgent) -> None:
    told.free()
    told.occupy()
    assert [body["type"] for body in bodies(told.store)] == [
        "birth", "spot_changed", "spot_changed",
    ]  # fmt: skip
    assert changes(told.store) == [("unknown", "free"), ("free", "occupied")]
    assert bodies(told.store)[2]["timestamp"] == "2026-03-01T12:00:07.000Z"  # the first crossing


def test_a_restart_repeats_nothing_and_goes_on(tmp_path: Path, told: ToldAgent) -> None:
    told.free()
    told.occupy()
    epoch = told.store.epoch
    told.agent.close()
    again = ToldAgent(agent_settings(tmp_path), told.clock)
    again.occupy()
    assert again.store.epoch == epoch
    assert changes(again.store) == [("unknown", "free"), ("free", "occupied")]
    again.free()
    assert changes(again.store)[-1] == ("occupied", "free")
    assert again.store.spool.last_seq == 5  # two births, three changes


def test_without_a_clock_it_senses_and_its_records_get_their_time_later(
    tmp_path: Path,
) -> None:
    clock = SetClock(synced=False)
    told = ToldAgent(agent_settings(tmp_path), clock)
    told.free()
    told.occupy()
    body = bodies(told.store)[-1]
    assert body["clock"] == "unsynced"
    assert body["timestamp"].startswith("1970-01-01")
    assert restamped(body, told.store.clock_pair) == body
    clock.now_s += 3600
    clock.is_synced = True
    told.agent.moment()
    stamped = restamped(body, told.store.clock_pair)
    assert stamped["clock"] == "synced"
    assert stamped["timestamp"] == "2026-03-01T12:00:07.000Z"


def test_a_boot_that_was_synced_dates_its_records_after_a_reboot_too(tmp_path: Path) -> None:
    clock = SetClock(synced=False)
    told = ToldAgent(agent_settings(tmp_path), clock)
    told.free()
    clock.is_synced = True
    told.agent.moment()
    told.agent.close()
    rebooted = ToldAgent(agent_settings(tmp_path), SetClock(synced=False, boot_id="boot-2"))
    first, *_, last = bodies(rebooted.store)
    assert restamped(first, rebooted.store.clock_pair)["clock"] == "synced"
    assert restamped(last, rebooted.store.clock_pair)["clock"] == "unsynced"


def test_a_dead_sensor_becomes_unknown_and_is_opened_again_with_a_back_off(
    told: ToldAgent,
) -> None:
    told.occupy()
    told.sensors[0].says = DriverError("no answer", hint="check the cable")
    told.run(600)
    assert changes(told.store)[-1] == ("occupied", "unknown")
    assert told.agent.watches[0].health(told.clock.now_s).reason == "no_data"
    opens = told.sensors[0].opens
    assert 10 < opens < 25  # 1, 2, 4 ... 60, 60 s apart
    told.sensors[0].says = 900.0
    told.run(LAST_RETRY_S + 70)
    assert changes(told.store)[-1] == ("occupied", "occupied")  # known again: no second arrival
    assert told.sensors[0].opens == opens + 1


def test_no_echo_is_never_free(told: ToldAgent) -> None:
    told.occupy()
    told.sensors[0].says = None
    told.run(300)
    assert changes(told.store)[-1] == ("occupied", "unknown")


def test_a_full_spool_keeps_each_spots_last_word_and_counts_what_it_gave_up(
    tmp_path: Path,
) -> None:
    settings = agent_settings(
        tmp_path, spots=2, spool={"path": tmp_path / "a.db", "limit_bytes": 20_000}
    )
    told = ToldAgent(settings, SetClock())
    told.occupy(1)
    for _ in range(100):
        told.occupy()
        told.free()
    kept = bodies(told.store)
    assert told.store.spool.bytes <= 20_000
    assert kept[0]["type"] == "birth"
    last = {body["spot_id"]: body["status"] for body in kept if body["type"] == "spot_changed"}
    assert last == {"A1": "free", "A2": "occupied"}
    depth = told.store.depth()
    assert depth.balanced
    assert sum(body["count"] for body in kept if body["type"] == "gap") == depth.dropped > 0


def test_what_the_gateway_has_is_the_first_to_go(tmp_path: Path) -> None:
    settings = agent_settings(tmp_path, spool={"path": tmp_path / "a.db", "limit_bytes": 20_000})
    told = ToldAgent(settings, SetClock())
    for _ in range(100):
        told.occupy()
        told.free()
        told.store.acknowledge(told.store.spool.last_seq)
    assert told.store.depth().dropped == 0
    assert told.store.spool.rows > 10  # kept for a gateway that is replaced
    assert told.store.spool.bytes <= 20_000


def test_another_gateways_store_is_offered_all_that_is_retained(told: ToldAgent) -> None:
    told.occupy()
    assert not told.store.meet("store-1")
    told.store.acknowledge(told.store.spool.last_seq)
    assert told.store.depth().waiting == 0
    assert told.store.meet("store-2")
    assert told.store.depth().waiting == told.store.spool.last_seq
    assert told.store.depth().balanced


def test_a_damaged_database_is_set_aside_and_what_can_be_read_is_taken_over(
    tmp_path: Path,
) -> None:
    told = ToldAgent(agent_settings(tmp_path), SetClock())
    told.occupy()
    epoch = told.store.epoch
    told.agent.close()
    path = tmp_path / "agent.db"
    data = bytearray(path.read_bytes())
    data[100:120] = b"\xff" * 20  # the schema's page header
    path.write_bytes(data)
    again = ToldAgent(agent_settings(tmp_path), told.clock)
    assert again.store.epoch != epoch
    assert list(tmp_path.glob("agent.db.damaged-*"))
    again.occupy()
    assert changes(again.store)[-1][1] == "occupied"


def test_a_hung_bus_is_a_fault_of_its_spots_alone(tmp_path: Path) -> None:
    settings = agent_settings(tmp_path, spots=2)
    told = ToldAgent(settings, SetClock())
    hang = threading.Event()
    reading = threading.Event()
    fine, stuck = told.agent.watches
    told.free()

    def hanging() -> None:
        reading.set()
        hang.wait(30)
        raise DriverError("woke up")

    told.sensors[1].read = hanging  # type: ignore[method-assign,assignment]
    thread = BusThread(told.agent, "stuck", [(stuck, stuck.sensors[0])])
    thread.start()
    assert reading.wait(10)
    for _ in range(100):
        told.clock.now_s += 1
        told.agent.poll(fine)
        if thread.hung():
            thread.miss_all()
    hang.set()
    thread.stopping.set()
    thread.join(10)
    last = {b["spot_id"]: b["status"] for b in bodies(told.store) if b["type"] == "spot_changed"}
    assert last == {"A1": "free", "A2": "unknown"}


def test_a_store_that_fails_ends_the_bus_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldAgent(agent_settings(tmp_path), SetClock())

    def broken(*_: object) -> None:
        raise OSError("I/O error")

    monkeypatch.setattr(told.store, "append", broken)
    told.sensors[0].says = DriverError("dead")
    thread = BusThread(told.agent, "told", [(each, each.sensors[0]) for each in told.agent.watches])
    thread.start()  # the set clock moves with each wait, so a minute passes at once
    thread.join(10)
    assert isinstance(thread.failure, OSError)


def test_neighbours_hear_each_others_movements(tmp_path: Path) -> None:
    """One of the two names the other; the third is nobody's neighbour."""
    spots = [
        {
            "spot_id": name,
            "sensor": {"kind": "simulated", "sensor": "magnetic"},
            "detector": {"kind": "magnetic"},
        }
        for name in ("A1", "A2", "A3")
    ]
    spots[1]["neighbours"] = ["A1"]
    told = ToldAgent(agent_settings(tmp_path, spots=spots), SetClock())
    near, speaker, far = told.agent.watches
    moved = Movement(990.0, 1000.0, 300.0, (100.0, 0.0, 0.0))
    speaker.state.magnetic.moved = moved
    for sensor in told.sensors:
        sensor.says = DriverError("asleep")
    for _ in range(2):
        told.agent.poll(speaker)
    assert list(near.state.magnetic.beside) == [("A2", moved)]
    assert not far.state.magnetic.beside
    assert not speaker.state.magnetic.beside
    assert set(near.state.magnetic.alive) == {"A2"}
    assert set(speaker.state.magnetic.alive) == {"A1"}
    assert not far.state.magnetic.alive
    speaker.state.watch.fresh_s = 1234.0
    told.agent.poll(speaker)
    assert near.state.magnetic.alive["A2"].heard_s == 1234.0


def test_the_ranger_of_a_fused_spot_sleeps_on_its_bus(tmp_path: Path) -> None:
    """Its bus wakes each second; it pings once in 15 s until something moves."""
    section = {
        "spot_id": "A1",
        "sensor": {"kind": "simulated", "mean_stay_s": 1e6, "initially_occupied": 0},
        "waker": {"kind": "simulated", "sensor": "magnetic", "initially_occupied": 0},
        "detector": {"kind": "fused", "ranging": {"floor_mm": 2500}},
    }
    settings = agent_settings(tmp_path, spots=[section])
    clock = SetClock()
    store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
    agent = Agent(settings, clock, store, "test")
    (watch,) = agent.watches
    ranger, waker = watch.sensors
    threads = [BusThread(agent, "r", [(watch, ranger)]), BusThread(agent, "m", [(watch, waker)])]
    pinged = set[float | None]()
    for tenth in range(3000):
        clock.now_s = 1000 + tenth / 10
        for thread in threads:
            thread.poll_due()
        if clock.now_s > 1150:
            pinged.add(ranger.polled_s)
    assert watch.state.status is Status.FREE
    assert 10 <= len(pinged) <= 11
    agent.close()


def test_a_spot_that_is_no_longer_configured_is_unknown_until_it_is_again(tmp_path: Path) -> None:
    both, one = agent_settings(tmp_path, spots=2), agent_settings(tmp_path, spots=1)
    told = ToldAgent(both, SetClock())
    told.occupy(1)
    told.agent.close()
    for _ in range(2):  # it is said once
        without = ToldAgent(one, told.clock)
        without.run(5)
        without.agent.close()
    again = ToldAgent(both, told.clock)
    again.occupy(1)
    said = [
        (body["status"], body["previous"], body["health_reason"])
        for body in bodies(again.store)
        if body.get("spot_id") == "A2"
    ]
    assert said == [
        ("occupied", "unknown", ""),
        ("unknown", "occupied", "unconfigured"),
        ("occupied", "occupied", ""),
    ]
    again.agent.close()
