"""An agent that is fed by hand, and how soon what it commits is shown."""

import threading
import time
from datetime import datetime

from agent.config import AgentSettings
from agent.core import Agent
from agent.publisher import Publisher
from agent.records import encoded
from agent.store import AgentStore
from runtime.clock import SystemClock
from runtime.config import load
from simulator.netlot import Bays, Heard, NetLot
from spool import Entry

PATIENCE_S = 30.0
RATE_PER_S = 10
"""Changes: more than a lot of a thousand bays has, and further apart than two commits."""
PROBED: Bays = {f"P{n}": [] for n in range(10)}


class Probe:
    """A real agent's store and publisher at a host of its own, fed by hand and timed."""

    def __init__(self, lot: NetLot) -> None:
        lot.agent("probe", "probe", PROBED)
        settings = load(lot.folder / "probe.toml", AgentSettings)
        self.clock = SystemClock("always")
        self.store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
        self.agent = Agent(settings, self.clock, self.store, "probe")
        self.publisher = Publisher(self.agent, self.clock.monotonic)
        self.topics = lot.topics
        self.display = lot.watcher(f"{lot.topics.root}/spots/+/state")
        self.sent = 0
        with lot.hosts["probe"].entered():
            self.publisher.start()

    def close(self) -> None:
        self.publisher.stop()
        self.display.close()
        self.agent.close()

    def change(self) -> tuple[str, str]:
        """Commit the next spot's change; answers the spot and the change's timestamp."""
        spot_id = f"P{self.sent % len(PROBED)}"
        occupied = self.sent // len(PROBED) % 2 == 0
        now = self.agent.moment()
        body = {
            "type": "spot_changed",
            "spot_id": spot_id,
            "status": "occupied" if occupied else "free",
            "previous": "free" if occupied else "occupied",
            "confidence": 1.0,
            "health": "ok",
            "health_reason": "",
            **now.stamp(now.monotonic_s),
        }
        self.store.append(spot_id, [Entry(spot_id, encoded(body))], "{}")
        self.sent += 1
        return spot_id, str(body["timestamp"])

    def latencies_ms(self, count: int) -> list[float]:
        """From the commit of each of `count` changes to its display, at RATE_PER_S."""
        pause = threading.Event()
        times = []
        for _ in range(count):
            spot_id, timestamp = self.change()
            committed_s = time.monotonic()
            self.agent.on_record(spot_id)
            times.append((committed_s, spot_id, datetime.fromisoformat(timestamp)))
            pause.wait(1 / RATE_PER_S)
        return [(self._shown_s(*each) - each[0]) * 1000 for each in times]

    def _shown_s(self, committed_s: float, spot_id: str, since: datetime) -> float:
        topic = self.topics.spot(spot_id)

        def is_it(heard: Heard) -> bool:
            told = heard.body.get("since") if heard.topic == topic else None
            return told is not None and datetime.fromisoformat(told) >= since

        return self.display.first(is_it, PATIENCE_S, committed_s - 0.1).at_s
