"""A load for the benchmarks: a real agent store and publisher, fed with changes as fast as asked.

Usage: python -m bench.load_agent CONFIG EVENTS RATE_PER_S   (rate 0: as fast as it goes)
Prints a line when it is connected and waits for one; again when every event is acknowledged.
"""

import json
import sys
import threading
import time
from pathlib import Path

from agent.config import AgentSettings
from agent.core import Agent
from agent.publisher import Publisher
from agent.records import encoded
from agent.store import AgentStore
from runtime.clock import SystemClock
from runtime.config import load
from spool import Entry

COMMIT = 50
BUSES = 5
"""Threads that sense at a rate, as an agent has one a bus: those that wait for a sync share the
next one. It divides the 25 spots of a peer's agent, so that each spot keeps to one thread."""


def change(agent: Agent, spot_id: str, occupied: bool) -> Entry:
    """A spot's change at this moment."""
    now = agent.moment()
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
    return Entry(spot_id, encoded(body))


def feed(agent: Agent, events: int, rate_per_s: float) -> list[int]:
    """Commit `events` changes, the agent's spots in turn; answers the seq that each was given.

    At a rate each is a commit of its own, or shares one with those that waited for it.
    """
    seqs = [0] * events
    if not rate_per_s:
        for start in range(0, events, COMMIT):
            numbers = range(start, min(start + COMMIT, events))
            seqs[start : numbers.stop] = commit(agent, numbers)
        return seqs
    began_s = time.monotonic()

    def sense(bus: int) -> None:
        for number in range(bus, events, BUSES):
            ahead_s = began_s + (number + 1) / rate_per_s - time.monotonic()
            time.sleep(max(ahead_s, 0))
            [seqs[number]] = commit(agent, range(number, number + 1))

    buses = [threading.Thread(target=sense, args=(bus,)) for bus in range(BUSES)]
    for bus in buses:
        bus.start()
    for bus in buses:
        bus.join()
    return seqs


def commit(agent: Agent, numbers: range) -> range:
    """Toggle the spots of these numbers, in one commit."""
    spots = [spot.spot_id for spot in agent.settings.spots]
    entries = [change(agent, spots[n % len(spots)], n // len(spots) % 2 == 0) for n in numbers]
    name = spots[numbers[0] % len(spots)]
    seqs = agent.store.append(name, entries, "{}")
    agent.on_record(name)
    return seqs


def main() -> None:
    """Run the load."""
    settings = load(Path(sys.argv[1]), AgentSettings)
    events, rate_per_s = int(sys.argv[2]), float(sys.argv[3])
    clock = SystemClock("always")
    store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
    agent = Agent(settings, clock, store, "bench")
    publisher = Publisher(agent, clock.monotonic)
    publisher.start()
    while not publisher.link.connected:
        time.sleep(0.01)
    _say_and_await({"ready": True})
    seqs = feed(agent, events, rate_per_s)
    while store.acked_seq < store.spool.last_seq:
        time.sleep(0.005)
    _say_and_await({"pubacks": publisher.pubacks, "seqs": seqs})
    publisher.stop()


def _say_and_await(words: dict[str, object]) -> None:
    """Print a line of JSON and wait for one in answer, so that we can be measured meanwhile."""
    print(json.dumps(words), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
