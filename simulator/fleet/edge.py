"""A gateway from its ingest to one sink, without MQTT; and what agents say to it."""

from collections.abc import Sequence
from datetime import datetime

from contract.events import Birth, SpotChanged, StreamRecord, agent_records
from contract.words import ClockState, Status
from gateway.batch import Arrived
from gateway.books import SinkBook, of_sink, sink_book
from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.sinks import Sink
from gateway.store import GatewayStore
from runtime.clock import Clock

SINK = "cloud"
END_S = 20.0


class Edge:
    """Its parts, wired as `gateway.app` does."""

    def __init__(self, settings: GatewaySettings, sink: Sink, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.sink = sink
        self.store = GatewayStore(settings.store.path, settings.store.limit_bytes)
        self.store.register_sinks([SINK])
        self.ingest = Ingest(settings, self.store, clock)
        self.lot = Lot(settings, self.store, self.ingest, clock)
        self.forwarder = Forwarder(
            SINK, settings.lot_id, sink, self.store, self.lot.snapshots, settings.forward, clock
        )

    def commit(self, agent_id: str, payload: bytes) -> None:
        """One message of an agent in one commit, then tell the forwarder."""
        topic = f"parking/v1/{self.settings.lot_id}/agents/{agent_id}/events"
        outcome = self.ingest.take([Arrived(agent_id, topic, payload)])
        self.lot.presences[agent_id].hears(self.clock.monotonic())
        self.forwarder.notice(outcome.changed_spots)

    @property
    def book(self) -> SinkBook:
        """The sink's account."""
        with self.store.lock:
            return sink_book(self.store.depth(SINK), self.store.books.of(of_sink(SINK)))

    def close(self) -> None:
        """End the forwarder, close the file."""
        if self.forwarder.is_alive():
            self.forwarder.stop()
            self.forwarder.join(END_S)
        else:
            self.sink.close()
        self.store.close()


class AgentStream:
    """What one agent says: its stream, seq by seq."""

    def __init__(self, agent_id: str, version: str) -> None:
        self.agent_id = agent_id
        self.seq = 0
        self._version = version
        self._settled: dict[str, Status] = {}

    def birth(self, spots: Sequence[str], at: datetime) -> Birth:
        """It starts."""
        return Birth(**self._stamp(at), session_id="s1", version=self._version, spots=list(spots))

    def change(self, spot_id: str, status: Status, at: datetime) -> SpotChanged:
        """A spot is free or occupied from `at` on."""
        previous = self._settled.get(spot_id, Status.UNKNOWN)
        self._settled[spot_id] = status
        return SpotChanged(
            **self._stamp(at), spot_id=spot_id, status=status, previous=previous, confidence=1.0
        )

    def _stamp(self, at: datetime) -> dict[str, object]:
        self.seq += 1
        return {
            "agent_id": self.agent_id,
            "epoch": "e1",
            "seq": self.seq,
            "prev_seq": self.seq - 1,
            "timestamp": at,
            "clock": ClockState.SYNCED,
            "monotonic_ms": self.seq,
            "boot_id": "simulated",
        }


def message(records: Sequence[StreamRecord]) -> bytes:
    """`records` as an agent publishes them, in one array."""
    return agent_records.dump_json(list(records))
