"""A day without the link between an agent and its gateway: whole, in order, the present first.

The real agent's core, store and publisher, a real broker, the real service over its store; the
agent's way to the broker passes a gate that is shut for a day of the agent's clock.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.testing import Rig
from gateway.config import GatewaySettings
from gateway.service import Service
from gateway.store import GatewayStore
from proof.forwarding import events
from runtime.clock import SystemClock
from runtime.mqtt import MqttSettings
from tests.gateway.sinks.wire import Gate
from tests.proof.clouds import until

HOURS = 24
CHANGES_AN_HOUR = 40
"""Of two spots: each is taken and left ten times."""
DRAIN_PER_S = 200.0
LATE_S = 1.0
LIVE = 60


@pytest.fixture
def gate(broker: tuple[str, int]) -> Iterator[Gate]:
    gate = Gate(broker)
    yield gate
    gate.close()


@pytest.fixture
def rig(gate: Gate, tmp_path: Path) -> Iterator[Rig]:
    mqtt = MqttSettings(
        host="127.0.0.1", port=gate.port, protocol="3.1.1", reconnect_min_s=0.1, reconnect_max_s=0.5
    )
    rig = Rig(tmp_path, mqtt, drain_per_s=DRAIN_PER_S, batch=20)
    yield rig
    rig.stop()


@pytest.fixture
def service(rig: Rig, broker: tuple[str, int], tmp_path: Path) -> Iterator[Service]:
    settings = GatewaySettings.model_validate(
        {
            "facility_id": "f1",
            "lot_id": rig.lot_id,
            "mqtt": {"host": broker[0], "port": broker[1], "protocol": "3.1.1"},
            "store": {"path": tmp_path / "gateway.db"},
            "zones": [{"zone_id": "A"}],
            "spots": [{"spot_id": spot, "zone_id": "A"} for spot in ("A1", "A2")],
        }
    )
    store = GatewayStore(settings.store.path, settings.store.limit_bytes)
    service = Service(settings, store, SystemClock("always"))
    service.start()
    yield service
    service.stop()
    store.close()


def live_through(rig: Rig, hours: int) -> None:
    """Cars come and go at both spots, at the pace of a busy street."""
    pause_s = 3600 * 4 / CHANGES_AN_HOUR - 24
    for _ in range(hours * CHANGES_AN_HOUR // 4):
        for spot in (0, 1):
            rig.agent.occupy(spot)
            rig.agent.free(spot)
        rig.agent.clock.now_s += pause_s


def lateness(rig: Rig, service: Service, spot: int, change: Callable[[int], None]) -> float:
    """Seconds from a change's commit at the agent to its state in the gateway."""
    before = rig.agent.store.spool.last_seq
    change(spot)
    at_s, seq = time.monotonic(), rig.agent.store.spool.last_seq
    assert seq > before
    pause = threading.Event()
    while service.ingest.believed[f"A{spot + 1}"].seq < seq:
        assert time.monotonic() - at_s < 10, "it does not come"
        pause.wait(0.002)
    return time.monotonic() - at_s


def spooled(service: Service) -> dict[str, list[int]]:
    """The seqs of each spot's events as the gateway spooled them."""
    rows = service.store.spool.read(0, 10**6)
    return events(json.loads(row.payload) for row in rows)


@pytest.mark.timeout(120)
def test_a_day_without_the_link(rig: Rig, gate: Gate, service: Service) -> None:
    """Red where an agent sends no snapshot at a change while it drains: a change is as late as the
    backlog is long."""
    rig.publisher.start()
    rig.agent.occupy(0)
    rig.agent.occupy(1)
    until(lambda: service.ingest.believed.keys() == {"A1", "A2"})
    gate.shut()
    live_through(rig, HOURS)
    agent, last = rig.agent.store, rig.agent.store.spool.last_seq
    assert last > HOURS * CHANGES_AN_HOUR
    assert agent.depth().bytes < agent.spool.limit_bytes
    gate.mend()
    until(lambda: service.ingest.believed["A1"].seq > HOURS * CHANGES_AN_HOUR - 10)
    committed = service.store.streams()["pi-1", agent.epoch]
    late_s = []
    while rig.publisher.window.draining and len(late_s) < LIVE:
        spot = len(late_s) % 2
        turn = rig.agent.occupy if len(late_s) % 4 < 2 else rig.agent.free
        late_s.append(lateness(rig, service, spot, turn))
    print(f"{len(late_s)} changes behind {last - committed}: at most {max(late_s):.3f} s late")
    assert len(late_s) > 20
    assert max(late_s) < LATE_S
    rig.await_(lambda: agent.acked_seq == agent.spool.last_seq)
    assert agent.depth().waiting == 0
    for seqs in spooled(service).values():
        assert seqs == sorted(set(seqs))
    told = sum(map(len, spooled(service).values()))
    assert told == sum(b'"spot_changed"' in row.payload for row in agent.read(0, 10**6))
    assert service.store.streams()["pi-1", agent.epoch] == agent.spool.last_seq
