"""Real agents, broker and gateway on hosts of their own, over links that fail in every way.

Fast samples of each fault run in `make test`, the long ones in `make proof`.
"""

import math
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime.mqtt import GIVE_UP
from simulator import netlot
from simulator.clock import LotClock
from simulator.lot import SimulatedLot
from simulator.netlot import (
    HEARTBEAT_S,
    KEEPALIVE_S,
    OFFLINE_S,
    Bays,
    Heard,
    NetLot,
    Watcher,
    stays,
)

PATIENCE_S = 30.0
START_S = 3.0
MOVED_S = 5.0
"""So long after its departure a vehicle has moved out, and its bay is known to be free."""
TICK_S = 1.0
"""So often the gateway looks who is silent."""
QUICK_S = 2.0
"""What is told at once is heard within this, on a busy machine too."""

GIVEN_UP_S = GIVE_UP * KEEPALIVE_S + HEARTBEAT_S
"""So long after a link died at the latest the kernel gives up what was last sent on it."""

GROWTH_MB = 4.0
"""While a backlog drains: 3,000 records that an agent kept, once sent, were 6.5 MB."""

QUOTA = Path(__file__).parents[2] / "firmware-config" / "broker-quota.nft"

MISSING = netlot.missing()
INHERENT = "" if os.geteuid() == 0 else "inherent: "
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{INHERENT}no test hosts: {MISSING}"),
    pytest.mark.timeout(600),
]

MakeLot = Callable[..., NetLot]


@pytest.fixture
def make_lot(tmp_path: Path) -> Iterator[MakeLot]:
    """Makes a lot of agents and their bays; all of it ends with the test."""
    made: list[NetLot] = []

    def make(agents: dict[str, Bays]) -> NetLot:
        made.append(NetLot(tmp_path, agents))
        return made[-1]

    yield make
    for lot in made:
        lot.close()


def empty(*agents: str) -> dict[str, Bays]:
    """Two bays an agent in which nothing ever stands."""
    return {agent: {f"{agent}.1": [], f"{agent}.2": []} for agent in agents}


def busy(for_s: float, *agents: str, bays: int = 4) -> dict[str, Bays]:
    """Bays with stays that begin soon and have ended in `for_s`."""
    begin_s = time.monotonic() + START_S
    return {
        agent: {
            f"{agent}.{n}": stays(f"{agent}.{n}", begin_s, begin_s + for_s) for n in range(bays)
        }
        for agent in agents
    }


def shows(lot: NetLot, spot_id: str, *statuses: str) -> Callable[[Heard], bool]:
    topic = lot.topics.spot(spot_id)
    return lambda heard: heard.topic == topic and heard.body["status"] in statuses


def beats(lot: NetLot, agent: str) -> Callable[[Heard], bool]:
    topic = lot.topics.agent(agent, "health")
    return lambda heard: heard.topic == topic and heard.body["status"] == "up"


def begun(lot: NetLot) -> Watcher:
    """Start the lot, and return once every bay is seen to be free."""
    lot.start()
    watcher = lot.watcher(f"{lot.topics.root}/#")
    for bays in lot.bays.values():
        for bay in bays:
            watcher.first(shows(lot, bay, "free"), PATIENCE_S)
    return watcher


def let_pass(seconds: float) -> None:
    """Let the world go on: time is what these tests are about."""
    threading.Event().wait(seconds)


def finished(lot: NetLot) -> None:
    """Every stay is over; all that was committed has arrived: once, in order, and is shown."""
    sojourns = [each for bays in lot.bays.values() for bay in bays.values() for each in bay]
    let_pass(max(end_s for _, end_s in sojourns) + MOVED_S - time.monotonic())
    lot.await_settled(PATIENCE_S)
    changes = 0
    for agent in lot.agents:
        committed = lot.committed(agent)
        assert lot.sunk_of(agent) == committed
        assert [told.seq for told in committed] == list(range(1, len(committed) + 1))
        changes += sum(told.status in ("free", "occupied") for told in committed)
        display = lot.watcher(f"{lot.topics.root}/spots/+/state")
        for told in {told.spot_id: told for told in committed if told.status}.values():
            display.first(shows(lot, str(told.spot_id), str(told.status)), PATIENCE_S)
    print(f"{changes} changes of {len(sojourns)} stays, none lost, doubled or out of order")
    assert changes > 1.5 * len(sojourns)


def redial_s(lot: NetLot, watcher: Watcher, agent: str) -> float:
    """How long after its connection went dead silently an agent is heard again."""
    lot.network.forget_connections(agent)
    cut_s = time.monotonic()
    heard = watcher.first(beats(lot, agent), PATIENCE_S, cut_s + 0.1)
    lot.network.mend(agent)
    return heard.at_s - cut_s


def silenced_s(lot: NetLot, watcher: Watcher, spot_id: str, since_s: float) -> float:
    return watcher.first(shows(lot, spot_id, "unknown"), PATIENCE_S, since_s).at_s - since_s


def test_a_dead_link_is_replaced_and_a_silent_bay_is_unknown_within_two_keepalives(
    make_lot: MakeLot,
) -> None:
    """Red without TCP_USER_TIMEOUT, and with offline_after_s = 30."""
    lot = make_lot(empty("pi-1", "pi-2"))
    watcher = begun(lot)
    lot.network.cut("pi-2")
    cut_s = time.monotonic()
    redialled_s = redial_s(lot, watcher, "pi-1")
    unknown_s = silenced_s(lot, watcher, "pi-2.1", cut_s)
    print(f"redialled in {redialled_s:.1f} s, unknown in {unknown_s:.1f} s")
    assert redialled_s < GIVEN_UP_S + QUICK_S
    assert unknown_s < 2 * KEEPALIVE_S
    lot.network.mend("pi-2")
    watcher.first(shows(lot, "pi-2.1", "free"), PATIENCE_S, cut_s + unknown_s)


def flap(lot: NetLot, agent: str, times: int, rng: random.Random) -> None:
    """Cut an agent's link again and again, for moments and for longer than it may be silent."""
    for number in range(times):
        long = number % 10 == 9
        lot.network.cut(agent)
        let_pass(rng.uniform(1.5, 2) * OFFLINE_S if long else rng.uniform(0, 1))
        lot.network.mend(agent)
        let_pass(rng.uniform(0, 2))


@dataclass
class Judge:
    """Reads what a display heard, and the agent's own words with it: was it shown as it was?"""

    agent: str
    heard_s: float
    down: bool = False
    offline: bool = False
    episodes: int = 0
    back_s: float = math.inf
    """When the agent was heard again that is still shown as offline."""

    def hears(self, each: Heard) -> None:
        """The next message. Raises AssertionError where a display told people wrong."""
        silent_s = each.at_s - self.heard_s
        assert each.at_s - self.back_s < QUICK_S, f"{self.agent} is back and shown as offline"
        late = silent_s > OFFLINE_S + TICK_S + QUICK_S
        assert self.offline or not late, f"{self.agent} is silent for {silent_s:.1f} s, not shown"
        if f"/agents/{self.agent}/" in each.topic and not each.retained:
            self._word(each)
        elif f"/spots/{self.agent}." in each.topic:
            self._shown(each, silent_s)

    def _word(self, each: Heard) -> None:
        channel = each.topic.rsplit("/")[-1]
        if channel == "health":
            self.down = each.body["status"] == "down"
        if channel in ("health", "events") and not self.down:
            self.heard_s = each.at_s
            self.back_s = min(self.back_s, each.at_s) if self.offline else math.inf

    def _shown(self, each: Heard, silent_s: float) -> None:
        offline = each.body.get("reason") == "agent_offline"
        if offline and not self.offline:
            self.episodes += 1
            assert self.down or silent_s > OFFLINE_S - QUICK_S, f"after {silent_s:.1f} s"
        self.offline = offline
        self.back_s = math.inf if not offline else self.back_s


def shown_rightly(watcher: Watcher, agent: str) -> int:
    """How often a display showed the agent as offline, each time and only where it was."""
    heard = list(watcher.heard)
    judge = Judge(agent, heard[0].at_s)
    for each in heard:
        judge.hears(each)
    return judge.episodes


@pytest.mark.proof
def test_flaps_and_loss_cost_no_record(make_lot: MakeLot) -> None:
    lot = make_lot(busy(9, "pi-1", "pi-2", bays=8))
    lot.start()
    lot.network.lose("pi-2", 20)
    flap(lot, "pi-1", 5, random.Random(1))
    finished(lot)


@pytest.mark.proof
def test_fifty_flaps(make_lot: MakeLot) -> None:
    """Red with a gateway that takes every record for a new one; with events of QoS 0 and holes
    that are skipped; with offline_after_s of 30 and of 2.5; with every tenth tick alone."""
    lot = make_lot(busy(150, "pi-1", "pi-2", "pi-3", bays=8))
    lot.start()
    watcher = lot.watcher(f"{lot.topics.root}/#")
    watcher.first(beats(lot, "pi-1"), PATIENCE_S)
    flap(lot, "pi-1", 50, random.Random(2))
    finished(lot)
    episodes = {agent: shown_rightly(watcher, agent) for agent in lot.agents}
    print("shown as offline:", episodes)
    assert episodes["pi-1"] >= 5
    assert episodes["pi-2"] == episodes["pi-3"] == 0


@pytest.mark.proof
def test_a_fifth_of_all_packets_lost_for_two_minutes(make_lot: MakeLot) -> None:
    """At both ends of each way: at the agents' alone, TCP brought all through and proved only TCP.

    Red with a gateway that takes every record for a new one.
    """
    lot = make_lot(busy(120, "pi-1", "pi-2", "pi-3", bays=8))
    lot.start()
    for host in (*lot.agents, netlot.GATE):
        lot.network.lose(host, 20)
    let_pass(120)
    lot.network.mend(netlot.GATE)
    finished(lot)
    logs = [(lot.folder / f"{agent}.log").read_text() for agent in lot.agents]
    connections = sum(log.count("connected to broker") for log in logs)
    print(f"{connections} connections of {len(logs)} agents")
    assert connections > 2 * len(logs)


@pytest.mark.proof
def test_the_gateways_host_is_cut_off_from_all_again_and_again(make_lot: MakeLot) -> None:
    """Broker and gateway stay up together: every agent and display is alone.

    Red with a gateway that takes every record for a new one.
    """
    lot = make_lot(busy(100, "pi-1", "pi-2", "pi-3", bays=8))
    lot.start()
    for seconds in (3, 20, 40):
        let_pass(5)
        lot.network.cut(netlot.GATE)
        let_pass(seconds)
        lot.network.mend(netlot.GATE)
    finished(lot)


@pytest.mark.proof
def test_dead_links_ten_times(make_lot: MakeLot) -> None:
    """The distribution behind the fast sample's one figure."""
    lot = make_lot(empty("pi-1", "pi-2"))
    watcher = begun(lot)
    rng = random.Random(3)
    times_s = []
    for _ in range(10):
        let_pass(rng.uniform(2, 5))
        times_s.append(redial_s(lot, watcher, "pi-1"))
    print("redialled in", [round(each, 1) for each in sorted(times_s)])
    assert max(times_s) < 2 * KEEPALIVE_S


@pytest.mark.proof
def test_how_soon_each_kind_of_silence_is_shown(make_lot: MakeLot) -> None:
    """A killed agent is told by its will at once, a hung one or a cut one by silence.

    Red without the will, without the farewell, and with offline_after_s = 30.
    """
    lot = make_lot(empty("pi-1", "pi-2"))
    watcher = begun(lot)
    agent = lot.agents["pi-1"]

    def back(since_s: float) -> None:
        free = watcher.first(shows(lot, "pi-1.1", "free"), PATIENCE_S, since_s)
        watcher.first(beats(lot, "pi-1"), PATIENCE_S, free.at_s + HEARTBEAT_S / 2)  # at rest

    at_s = time.monotonic()
    agent.kill()
    killed_s = silenced_s(lot, watcher, "pi-1.1", at_s)
    agent.start()
    back(at_s + killed_s)
    at_s = time.monotonic()
    agent.stop()
    stopped_s = silenced_s(lot, watcher, "pi-1.1", at_s)
    agent.start()
    back(at_s + stopped_s)
    at_s = time.monotonic()
    os.kill(agent.pid, signal.SIGSTOP)
    hung_s = silenced_s(lot, watcher, "pi-1.1", at_s)
    os.kill(agent.pid, signal.SIGCONT)
    back(at_s + hung_s)
    print(f"killed {killed_s:.1f} s, stopped {stopped_s:.1f} s, hung {hung_s:.1f} s")
    assert killed_s < QUICK_S
    assert stopped_s < QUICK_S + 1
    assert hung_s < OFFLINE_S + QUICK_S


def offline_day(lot: NetLot, agent: str, records: int) -> datetime:
    """Fill an agent's store, as while there was no network, with about so many records.

    Answers a moment at which each bay had its last stay: what began after it is the present.
    """
    bays = list(lot.bays[agent])
    each = records // len(bays) // 2
    truth = {bay: [(n * 200.0 + 60, n * 200.0 + 140) for n in range(each)] for bay in bays}
    end_s = each * 200.0
    start = datetime.now(UTC) - timedelta(seconds=end_s + 60)
    clock = LotClock(start, 0)
    past = SimulatedLot(
        netlot.LOT, truth, clock, lot.mqtt, lot.folder, len(bays), quiet_s=100.0, publishes=False
    )
    past.start()
    for _ in past.play(end_s):
        pass
    past.stop()
    for path in lot.folder.glob("agent-00.db*"):
        path.rename(path.with_name(path.name.replace("agent-00", agent)))
    return start + timedelta(seconds=end_s - 100)


def shows_present(lot: NetLot, spot_id: str, last_stay: datetime) -> Callable[[Heard], bool]:
    free = shows(lot, spot_id, "free")
    return lambda heard: free(heard) and datetime.fromisoformat(heard.body["since"]) > last_stay


@pytest.mark.proof
@pytest.mark.parametrize(("records", "kbit"), [(600, 64), (3000, 64), (3000, None)])
def test_a_backlog_drains_over_64_kbit_or_under_the_quota(
    make_lot: MakeLot, records: int, kbit: int | None
) -> None:
    """The present comes first, the past in order, and memory does not grow with what waits.

    Red without snapshots; with arrays sent backwards to a gateway that skips holes; with an agent
    that keeps what it sent; under a quota of 2 kB/s.
    """
    lot = make_lot({"pi-1": {f"pi-1.{n}": [] for n in range(10)}})
    last_stay = offline_day(lot, "pi-1", records)
    waiting = len(lot.committed("pi-1"))
    if kbit:
        lot.network.slow("pi-1", kbit)
    else:
        lot.hosts[netlot.GATE].run("nft", "-f", str(QUOTA))
    watcher_began_s = time.monotonic()
    lot.start()
    watcher = lot.watcher(f"{lot.topics.root}/spots/+/state")
    for bay in lot.bays["pi-1"]:
        watcher.first(shows_present(lot, bay, last_stay), PATIENCE_S)
    present_s = time.monotonic() - watcher_began_s
    before_mb = [netlot.peak_mb(each) for each in (lot.agents["pi-1"], lot.gateway)]
    lot.await_settled(300)
    drained_s = time.monotonic() - watcher_began_s
    committed = lot.committed("pi-1")
    assert lot.sunk_of("pi-1") == committed
    assert len(committed) >= waiting >= records
    peak_mb = [netlot.peak_mb(each) for each in (lot.agents["pi-1"], lot.gateway)]
    print(
        f"{len(committed)} records in {drained_s:.0f} s, the present in {present_s:.1f} s; at most "
        f"{peak_mb[0]:.0f} MB at the agent, {peak_mb[1]:.0f} MB at the gateway"
    )
    assert present_s < drained_s / 2
    grown_mb = [peak - before for peak, before in zip(peak_mb, before_mb, strict=True)]
    assert max(grown_mb) < GROWTH_MB, grown_mb
