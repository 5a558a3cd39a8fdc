"""Somebody who asks the lake while it fills, and keeps it compact."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloud.analytics import duck
from cloud.analytics.queries import queries, query
from cloud.lake.compaction import compact
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS
from simulator.fleet.lots import Fleet

EVERY_S = 3.0
ASKED = "turnover"


@dataclass
class Asked:
    """What the lake said last."""

    objects: int = 0
    compacted: int = 0
    """Hours that became one object."""
    took_ms: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)


class Analyst(threading.Thread):
    """Asks `ASKED` of the fleet's whole time every few seconds, until stopped."""

    def __init__(self, fleet: Fleet, store: Store, time_zone: str) -> None:
        super().__init__(name="analyst", daemon=True)
        self.asked = Asked()
        self.failure: Exception | None = None
        self._fleet = fleet
        self._store = store
        self._time_zone = time_zone
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until stopped, or failed."""
        try:
            while not self._stopping.wait(EVERY_S):
                self.look()
        except Exception as error:
            self.failure = error

    def stop(self) -> None:
        """End after the query that is under way."""
        self._stopping.set()
        self.join()

    def look(self) -> None:
        """Compact what is settled by the fleet's time, and ask. Raises OSError, duckdb.Error."""
        compacted = sum(1 for _ in compact(self._store, EVENTS, self._fleet.now))
        objects = sum(1 for _ in self._store.names(EVENTS))
        if objects:
            began_s = time.perf_counter()
            rows = self.ask(ASKED, self._fleet.now)
            took_ms = (time.perf_counter() - began_s) * 1000
            compacted += self.asked.compacted
            self.asked = Asked(objects, compacted, took_ms, rows)

    def ask(self, name: str, until: datetime) -> list[dict[str, Any]]:
        """What the query `name` says of the time since the fleet's start."""
        table = duck.run(self._store, query(name), self._fleet.start, until, self._time_zone)
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows

    def ask_all(self, until: datetime) -> dict[str, int]:
        """How many rows each named query says."""
        return {name: len(self.ask(name, until)) for name in queries()}
