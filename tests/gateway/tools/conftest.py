"""A store that has lived: records of an agent, a sink that is behind, letters of both kinds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.batch import Arrived
from gateway.config import GatewaySettings
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"


class House:
    """A stopped gateway's store with the sinks cloud and disk, and hands to work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        sinks = [{"name": n, "kind": "file", "path": folder / n} for n in ("cloud", "disk")]
        self.settings: GatewaySettings = lot_settings(folder, sinks=sinks)
        self.path = self.settings.store.path
        self.open()

    def open(self) -> None:
        self.clock = SetClock()
        self.store = GatewayStore(self.path, 10_000_000)
        self.store.register_sinks(["cloud", "disk"])
        self.ingest = Ingest(self.settings, self.store, self.clock)

    def take(self, *records: dict[str, Any] | bytes, agent_id: str = "pi-1") -> None:
        payloads = (r if isinstance(r, bytes) else json.dumps(r).encode() for r in records)
        self.ingest.take([Arrived(agent_id, EVENTS, payload) for payload in payloads])

    def take_skipping(self, record: dict[str, Any]) -> None:
        """A record behind a hole that its agent cannot fill."""
        while record["seq"] > self.store.streams().get(("pi-1", "e1"), 0):
            self.take(record)
            self.clock.now_s += 60

    def deliver(self, sink: str, seq: int, *refused: int) -> None:
        """Move a sink's cursor, as its forwarder does."""
        store = self.store
        with store.transaction():
            rows = store.spool.read(store.spool.cursors()[sink], 1000)
            passed = [row for row in rows if row.seq <= seq and not row.lost]
            dead = [row for row in passed if row.seq in refused]
            store.spool.advance(
                sink, seq, delivered=len(passed) - len(dead), dead_lettered=len(dead)
            )
            for row in dead:
                store.letters.bury(START, f"sink:{sink}", "", "sink_rejected", "no", row.payload)

    def live(self) -> None:
        """Five records, one for an unknown spot; disk had three, cloud one and refused one."""
        self.take(
            changed(1),
            changed(2, "free"),
            changed(3, spot_id="Z9"),
            changed(4, spot_id="A2"),
            changed(5),
        )
        self.deliver("disk", 3)
        self.deliver("cloud", 2, 2)

    def spooled(self) -> list[tuple[str, str]]:
        """(key, event_id) of each row."""
        rows = self.store.spool.read(0, 1000)
        return [(row.key, json.loads(row.payload)["event_id"]) for row in rows]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()
