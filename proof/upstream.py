"""The two sinks of the simulated lot, and what their upstreams do to them.

`disk` is the real file sink; `cloud` is a partial upstream in memory, as Kinesis is. Both have
moods: `down`, `lost_reply` (taken, and the answer lost), `partial`, `kept`, `throttled`,
`too_many` (a batch of more than one is refused for good).
"""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from gateway.sinks import Answer, Outgoing, SinkError, file
from gateway.sinks.testing import Fault, MemorySink
from proof.machine import Kernel
from proof.schedule import Schedule

DOWN = SinkError("connection refused", hint="is it up?")
LOST = SinkError("no answer", hint="is it slow?")
TOO_MANY = SinkError("refused as a whole", retryable=False, hint="fewer")
POISON_SHARE = 15


class Upstream:
    """What lies behind the sinks; outlives every gateway."""

    def __init__(self, schedule: Schedule, rng: Random, folder: Path, *, poison: bool) -> None:
        self.schedule = schedule
        self.rng = rng
        self.folder = folder
        self.poison = poison
        self.moods: dict[str, str] = {}
        self.taken: list[Outgoing] = []
        self.taken_s: list[float] = []

    def mood(self, sink: str) -> str:
        """How the upstream of a sink feels."""
        return self.moods.get(sink, "")

    def is_poison(self, record: Outgoing) -> bool:
        """Some arrivals: for good, whenever they come."""
        if not self.poison or record.seq < 0 or b'"ARRIVAL"' not in record.payload:
            return False
        event_id = json.loads(record.payload)["event_id"]
        return zlib.crc32(event_id.encode()) % POISON_SHARE == 0

    def cloud_records(self) -> list[dict[str, Any]]:
        """What the cloud holds, in the order it came."""
        return [json.loads(each.payload) | {"store_seq": each.seq} for each in self.taken]

    def disk_records(self) -> list[dict[str, Any]]:
        """What the file sink holds."""
        paths = sorted((self.folder / "sink").glob("*.jsonl"))
        return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


class CloudSink(MemorySink):
    """A connection of one gateway to the cloud."""

    def __init__(self, upstream: Upstream, max_records: int) -> None:
        super().__init__(partial=True, max_records=max_records, is_poison=upstream.is_poison)
        self.upstream = upstream
        self.taken = upstream.taken

    def open(self) -> None:
        """Refused where the upstream is down."""
        if self.upstream.mood("cloud") == "down":
            raise DOWN
        super().open()

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """As the upstream's mood is."""
        Kernel.point()
        self.calls.clear()
        self.faults.clear()
        fault = self._fault(batch)
        if fault is not None:
            self.faults.append(fault)
        try:
            answers = super().send(batch)
        finally:
            late = len(self.taken) - len(self.upstream.taken_s)
            self.upstream.taken_s += [self.upstream.schedule.now_s] * late
        Kernel.point()
        return answers

    def _fault(self, batch: Sequence[Outgoing]) -> Fault | None:
        roll = self.upstream.rng.random
        match self.upstream.mood("cloud"):
            case "down":
                return Fault(DOWN)
            case "lost_reply" if roll() < 0.6:
                return Fault(LOST, taken=True)
            case "partial":
                return Fault(keep=frozenset(each.key for each in batch if roll() < 0.5))
            case "kept":
                return Fault(keep=frozenset(each.key for each in batch))
            case "throttled":
                return Fault(SinkError("slow down", hint="quota", retry_after_s=3.0))
            case "too_many" if len(batch) > 1:
                return Fault(TOO_MANY)
        return None


class DiskSink(file.Sink):
    """The file sink on a disk that is full at times; its process may die around a write."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(file.Config(path=upstream.folder / "sink", daily=False))
        self.upstream = upstream

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """As the disk lets it."""
        Kernel.point()
        mood = self.upstream.mood("disk")
        if mood in ("down", "throttled", "kept", "partial"):
            raise DOWN
        answers = super().send(batch)
        Kernel.point()
        if mood == "lost_reply" and self.upstream.rng.random() < 0.6:
            raise LOST
        return answers
