"""A fleet that stands still: four lots as they came to the cloud, and tables of the past of three
bays. For tests of what shows a fleet.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cloud.analytics import duck
from cloud.analytics.job import KEPT, run_all
from cloud.lake.store import Store
from cloud.lake.taker import LakeTaker, Limits
from cloud.postgres import connect
from cloud.present import Present
from cloud.testing import delivered, record, teller
from contract.alerts import Alert
from contract.health import GatewayHealth

STATUSES = ("occupied", "vacant", "unknown")


@dataclass(frozen=True)
class StillFleet:
    """A fleet's Postgres and lake; `at` is the moment of the newest records."""

    dsn: str
    lake: Path
    at: datetime

    def write(self, *bodies: dict[str, Any]) -> None:
        """Have the consumer put records into Postgres."""
        with connect(self.dsn) as conn:
            Present(conn, timedelta(days=400)).write(delivered(bodies), datetime.now(UTC))

    def fill(self) -> None:
        """North is whole, south's gateway has been silent for an hour, west has none, east is
        counted and nobody told its capacity.
        """
        self.write(
            *[self.seen(n, "north", f"A{n}", word) for n, word in enumerate(STATUSES, 1)],
            self.seen(1, "south", "B1", "occupied", ago_s=4000),
            self.seen(1, "west", "C1", "vacant"),
            self.seen(1, "east", None, "occupied", event_type="ARRIVAL", zone_id="ramp"),
            self.beat("north", 20),
            self.beat("south", 3600),
            self.alert("north", 1, "offline", "critical"),
            self.alert("north", 2, "overstay", "warning"),
            self.alert("south", 3, "overstay", "info"),
        )

    def seen(
        self, seq: int, lot: str, spot: str | None, status: str, ago_s: float = 60.0, **more: Any
    ) -> dict[str, Any]:
        """A record of a spot, or of a lane."""
        own = {"spot_id": spot, "timestamp": self._before(ago_s).isoformat(), **more}
        return record(seq, status, 0, lot=lot, spot=spot or "R1") | own

    def beat(self, lot: str, ago_s: float) -> dict[str, Any]:
        """A heartbeat of a lot's gateway."""
        at = self._before(ago_s)
        health = {"session_id": "g1", "status": "up", "time": at, "clock": "synced"}
        told = GatewayHealth.model_validate({**health, "version": "1.0.0"})
        return teller(1, lot=lot, by=f"own-{lot}").heartbeat(told, "cloud")

    def alert(self, lot: str, seq: int, kind: str, severity: str) -> dict[str, Any]:
        """An alert that was raised."""
        at = self._before(600 - seq)
        words = {"alert_id": f"{kind}.{seq}", "kind": kind, "severity": severity}
        own = {"state": "raised", "text": f"=1+1 {kind}", "since": at, "raised_at": at}
        told = Alert.model_validate({**words, **own})
        return teller(seq, lot=lot, by=f"own-{lot}").alert(told, at)

    def analyse(self) -> None:
        """A day and a half of north and south into the lake, and the analytics job over it."""
        store = Store(str(self.lake))
        taker = LakeTaker(store, Limits())
        bodies = [
            self.seen(
                40 - hour, lot, spot, "occupied" if hour % 2 else "vacant", hour * 3600,
                event_type="ARRIVAL" if hour % 2 else "DEPARTURE",
            )
            for lot, spot in (("north", "A1"), ("north", "B1"), ("south", "S1"))
            for hour in range(36, 0, -1)
        ]  # fmt: skip
        taker.take(delivered(bodies, "lots/0"), self.at)
        taker.flush(self.at)
        made = dict(run_all(partial(duck.run, store), store, self.at, "Europe/Berlin"))
        assert len(made) == sum(map(len, KEPT.values()))

    def _before(self, seconds: float) -> datetime:
        return self.at - timedelta(seconds=seconds)
