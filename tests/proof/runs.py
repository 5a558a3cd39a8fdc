"""Records on their way through a gateway to an upstream that is in trouble."""

from pathlib import Path
from typing import Any, Protocol

from gateway.sinks import Sink
from proof.forwarding import Changes, Forwarding, events, once
from runtime.clock import SystemClock
from tests.proof.clouds import until

SPOTS = [f"A{number}" for number in range(20)]
RECORDS = 300
FAST = {"retry_first_s": 0.02, "retry_max_s": 0.1, "drain_per_s": 100_000}


class Upstream(Protocol):
    """What is behind a sink, and what has come there."""

    sink: Sink

    def records(self) -> list[dict[str, Any]]: ...


class Road:
    """The real ingest, store and forwarder before an upstream; changes are taken and drained."""

    def __init__(self, upstream: Upstream, folder: Path, **forward: float) -> None:
        self._upstream = upstream
        self.changes = Changes()
        self.lot = Forwarding(
            folder, upstream.sink, SPOTS, SystemClock("always"), **{**FAST, **forward}
        )

    def take(self, count: int = RECORDS) -> None:
        """So many changes."""
        self.lot.take(list(self.changes.in_turn(SPOTS, count)))

    def drain(self, patience_s: float = 60.0) -> None:
        """Until nothing waits."""
        until(lambda: self.lot.store.depth("cloud").waiting == 0, patience_s)

    def arrived(self, poison: frozenset[int] = frozenset()) -> list[dict[str, Any]]:
        """All that came: nothing lost but `poison`, each spot in order, the books balanced."""
        came = self._upstream.records()
        by_spot = events(came)
        for spot, seqs in self.changes.of_spot.items():
            assert once(by_spot[spot]) == [seq for seq in seqs if seq not in poison], spot
        book = self.lot.book
        assert book.balanced
        assert (book.delivered, book.dead_lettered) == (self.changes.seq - len(poison), len(poison))
        return came
