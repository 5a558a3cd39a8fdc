"""Ingest against a model: agents that drop, repeat and start anew, a gateway that restarts.

The agents are as the contract wants them: a record is offered until the application ack is past
it. Whatever the network does in between, at the end each spot is as its agent last said, and the
spool holds each record once, each spot's in order.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contract.requests import Ack
from gateway.batch import Arrived, Outcome
from gateway.desk import Desk
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.requests import answer
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings

SPOTS = {"pi-1": ("A1", "A2"), "pi-2": ("B1",)}
AGENTS = st.sampled_from(sorted(SPOTS))
LIMIT_BYTES = 50_000_000


class Agent:
    """An agent's store: what it has recorded, and what the gateway has acknowledged."""

    def __init__(self, agent_id: str) -> None:
        self.agent_id = agent_id
        self.births = 0
        self.truth: dict[str, str] = {}
        self.said: list[tuple[str, int]] = []
        self.begin()

    def begin(self) -> None:
        """With a new store, which knows nothing of what the old one recorded."""
        self.births += 1
        self.epoch = f"e{self.births}"
        self.records: list[dict[str, Any]] = []
        self.acked = 0

    def record(self, spot: str, status: str, gap: int) -> None:
        last = self.records[-1]["seq"] if self.records else 0
        seq = last + 1 + gap  # seqs that its full spool gave up leave no hole in the chain
        body = changed(seq, status, agent_id=self.agent_id, epoch=self.epoch, spot_id=spot)
        self.records.append(body | {"prev_seq": last})
        self.truth[spot] = status
        self.said.append((self.epoch, seq))

    def waiting(self) -> list[dict[str, Any]]:
        return [each for each in self.records if each["seq"] > self.acked]

    def snapshots(self) -> list[dict[str, Any]]:
        newest = {each["spot_id"]: each for each in self.records}
        return [each | {"type": "snapshot"} for each in newest.values()]

    def hear(self, ack: Ack | None) -> None:
        if ack and ack.epoch == self.epoch:
            assert ack.seq <= (self.records[-1]["seq"] if self.records else 0)
            self.acked = max(self.acked, ack.seq)


class Deliveries(RuleBasedStateMachine):
    """Rules are what the network, the agents and the gateway's machine may do."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = SetClock()
        self.agents = {agent_id: Agent(agent_id) for agent_id in SPOTS}
        self.delayed: list[tuple[str, dict[str, Any]]] = []
        self.open()

    def open(self) -> None:
        made = lot_settings(self.folder)
        self.store = GatewayStore(made.store.path, LIMIT_BYTES)
        self.store.register_sinks(["disk"])
        self.ingest = Ingest(made, self.store, self.clock)
        self.totals = self.ingest.totals

    def take(self, agent_id: str, messages: list[Any]) -> Outcome:
        topic = f"parking/v1/lot-1/agents/{agent_id}/events"
        outcome = self.ingest.take(
            [Arrived(agent_id, topic, json.dumps(each).encode()) for each in messages]
        )
        agent = self.agents[agent_id]
        agent.hear(outcome.acks.get((agent_id, agent.epoch)))
        return outcome

    @rule(agent_id=AGENTS, which=st.integers(0, 1), free=st.booleans(), gap=st.integers(0, 2))
    def vehicle(self, agent_id: str, which: int, free: bool, gap: int) -> None:
        spots = SPOTS[agent_id]
        self.agents[agent_id].record(spots[which % len(spots)], "free" if free else "occupied", gap)

    @rule(agent_id=AGENTS, data=st.data())
    def window(self, agent_id: str, data: st.DataObject) -> None:
        """Some of what waits arrives, some of it twice, in whatever order."""
        waiting = self.agents[agent_id].waiting()[:6]
        arriving = [each for each in waiting if data.draw(st.booleans())]
        arriving += arriving[: data.draw(st.integers(0, 2))]
        self.take(agent_id, data.draw(st.permutations(arriving)))

    @rule(agent_id=AGENTS)
    def array(self, agent_id: str) -> None:
        if waiting := self.agents[agent_id].waiting():
            self.take(agent_id, [waiting])

    @rule(agent_id=AGENTS)
    def snapshots(self, agent_id: str) -> None:
        self.take(agent_id, self.agents[agent_id].snapshots())

    @rule(agent_id=AGENTS)
    def lag(self, agent_id: str) -> None:
        """A copy of all that waits is held up on the way."""
        self.delayed += [(agent_id, each) for each in self.agents[agent_id].waiting()]

    @rule()
    def late(self) -> None:
        for agent_id, each in self.delayed:
            if each["epoch"] == self.agents[agent_id].epoch:
                self.take(agent_id, [each])
        self.delayed.clear()

    @rule(agent_id=AGENTS)
    def new_agent(self, agent_id: str) -> None:
        """The store is replaced once everything of the old one was committed."""
        self.offer_all(agent_id)
        self.agents[agent_id].begin()

    @rule(agent_id=AGENTS)
    def captured(self, agent_id: str) -> None:
        """Somebody replays what the agent has long been acknowledged for."""
        agent = self.agents[agent_id]
        before = {spot: self.ingest.believed.get(spot) for spot in SPOTS[agent_id]}
        self.take(agent_id, [each for each in agent.records if each["seq"] <= agent.acked])
        assert before == {spot: self.ingest.believed.get(spot) for spot in SPOTS[agent_id]}

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.open()

    @rule(agent_id=AGENTS)
    def poison(self, agent_id: str) -> None:
        self.ingest.take([Arrived(agent_id, "t", b"{"), Arrived(agent_id, "t", b'[{"seq":1}]')])

    @rule()
    def replay_a_letter(self) -> None:
        lot = Lot(self.ingest.settings, self.store, self.ingest, self.clock)
        row = self.store.db.execute("SELECT MAX(id) FROM dead_letters").fetchone()
        if row[0] is not None:
            desk = Desk(lot, [])
            request = {"transaction": f"t{row[0]}", "data": {"id": row[0]}}
            answer(desk, "dead-letters-replay", json.dumps(request).encode())
            self.ingest.settle(desk.taken.pop())

    @invariant()
    def the_account_closes(self) -> None:
        totals = self.totals
        came = totals["accepted"] + totals["snapshots"] + totals["replayed"]
        assert came == totals["appended"] + totals["dead_lettered"]
        assert self.store.depth("disk").balanced

    @invariant()
    def each_record_is_spooled_once_and_in_order(self) -> None:
        bodies = [json.loads(row.payload) for row in self.store.spool.read(0, 100_000)]
        for agent_id, agent in self.agents.items():
            spooled = [
                (each["epoch"], each["seq"])
                for each in bodies
                if each["agent_id"] == agent_id and each["event_type"] != "SNAPSHOT"
            ]
            assert spooled == agent.said[: len(spooled)]

    def offer_all(self, agent_id: str) -> None:
        self.take(agent_id, self.agents[agent_id].waiting())
        assert not self.agents[agent_id].waiting()

    def teardown(self) -> None:
        for agent_id, agent in self.agents.items():
            self.offer_all(agent_id)
            assert self.store.accepted().get(agent_id, 0) == len(agent.said)
            for spot, status in agent.truth.items():
                assert self.ingest.believed[spot].status.value == status
        self.restart()
        for agent in self.agents.values():
            for spot, status in agent.truth.items():
                assert self.ingest.believed[spot].status.value == status
        self.store.close()
        shutil.rmtree(self.folder)


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
