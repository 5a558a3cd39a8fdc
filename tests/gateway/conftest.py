"""What tests of the gateway's alerts share: a lot with its alarms, without threads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract.health import AgentHealth
from contract.topics import Topics
from gateway.alarms import Alarms
from gateway.batch import Arrived
from gateway.desk import Desk
from gateway.displays import Displays
from gateway.ingest import Ingest
from gateway.lot import Lot
from gateway.requests import answer
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings

EVENTS = "parking/v1/lot-1/agents/pi-1/events"
ZONES = [{"zone_id": "A", "max_stay_s": 3600}, {"zone_id": "B"}, {"zone_id": "L"}]


class Post:
    """A lot with its alarms, without threads; what is published is kept."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        self.settings = lot_settings(folder, **{"zones": ZONES, **sections})
        self.clock = SetClock()
        self.retained: dict[str, Any] = {}
        self.seq = self.asked = 0
        self.open()

    def open(self) -> None:
        self.store = GatewayStore(self.settings.store.path, 10_000_000)
        self.ingest = Ingest(self.settings, self.store, self.clock)
        self.lot = Lot(self.settings, self.store, self.ingest, self.clock)
        self.displays = Displays(self.lot, Topics("lot-1"), self._publish)
        self.alarms = Alarms(self.lot)
        self.desk = Desk(self.lot, [])

    def restart(self) -> None:
        self.store.close()
        self.open()

    def _publish(self, topic: str, payload: bytes) -> None:
        self.retained[topic.removeprefix("parking/v1/lot-1/")] = json.loads(payload or b"null")

    def say(self, status: str, spot_id: str = "A1", **fields: Any) -> None:
        """A record of agent pi-1, of this moment."""
        self.seq += 1
        body = changed(
            self.seq, status, spot_id=spot_id, timestamp=self.clock.wall().isoformat(), **fields
        )
        self.ingest.take([Arrived("pi-1", EVENTS, json.dumps(body).encode())])
        self.lot.presences["pi-1"].hears(self.clock.monotonic())

    def beat(self, status: str = "occupied", **fields: Any) -> None:
        """A live heartbeat of agent pi-1 whose sensor at A1 has just seen `status`."""
        sensor = {"status": status, "health": "ok", "quality": "ok", "age_s": 0.2, **fields}
        health = {"session_id": "s1", "status": "up", "clock": "synced", "spots": {"A1": sensor}}
        self.lot.healths["pi-1"] = AgentHealth.model_validate(health)
        self.lot.beaten_s["pi-1"] = self.clock.monotonic()
        self.lot.presences["pi-1"].hears_up("s1", self.clock.monotonic())

    def look(self, after_s: float = 0.0) -> list[str]:
        """The open alerts a while later."""
        self.clock.now_s += after_s
        self.alarms.tick(linked=True)
        self.displays.flush(self.clock.wall())
        return [alert.alert_id for alert in self.store.alerts.open]

    def live(self, after_s: float = 5.0, status: str = "occupied") -> list[str]:
        """The same, with a heartbeat of that moment."""
        self.clock.now_s += after_s
        self.beat(status)
        return self.look()

    def ask(self, name: str, transaction: str = "", /, **data: Any) -> Any:
        """The response to a request."""
        self.asked += 1
        request = {"transaction": transaction or f"t{self.asked}", "data": data}
        return answer(self.desk, name, json.dumps(request).encode())

    def shown(self) -> list[str]:
        topics = (each for each in self.retained if each.startswith("alerts/"))
        return [topic for topic in topics if self.retained[topic]]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    made = Post(tmp_path)
    yield made
    made.store.close()
