"""A week without the cloud, in minutes: a gateway's process from its ingest to one sink.

    python -m proof.long_outage PLAN.json

It takes in a recorded or invented week while its upstream is away, a commit for each `commit_s`
of that week, its clock leaping from one to the next. Then it says `{"outage": ...}` in a line;
whoever started it mends the upstream; and while the backlog drains, changes come at `live_per_s`
in real time. The last line is the account: what it weighed, and how late each change was upstream.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel

from gateway.sinks import Answer, Outgoing, Sink, Verdict, registry
from proof.forwarding import Changes, Forwarding, LeapingClock
from simulator.sessions import load_sessions

DAY_S = 86_400.0
SAMPLE_S = 6 * 3600.0
SETTLED_S = 120.0
"""Beyond this the upstream that was mended takes nothing."""
LIVE_MAX = 5000


class Plan(BaseModel):
    """One outage. `sessions` is a recorded file; without it a week of `spots` is invented."""

    folder: Path
    sink: dict[str, Any]
    days: float = 7.0
    spots: int = 24
    stays_a_day: float = 12
    sessions: Path | None = None
    commit_s: float = 60.0
    limit_bytes: int = 1_000_000_000
    live_per_s: float = 20.0
    forward: dict[str, float] = {}


Week = list[tuple[float, str]]
"""When (seconds since its beginning) which spot changes, in order."""


def week(plan: Plan) -> Week:
    """The changes of the outage."""
    if plan.sessions is not None:
        bays = load_sessions(plan.sessions).bays
        return sorted((at, bay) for bay, stays in bays.items() for stay in stays for at in stay)
    rng = Random(7)
    changes = int(plan.days * plan.stays_a_day * 2)
    return sorted(
        (rng.uniform(0, plan.days * DAY_S), f"A{number}")
        for number in range(plan.spots)
        for _ in range(changes)
    )


@dataclass(slots=True)
class Weight:
    """The most that the process and its folder ever weighed, in bytes; the former since `base`."""

    folder: Path
    base: int
    memory: int = 0
    disk: int = 0

    def look(self) -> None:
        """Take what is now."""
        self.memory = max(self.memory, resident() - self.base)
        self.disk = max(self.disk, sum(each.stat().st_size for each in self.folder.iterdir()))


def resident() -> int:
    """Bytes of this process in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Watched:
    """The sink, and for each change that waits to be seen upstream, how long that took."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.partial = sink.partial
        self.max_records = sink.max_records
        self.max_bytes = sink.max_bytes
        self.open, self.close = sink.open, sink.close
        self.began_s: float | None = None
        """When the upstream first took something."""
        self.longest_call_s = 0.0
        self.late_s: list[float] = []
        self._waiting: dict[str, list[tuple[int, float]]] = {}
        self._lock = threading.Lock()

    def expect(self, spot_id: str, seq: int) -> None:
        """A change of the spot happens now."""
        with self._lock:
            self._waiting.setdefault(spot_id, []).append((seq, time.monotonic()))

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """As the sink."""
        began_s = time.monotonic()
        answers = self._sink.send(batch)
        now_s = time.monotonic()
        self.longest_call_s = max(self.longest_call_s, now_s - began_s)
        self.began_s = self.began_s or now_s
        for record, answer in zip(batch, answers, strict=True):
            if answer.verdict is Verdict.ACCEPTED:
                self._is_upstream(json.loads(record.payload), now_s)
        return answers

    def _is_upstream(self, record: dict[str, Any], now_s: float) -> None:
        with self._lock:
            waiting = self._waiting.get(record.get("spot_id", ""), [])
            told = [each for each in waiting if each[0] <= record["seq"]]
            self.late_s += [now_s - at_s for _, at_s in told]
            del waiting[: len(told)]


class Outage:
    """The process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = LeapingClock()
        self.changes = Changes()
        self._paces = threading.Event()
        self.week = week(plan)
        self.spots = sorted({spot for _, spot in self.week})
        self.sink = Watched(registry.build(plan.sink["kind"], plan.sink))
        self.parts = Forwarding(
            plan.folder,
            self.sink,
            self.spots,
            self.clock,
            plan.limit_bytes,
            **plan.forward,
        )

    def run(self) -> Iterator[dict[str, Any]]:
        """The outage's account, then the whole's."""
        self.sink.open()  # boto3 is 25 MB by itself
        self.parts.forwarder.start()
        weight = Weight(self.plan.folder, resident())
        self._live_through(weight)
        while self.parts.forwarder.health.failing_since_s is None:
            self._paces.wait(0.01)
        yield {"outage": asdict(self.parts.book), **self._weights(weight)}
        in_drain = self._drain(weight)
        yield {
            "drained": asdict(self.parts.book),
            "balanced": self.parts.book.balanced,
            "in_drain": in_drain,
            "late_s": sorted(self.sink.late_s),
            "longest_call_s": self.sink.longest_call_s,
            "snapshots": self.parts.forwarder.health.snapshots,
            **self._weights(weight),
        }
        self.parts.close()

    def _live_through(self, weight: Weight) -> None:
        begin, began_s, looked_s = self.clock.wall(), self.clock.monotonic(), 0.0
        for span, each in groupby(self.week, lambda change: change[0] // self.plan.commit_s):
            due_s = (span + 1) * self.plan.commit_s
            self.clock.leap(max(began_s + due_s - self.clock.monotonic(), 0.0))
            self.parts.take(
                [self.changes.of(spot, begin + timedelta(seconds=at_s)) for at_s, spot in each]
            )
            if due_s >= looked_s:
                looked_s = due_s + SAMPLE_S
                weight.look()
        weight.look()

    def _drain(self, weight: Weight) -> int:
        """Live changes until nothing waits; how many there were after the first call went."""
        rng, in_drain = Random(8), 0
        give_up_s = time.monotonic() + SETTLED_S
        while self.parts.forwarder.health.draining or self.sink.began_s is None:
            if self.sink.began_s is None:
                if time.monotonic() > give_up_s:
                    raise TimeoutError("the upstream takes nothing")
            elif in_drain < LIVE_MAX:
                spot = rng.choice(self.spots)
                self.sink.expect(spot, self.changes.seq + 1)
                in_drain += 1
                self.parts.take([self.changes.of(spot, self.clock.wall())])
            self._paces.wait(1 / self.plan.live_per_s)
            if in_drain % 20 == 0:
                weight.look()
        while self.parts.store.depth("cloud").waiting:
            self._paces.wait(0.01)
        weight.look()
        return in_drain

    def _weights(self, weight: Weight) -> dict[str, Any]:
        return {"memory": weight.memory, "disk": weight.disk, "base": weight.base}


def main(arguments: list[str]) -> None:
    """Run, and leave the truth beside the database."""
    outage = Outage(Plan.model_validate_json(Path(arguments[0]).read_text()))
    for account in outage.run():
        print(json.dumps(account), flush=True)
    (outage.plan.folder / "truth.json").write_text(json.dumps(outage.changes.of_spot))


if __name__ == "__main__":
    main(sys.argv[1:])
