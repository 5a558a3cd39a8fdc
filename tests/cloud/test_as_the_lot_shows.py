"""A gateway's own words on their way: what the cloud shows of a lot is what the lot shows."""

import random
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from cloud.present import Delivered, Present
from contract.upstream import cloud_status
from gateway.config import ForwardSettings
from gateway.forwarder import Forwarder
from gateway.heartbeat import health_of, upstream
from gateway.sinks import SinkError
from gateway.sinks.testing import Fault, MemorySink
from gateway.witness import Witness
from tests.gateway.conftest import Post

ACTIONS = 60
SPOTS = ("A1", "A2")
FORWARD = ForwardSettings(backlog_records=3, drain_per_s=1e6, heartbeat_s=20)
AWAY = SinkError("connection refused", hint="is it up?")


class Lot(Post):
    """A lot whose one sink is down for whiles, and whose gateway is killed at times."""

    def open(self) -> None:
        super().open()
        self.store.register_sinks(["cloud"])
        self.witness = Witness(self.lot)
        self.forwarder = Forwarder(
            "cloud",
            "lot-1",
            self.sink,
            self.store,
            self.lot.snapshots,
            FORWARD,
            self.clock,
            self.beat_upstream,
        )

    def __init__(self, folder: Path, max_records: int = 500) -> None:
        self.sink = MemorySink(max_records=max_records)
        super().__init__(folder, sinks=[{"name": "cloud", "kind": "file", "path": folder / "s"}])

    def beat_upstream(self) -> bytes | None:
        health = health_of("g1", self.lot, [], self.clock.monotonic())
        return upstream(health, self.lot, "cloud") if self.lot.told_by else None

    def act(self, draw: random.Random) -> None:
        """One thing that happens, and what the gateway does then."""
        spot = draw.choice(SPOTS)
        match draw.choice(["car", "car", "beat", "quiet", "close", "open", "down", "killed"]):
            case "car":
                self.say(draw.choice(["occupied", "free", "unknown"]), spot)
            case "beat":
                self.beat()
            case "quiet":
                self.clock.now_s += 35  # beyond the limit for an agent
            case "close":
                self.ask("spot-close", spot_id=spot)
            case "open":
                self.ask("spot-open", spot_id=spot)
            case "down":
                self.sink.faults.extend([Fault(AWAY)] * draw.randint(1, 8))
            case "killed" if draw.random() < 0.3:
                self.restart()
        self.clock.now_s += draw.choice([0.5, 3])
        self.look()
        self.witness.look()
        for _ in range(draw.randint(0, 3)):
            self.forward()

    def forward(self) -> bool:
        """A step; whether nothing waits."""
        pause_s = self.forwarder.step()
        self.clock.now_s += pause_s or 0.0
        return pause_s is None

    def settle(self) -> None:
        self.sink.faults.clear()
        while not self.forward():
            pass

    def shown(self) -> dict[str, str]:
        """By the lot's own displays, in the cloud's words."""
        heard = [spot for spot in SPOTS if spot in self.ingest.believed]
        return {spot: cloud_status(self.lot.shown(spot).status) for spot in heard}


def in_the_cloud(conn: psycopg.Connection, lot: Lot, draw: random.Random) -> dict[str, str]:
    """What the cloud shows once it has got everything, some of it twice, in any order."""
    came = [Delivered(f"lots/0/{n}", out.payload) for n, out in enumerate(lot.sink.taken)]
    came += draw.sample(came, len(came) // 3)
    draw.shuffle(came)
    present = Present(conn, timedelta(days=400))
    while came:
        size = draw.randint(1, 20)
        assert present.write(came[:size], lot.clock.wall()).letters == 0
        del came[:size]
    return dict(conn.execute("SELECT spot_id, status FROM current_spot_state").fetchall())


@pytest.mark.parametrize("seed", range(12))
def test_the_cloud_shows_what_the_lot_shows(
    conn: psycopg.Connection, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    lot = Lot(tmp_path)
    lot.say("free", "A1")
    for _ in range(ACTIONS):
        lot.act(draw)
    lot.settle()
    assert in_the_cloud(conn, lot, draw) == lot.shown()
    standing = {alert.alert_id for alert in lot.store.alerts.open}
    rows = conn.execute("SELECT alert_id FROM current_alerts").fetchall()
    assert {alert_id for (alert_id,) in rows} == standing
    assert conn.execute("SELECT count(*) FROM current_gateways").fetchone() == (1,)
    lot.store.close()


def test_while_a_backlog_drains_the_cloud_shows_the_present(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    """The words of an hour ago come one by one behind the snapshots, and change nothing."""
    lot, present = Lot(tmp_path, max_records=2), Present(conn, timedelta(days=400))
    lot.say("free", "A1")
    lot.say("occupied", "A2")
    lot.witness.look()
    lot.settle()
    lot.sink.faults.append(Fault(AWAY))
    for spot in SPOTS:
        lot.ask("spot-close", spot_id=spot)
    lot.clock.now_s += 35
    lot.witness.look()
    for _ in range(3):
        lot.say("occupied", "A1")
        lot.say("free", "A1")
    lot.witness.look()
    lot.ask("spot-open", spot_id="A1")
    lot.witness.look()
    assert not lot.forward()  # it fails: a backlog
    written = steps = 0
    is_over = False
    while not is_over:
        is_over = lot.forward()
        came = [Delivered(f"lots/0/{n}", out.payload) for n, out in enumerate(lot.sink.taken)]
        present.write(came[written:], lot.clock.wall())
        written = len(came)
        if sum(b'"SNAPSHOT"' in each.payload for each in came) >= len(SPOTS):
            steps += 1
            rows = conn.execute("SELECT spot_id, status FROM current_spot_state").fetchall()
            assert dict(rows) == lot.shown() == {"A1": "vacant", "A2": "closed"}
    assert steps > 4
    lot.store.close()
