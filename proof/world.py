"""A world from a seed: built, troubled, mended, settled, judged."""

import gc
import logging
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from proof import oracles
from proof.bays import LOT, Bays
from proof.broker import Broker
from proof.display import Display, Watcher
from proof.entropy import seeded
from proof.hosts import Host, Surroundings
from proof.lot import SINKS, Gateway, wipe
from proof.network import Network
from proof.plan import GATEWAY, LAST_CARS_S, Plan, draw
from proof.troubles import Troubles
from proof.upstream import Upstream

MEMORY = Path("/dev/shm")
SETTLES_S = 120.0
"""Behind the last car, everything has arrived within so long (times the scale)."""


@dataclass
class Result:
    """What came of a seed."""

    seed: int
    findings: list[str]
    trace: list[str]
    counts: dict[str, float] = field(default_factory=dict)


def run(seed: int, *, tracing: bool = False) -> Result:
    """Play the world of a seed."""
    folder = Path(tempfile.mkdtemp(prefix="lot-", dir=MEMORY if MEMORY.is_dir() else None))
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.disable()  # a tenth of the time, and a world is small
    try:
        with seeded(seed):
            return World(draw(seed), folder, tracing=tracing).play()
    finally:
        gc.enable()
        logging.disable(disabled)


class World(Surroundings):
    """Everything there is."""

    def __init__(self, plan: Plan, folder: Path, *, tracing: bool) -> None:
        super().__init__(plan, folder, tracing=tracing)
        network = Network(self.schedule, Random(f"{plan.seed} network"))
        self.broker = Broker(network, Random(f"{plan.seed} broker"))
        self.broker.marks_live, self.broker.queue_limit = plan.marks_live, plan.queue_limit
        self.upstream = Upstream(
            self.schedule, Random(f"{plan.seed} upstream"), folder, poison=plan.poison
        )
        self.agents = [Bays(self, each) for each in plan.agents]
        self.gateway = Gateway(self)
        self.display = Display(self)
        self.watcher = Watcher(self, self.display, self.agents)
        hosts: dict[str, Host] = {each.name: each for each in self.agents}
        self.hosts = {**hosts, GATEWAY: self.gateway}
        self.troubles = Troubles(self, self.hosts)

    def play(self) -> Result:
        """From the beginning to the end."""
        try:
            self._begin()
            self.schedule.run(self.plan.calm_s)
            self.troubles.mend()
            scale = self.plan.scale
            self.schedule.run(self.plan.calm_s + (LAST_CARS_S - 1) * scale)
            marks = self.upstream_marks()
            self.schedule.run(self.plan.calm_s + (LAST_CARS_S + 10) * scale + 15)
            self._settle()
            oracles.judge(self, marks)
            return Result(self.plan.seed, self.findings, self.trace or [], self._counts())
        finally:
            for host in self.hosts.values():
                host.kill(float("inf"))
            wipe(self)

    def upstream_marks(self) -> dict[str, int]:
        """How many records each sink holds."""
        return {
            "cloud": len(self.upstream.taken),
            "disk": len(self.upstream.disk_records()),
        }

    def _begin(self) -> None:
        self.tell("world", f"seed {self.plan.seed}, times {self.plan.scale:g}")
        self.display.link.start()
        for host in self.hosts.values():
            self.schedule.after(self.rng.uniform(0, 2), host.start)
        self.troubles.schedule()
        self.watcher.look()

    def _settle(self) -> None:
        deadline_s = self.schedule.now_s + SETTLES_S * self.plan.scale
        while (waits := self._waits_for()) and self.schedule.now_s < deadline_s:
            self.schedule.run(self.schedule.now_s + 2.0 * self.plan.scale)
        for each in waits:
            self.find(f"not settled: {each}")

    def _waits_for(self) -> list[str]:
        """What has yet to arrive."""
        found = []
        for each in self.agents:
            if each.store is None:
                found.append(f"{each.name} is down")
            elif each.store.acked_seq < each.store.spool.last_seq:
                found.append(
                    f"{each.name} has {each.store.spool.last_seq}, acked {each.store.acked_seq}"
                )
        store = self.gateway.store
        if store is None:
            return [*found, "the gateway is down"]
        found += [
            f"{sink} waits for {waiting}"
            for sink in SINKS
            if (waiting := store.depth(sink).waiting)
        ]
        return found + self._shown_wrong()

    def _shown_wrong(self) -> list[str]:
        found = []
        for each in self.agents:
            for spot in each.plan.spots:
                want = "occupied" if each.plan.occupied(spot, self.schedule.now_s) else "free"
                shown = self.display.shows(spot)
                if shown != want and spot != self.plan.stray_spot:
                    found.append(f"the display shows {spot} as {shown!r}, it is {want}")
        return found

    def _counts(self) -> dict[str, float]:
        return {
            "virtual_s": round(self.schedule.now_s),
            "steps": self.schedule.done,
            "records": sum(len(each.ledger.told) for each in self.agents),
            "lives": sum(each.life for each in self.hosts.values()),
            "cloud": len(self.upstream.taken),
            "let_go": self.broker.let_go,
            "wrong_s": round(self.watcher.longest_s, 1),
        }


__all__ = ["LOT", "Result", "World", "run"]
