"""A gateway from its ingest to one sink, without MQTT: records go in, calls come out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.upstream import rfc3339
from gateway.config import GatewaySettings
from gateway.sinks import Sink
from runtime.clock import Clock, SystemClock
from simulator.fleet.edge import Edge

AGENT, EPOCH = "pi-1", "e1"
COMMIT = 50


def settings_of(folder: Path, spots: Sequence[str], limit_bytes: int, **forward: float) -> Any:
    """A lot of one zone."""
    return GatewaySettings.model_validate(
        {
            "facility_id": "f1",
            "lot_id": "lot-1",
            "store": {"path": folder / "gateway.db", "limit_bytes": limit_bytes},
            "forward": forward,
            "zones": [{"zone_id": "A"}],
            "spots": [{"spot_id": spot, "zone_id": "A"} for spot in spots],
        }
    )


class LeapingClock(SystemClock):
    """This machine's clock, which may leap ahead: a week passes between two commits."""

    def __init__(self) -> None:
        super().__init__("always")
        self._ahead_s = 0.0

    def leap(self, seconds: float) -> None:
        """So much time has passed."""
        self._ahead_s += seconds

    def monotonic(self) -> float:
        """Seconds, leaps and all."""
        return super().monotonic() + self._ahead_s

    def wall(self) -> datetime:
        """UTC, as far ahead."""
        return super().wall() + timedelta(seconds=self._ahead_s)


class Forwarding(Edge):
    """A gateway of one agent."""

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        spots: Sequence[str],
        clock: Clock,
        limit_bytes: int = 100_000_000,
        **forward: float,
    ) -> None:
        super().__init__(settings_of(folder, spots, limit_bytes, **forward), sink, clock)

    def take(self, records: Sequence[dict[str, Any]]) -> None:
        """Commit records as they come from the agent."""
        for start in range(0, len(records), COMMIT):
            self.commit(AGENT, json.dumps(records[start : start + COMMIT]).encode())


class Changes:
    """What an agent says: the next change of a spot, with the next seq."""

    def __init__(self) -> None:
        self.seq = 0
        self.of_spot: defaultdict[str, list[int]] = defaultdict(list)
        """The seqs of each spot, in order."""

    def of(self, spot_id: str, at: datetime, **more: Any) -> dict[str, Any]:
        """The other status than before, first seen `at`."""
        self.seq += 1
        seqs = self.of_spot[spot_id]
        words = ("occupied", "free") if len(seqs) % 2 == 0 else ("free", "occupied")
        seqs.append(self.seq)
        return {
            "type": "spot_changed",
            "agent_id": AGENT,
            "epoch": EPOCH,
            "seq": self.seq,
            "prev_seq": self.seq - 1,
            "spot_id": spot_id,
            "status": words[0],
            "previous": words[1],
            "confidence": 1.0,
            "timestamp": rfc3339(at),
            "clock": "synced",
            "monotonic_ms": self.seq,
            "boot_id": "pi-boot",
            **more,
        }

    def in_turn(self, spots: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
        """`count` changes, a spot after the other, within the last minutes."""
        begin = datetime.now(UTC) - timedelta(minutes=10)
        for _ in range(count):
            at = begin + timedelta(milliseconds=self.seq)
            yield self.of(spots[self.seq % len(spots)], at)


def events(records: Iterable[dict[str, Any]]) -> dict[str, list[int]]:
    """Each spot's seqs in the order they came upstream; snapshots apart."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for record in records:
        if record["event_type"] in ("ARRIVAL", "DEPARTURE", "STATUS"):
            found[record["spot_id"]].append(record["seq"])
    return found


def once(seqs: Iterable[int]) -> list[int]:
    """Without what came again."""
    return list(dict.fromkeys(seqs))
