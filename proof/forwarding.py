"""A gateway from its ingest to one sink, without MQTT: records go in, calls come out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.upstream import rfc3339
from gateway.batch import Arrived
from gateway.books import SinkBook, of_sink, sink_book
from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.sinks import Sink
from gateway.store import GatewayStore
from runtime.clock import Clock, SystemClock

AGENT, EPOCH, SINK = "pi-1", "e1", "cloud"
TOPIC = f"parking/v1/lot-1/agents/{AGENT}/events"
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


class Forwarding:
    """Its parts, wired as `gateway.app` does."""

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        spots: Sequence[str],
        clock: Clock,
        limit_bytes: int = 100_000_000,
        **forward: float,
    ) -> None:
        settings = settings_of(folder, spots, limit_bytes, **forward)
        self.clock = clock
        self.store = GatewayStore(settings.store.path, limit_bytes)
        self.store.register_sinks([SINK])
        self.ingest = Ingest(settings, self.store, clock)
        self.lot = Lot(settings, self.store, self.ingest, clock)
        self.forwarder = Forwarder(
            SINK, "lot-1", sink, self.store, self.lot.snapshots, settings.forward, clock
        )
        self.sink = sink

    def take(self, records: Sequence[dict[str, Any]]) -> None:
        """Commit records as they come from the agent, then tell the forwarder."""
        for start in range(0, len(records), COMMIT):
            payload = json.dumps(records[start : start + COMMIT]).encode()
            outcome = self.ingest.take([Arrived(AGENT, TOPIC, payload)])
            self.lot.presences[AGENT].hears(self.clock.monotonic())
            self.forwarder.notice(outcome.changed_spots)

    @property
    def book(self) -> SinkBook:
        """The sink's account."""
        return sink_book(self.store.depth(SINK), self.store.books.of(of_sink(SINK)))

    def close(self) -> None:
        """End the forwarder, close the file."""
        if self.forwarder.is_alive():
            self.forwarder.stop()
            self.forwarder.join(20)
        else:
            self.sink.close()
        self.store.close()


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
