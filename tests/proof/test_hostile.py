"""A lot with something broken or hostile in its network: the others go on, and people are told."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import hostile, netlot
from simulator.netlot import HEARTBEAT_S, STRANGER, Heard, NetLot, Watcher
from tests.proof.probe import PATIENCE_S, PROBED, Probe

REPO = Path(__file__).parents[2]
QUOTA = REPO / "firmware-config" / "broker-quota.nft"
TICK_S = 1.0
"""How often the gateway looks, and a broker lets a client whose place was taken come back."""

SHOWN_MS = 2000.0
"""A change is shown within this on the busiest machine, where nothing is stuck."""
PROMISED_MS = 20.0
"""So soon 99 of 100 changes are shown during a flood, and messages go through the broker, where
the lot's processes have a machine of their own."""
FLOOD_S = 15.0
LEAST_PER_S = 40
"""Messages: with fewer it was no flood. The quota lets 80 of 300 bytes through in a second."""
MEMORY = Path("/dev/shm")
"""The stores are in memory where there is such a place: what a disk adds is the disk's."""

MISSING = netlot.missing()
INHERENT = "" if os.geteuid() == 0 else "inherent: "
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{INHERENT}no test hosts: {MISSING}"),
    pytest.mark.timeout(600),
]

EMPTY: netlot.Bays = {"A1": [], "A2": []}


@pytest.fixture(scope="module")
def opened() -> Iterator[NetLot]:
    """A lot with a place for an agent process, pi-1, and for one that a test feeds by hand."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        made = NetLot(Path(folder), {"pi-1": EMPTY, "probe": PROBED})
        try:
            made.open()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def watcher(opened: NetLot) -> Watcher:
    """Hears everything, also the first that pi-1 says."""
    made = opened.watcher(f"{opened.topics.root}/#")
    made.first(lambda heard: heard.topic == opened.topics.gateway_health, PATIENCE_S)
    return made


@pytest.fixture(scope="module")
def lot(opened: NetLot, watcher: Watcher) -> NetLot:
    """With pi-1 at work, its bays seen to be free."""
    opened.agents["pi-1"].start()
    watcher.first(is_state(opened, "A2", "free"), PATIENCE_S)
    return opened


def is_state(lot: NetLot, spot_id: str, status: str) -> Any:
    topic = lot.topics.spot(spot_id)
    return lambda heard: heard.topic == topic and heard.body["status"] == status


def connections_of(lot: NetLot, agent: str) -> int:
    """How often an agent has connected."""
    return (lot.folder / f"{agent}.log").read_text().count("connected to broker")


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


@pytest.fixture
def probe(lot: NetLot) -> Iterator[Probe]:
    made = Probe(lot)
    made.latencies_ms(len(PROBED))
    yield made
    made.close()


@pytest.fixture
def quota(lot: NetLot) -> Iterator[None]:
    """The firewall's limit for each sender, as it is shipped."""
    gate = lot.hosts[netlot.GATE]
    gate.run("nft", "-f", str(QUOTA))
    yield
    gate.run("nft", "delete", "table", "inet", "lotkeeper_quota")


@pytest.fixture
def undisturbed(lot: NetLot, probe: Probe) -> Iterator[None]:
    """The lot's processes and ours run before all others: a gateway has a machine of its own."""
    ours = [lot.broker.pid, lot.gateway.pid, os.getpid()]
    try:
        schedule(ours, os.SCHED_RR, 1)
    except PermissionError:
        pytest.skip("inherent: real-time scheduling (CAP_SYS_NICE) is not allowed here")
    yield
    schedule(ours, os.SCHED_OTHER, 0)


def schedule(pids: list[int], policy: int, priority: int) -> None:
    """Every thread of these processes; threads that they start inherit it."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), policy, os.sched_param(priority))


@contextlib.contextmanager
def flooding(lot: NetLot, qos: int, payload_bytes: int, seconds: float) -> Iterator[None]:
    """A stranger floods, who takes nothing of the gateway's machine but what he sends."""
    topic = lot.topics.agent("evil", "events")
    words = [lot.address, topic, str(qos), str(payload_bytes), str(seconds)]
    command = ["chrt", "--other", "0", sys.executable, "-m", "simulator.hostile", *words]
    with subprocess.Popen(
        lot.hosts[STRANGER].command(command), stdout=subprocess.PIPE, text=True, cwd=REPO
    ) as flooder:
        try:
            yield
            assert flooder.stdout
            print(f"the flooder gave away {flooder.stdout.readline().strip()} messages")
        finally:
            flooder.kill()


def trips_ms(lot: NetLot, count: int) -> list[float]:
    """From an agent's host to the broker and back, QoS 1, one after the other."""
    client = lot.watcher("trip", host="pi-1")
    times = []
    for _ in range(count):
        word = uuid.uuid4().bytes
        sent_s = time.monotonic()
        client.link.publish("trip", word)
        heard = client.first(lambda each, word=word: each.payload == word, PATIENCE_S)
        times.append((heard.at_s - sent_s) * 1000)
        threading.Event().wait(0.05)
    client.close()
    return times


def rubbish(lot: NetLot) -> int:
    """How many messages the gateway has thrown away so far."""
    totals = lot.status()["totals"]
    return int(totals.get("cut_in_flood", 0) + totals.get("letters_not_kept", 0))


def told(name: str, values: list[float]) -> str:
    return f"{name} p50 {share(values, 0.5):.1f} p99 {share(values, 0.99):.1f} ms;"


@pytest.mark.usefixtures("quota")
def test_a_flood_holds_nobody_up(lot: NetLot, probe: Probe) -> None:
    """Red without the quota: no change is shown as long as the flood lasts."""
    quiet = probe.latencies_ms(5)
    with flooding(lot, 0, 20, 3):
        flooded = probe.latencies_ms(20)
    print(told("quiet", quiet), told("flooded", flooded))
    assert max(flooded) < SHOWN_MS


@pytest.mark.proof
@pytest.mark.usefixtures("quota", "undisturbed")
@pytest.mark.parametrize(("qos", "payload_bytes"), [(0, 0), (0, 300), (1, 0)])
def test_a_flood_against_the_same_without(
    lot: NetLot, probe: Probe, qos: int, payload_bytes: int
) -> None:
    """Rounds in turn. From an agent's commit to a display, with the gateway's commit between."""
    quiet: list[float] = []
    flooded: list[float] = []
    quiet_trips: list[float] = []
    flooded_trips: list[float] = []
    before = rubbish(lot)
    for _ in range(3):
        quiet_trips += trips_ms(lot, 50)
        quiet += probe.latencies_ms(80)
        with flooding(lot, qos, payload_bytes, FLOOD_S):
            flooded_trips += trips_ms(lot, 50)
            flooded += probe.latencies_ms(80)
    print(told("shown: quiet", quiet), told("flooded", flooded))
    print(told("broker: quiet", quiet_trips), told("flooded", flooded_trips))
    arrived = rubbish(lot) - before
    print(f"{arrived} messages of the flood came as far as the gateway")
    assert arrived > 3 * FLOOD_S * LEAST_PER_S
    assert share(flooded, 0.99) < PROMISED_MS
    assert share(flooded_trips, 0.99) < PROMISED_MS


def test_nonsense_is_cut_off_and_nobody_else(lot: NetLot, watcher: Watcher) -> None:
    """Red for a broker that leaves any of them open."""
    before = connections_of(lot, "pi-1")
    with lot.hosts[STRANGER].entered():
        tolerated = [
            name
            for name, words in hostile.NONSENSE.items()
            if not hostile.is_cut_off(lot.address, words)
        ]
        assert not hostile.is_cut_off(lot.address, hostile.hello("polite"), 1)
    assert tolerated == []
    watcher.first(
        lambda each: each.topic == lot.topics.agent("pi-1", "health"), PATIENCE_S, time.monotonic()
    )
    assert connections_of(lot, "pi-1") == before


def test_a_packet_too_large_is_cut_off_and_a_payload_too_large_is_a_dead_letter(
    lot: NetLot, watcher: Watcher
) -> None:
    """Red without max_packet_size in the broker, and with max_payload_bytes above it."""
    topic = lot.topics.agent("evil", "events")
    huge = hostile.message(topic, bytes(netlot.LARGEST_PACKET + 1))
    large = hostile.message(topic, bytes(netlot.LARGEST_PACKET - 1000))
    before = lot.status()["dead_letters"].get("oversize", 0)
    with lot.hosts[STRANGER].entered():
        assert hostile.is_cut_off(lot.address, hostile.hello("huge") + huge)
        assert not hostile.is_cut_off(lot.address, hostile.hello("large") + large, 2)
    assert lot.status()["dead_letters"]["oversize"] == before + 1


def restart(lot: NetLot, watcher: Watcher) -> None:
    """Kill pi-1 and start it; return when its bays are seen to be free again."""
    lot.agents["pi-1"].kill()
    killed_s = time.monotonic()
    lot.agents["pi-1"].start()
    watcher.first(is_state(lot, "A1", "free"), PATIENCE_S, killed_s)


def messages_of(lot: NetLot, watcher: Watcher, agent: str) -> list[Heard]:
    """What an agent itself has said so far, in order, but for its wills and farewells."""
    topics = {lot.topics.agent(agent, "events"), lot.topics.agent(agent, "health")}
    heard = [each for each in list(watcher.heard) if each.topic in topics and not each.retained]
    return [each for each in heard if b'"status":"down"' not in each.payload]


def state(lot: NetLot) -> dict[str, Any]:
    """All that the gateway holds and says of its agents, when what was sent has been taken in."""
    agents = lot.status()["agents"]
    with sqlite3.connect(f"file:{lot.folder}/gateway.db?mode=ro", uri=True) as database:
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if not row[0].startswith("sqlite_")
        ]
        held = {name: database.execute(f"SELECT * FROM [{name}]").fetchall() for name in names}
    return {**held, "agents": agents, "sunk": list(lot.sunk())}


def test_messages_sent_again_change_nothing_and_bring_nobody_back(
    lot: NetLot, watcher: Watcher
) -> None:
    """And who was only restarted is no clone. Red with a presence that takes every heartbeat for a
    sign of life, and with one to which every second session is a clone."""
    agent = lot.agents["pi-1"]
    restart(lot, watcher)
    killed_s = time.monotonic()
    agent.kill()
    watcher.first(is_state(lot, "A1", "unknown"), PATIENCE_S, killed_s)
    captured = messages_of(lot, watcher, "pi-1")
    assert {each.topic.rsplit("/")[-1] for each in captured} == {"events", "health"}
    before = state(lot)
    replayed_s = time.monotonic()
    thief = lot.watcher(host=STRANGER)
    for each in captured:
        thief.link.publish(each.topic, each.payload)
    thief.await_sent()
    after = state(lot)
    agent.start()
    watcher.first(is_state(lot, "A1", "free"), PATIENCE_S, replayed_s)
    assert before == after
    assert lot.status()["agents"]["pi-1"] == "online"
    print(f"{len(captured)} messages sent again")


def alert_of(lot: NetLot, agent: str) -> Any:
    topic = lot.topics.alert(f"clone.{agent}")
    return lambda heard: heard.topic == topic and heard.payload


def test_a_clone_is_told_within_a_heartbeat(lot: NetLot, watcher: Watcher) -> None:
    """A second process with pi-1's identity and a store of its own, as from a copied image.

    Red where sessions that take turns are not noticed, and with the alert left out.
    """
    clone = lot.agent(STRANGER, "pi-1", EMPTY, name="clone")
    clone.start()
    try:
        alert = watcher.first(alert_of(lot, "pi-1"), PATIENCE_S)
        epochs = await_epochs(lot, 2)
        told = lot.status()["agents"]["pi-1"]
    finally:
        clone.kill()
    beats = [each for each in messages_of(lot, watcher, "pi-1") if is_second_holder(lot, each)]
    turned_s = beats[0].at_s
    print(f"told {alert.at_s - turned_s:.1f} s after the clone's first heartbeat; epochs {epochs}")
    assert alert.at_s - turned_s < HEARTBEAT_S + TICK_S
    assert alert.body["agent_id"] == "pi-1"
    assert told.endswith("clone_suspected")


def is_second_holder(lot: NetLot, heard: Heard) -> bool:
    """Whether a heartbeat is of the clone: it has another epoch than pi-1's own store."""
    with sqlite3.connect(f"file:{lot.folder}/clone.db?mode=ro", uri=True) as database:
        ((epoch,),) = database.execute("SELECT value FROM agent WHERE name='epoch'")
    return heard.topic.endswith("/health") and heard.body.get("epoch") == epoch


def await_epochs(lot: NetLot, count: int) -> set[str]:
    """The epochs of pi-1's records at the sink, once there are so many."""
    deadline_s = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while True:
        found = {each["epoch"] for each in lot.sunk() if each["agent_id"] == "pi-1"}
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline_s, found
        pause.wait(0.1)
