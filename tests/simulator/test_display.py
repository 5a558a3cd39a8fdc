"""A display at the wire: it shows what the broker tells it, while it is told."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from contract.health import GatewayHealth
from contract.occupancy import Occupancy, SpotState
from contract.topics import Topics
from contract.words import Status
from runtime.mqtt import MqttSettings
from simulator import display as display_module
from simulator import processes
from simulator.display import Display

TOPICS = Topics("shown")
PAGE = """\
lotkeeper_accepted_records_total{kind="spot_changed"} 40.0
lotkeeper_accepted_records_total{kind="birth"} 2.0
lotkeeper_sink_records{sink="disk",where="delivered"} 30.0
lotkeeper_sink_records{sink="disk",where="waiting"} 12.0
lotkeeper_sink_failing{sink="disk"} 1.0
"""


def eventually(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait until it holds: the display tells nobody when it has seen something."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it never came to hold"
        time.sleep(0.01)


class Metrics(BaseHTTPRequestHandler):
    cut_short = False
    """Promise more than is sent, as a gateway does that is killed while it answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        if self.cut_short:
            self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


class Lot:
    """A broker, somebody who publishes as a gateway does, its metrics page, and a display."""

    def __init__(self, folder: Path) -> None:
        self.broker = processes.broker("iotcore", folder, processes.free_port())
        self.broker.start()
        port = self.broker.port or 0
        self.page = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
        threading.Thread(target=self.page.serve_forever, args=(0.02,), daemon=True).start()
        mqtt = MqttSettings(port=port, protocol="3.1.1", reconnect_min_s=0.1, reconnect_max_s=0.2)
        self.display = Display(mqtt, "shown", self.page.server_address[1])
        self.display.start()
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def publish(self, topic: str, message: GatewayHealth | Occupancy | SpotState) -> None:
        payload = message.model_dump_json()
        self.client.publish(topic, payload, qos=1, retain=True).wait_for_publish(10)

    def health(self, status: str) -> None:
        self.publish(
            TOPICS.gateway_health,
            GatewayHealth.model_validate({"session_id": "s", "status": status}),
        )

    def close_page(self) -> None:
        self.page.shutdown()
        self.page.server_close()


@pytest.fixture
def lot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lot]:
    monkeypatch.setattr(display_module, "SCRAPE_S", 0.05)
    lot = Lot(tmp_path)
    yield lot
    lot.display.stop()
    lot.client.disconnect()
    lot.client.loop_stop()
    lot.broker.stop()
    lot.close_page()


def state(status: Status, valid_s: float = 60.0) -> SpotState:
    now = datetime.now(UTC)
    return SpotState(
        spot_id="A1",
        zone_id="A",
        floor=0,
        status=status,
        as_of=now,
        valid_until=now + timedelta(seconds=valid_s),
    )


def occupancy(zone_id: str | None, free: int) -> Occupancy:
    now = datetime.now(UTC)
    return Occupancy(
        lot_id="shown",
        zone_id=zone_id,
        total=free,
        occupied=0,
        free=free,
        unknown=0,
        closed=0,
        coverage=1,
        as_of=now,
        valid_until=now + timedelta(seconds=60),
    )


def test_what_is_retained_is_known_and_changes_are_told(lot: Lot) -> None:
    seen = lot.display.seen
    lot.health("up")
    eventually(lambda: seen.gateway_up)  # before it listens, of several states the last is kept
    lot.publish(TOPICS.occupancy, occupancy(None, 9))
    lot.publish(TOPICS.zone("A"), occupancy("A", 5))
    lot.publish(TOPICS.spot("A1"), state(Status.FREE))
    lot.publish(TOPICS.spot("A1"), state(Status.FREE))
    lot.publish(TOPICS.spot("A1"), state(Status.OCCUPIED))
    eventually(lambda: len(seen.changes) == 2)
    assert list(seen.changes) == ["A1 free", "A1 occupied (was free)"]
    eventually(lambda: seen.lot and "A" in seen.zones and seen.gateway_up)
    assert seen.lot is not None
    assert (seen.lot.free, seen.zones["A"].free) == (9, 5)
    assert seen.fresh(seen.lot)
    assert seen.fresh(seen.spots["A1"])


def test_past_its_time_a_message_is_not_fresh(lot: Lot) -> None:
    lot.health("up")
    eventually(lambda: lot.display.seen.gateway_up)
    assert lot.display.seen.fresh(state(Status.FREE, 60))
    assert not lot.display.seen.fresh(state(Status.FREE, -0.001))


def test_a_gateway_that_went_makes_all_stale(lot: Lot) -> None:
    lot.health("up")
    eventually(lambda: lot.display.seen.gateway_up)
    lot.health("down")
    eventually(lambda: not lot.display.seen.gateway_up)
    assert not lot.display.seen.fresh(state(Status.FREE))


def test_a_broker_that_went_makes_all_stale_until_the_gateway_is_heard_again(lot: Lot) -> None:
    seen = lot.display.seen
    lot.health("up")
    eventually(lambda: seen.gateway_up)
    lot.broker.kill()
    eventually(lambda: not seen.broker_up)
    assert not seen.fresh(state(Status.FREE))
    lot.broker.start()
    eventually(lambda: seen.broker_up)
    assert not seen.gateway_up  # the broker forgot; only the gateway can say that it lives


def test_the_metrics_page_is_read(lot: Lot) -> None:
    seen = lot.display.seen
    eventually(lambda: seen.sinks)
    assert seen.accepted == 42
    eventually(lambda: seen.sinks == {"disk": {"delivered": 30, "waiting": 12, "failing": 1}})


def test_a_metrics_page_cut_short_does_not_end_the_scraping(
    lot: Lot, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = lot.display.seen
    eventually(lambda: seen.sinks)
    monkeypatch.setattr(Metrics, "cut_short", True)
    eventually(lambda: not seen.sinks)
    monkeypatch.setattr(Metrics, "cut_short", False)
    eventually(lambda: seen.sinks)


def test_a_metrics_page_that_went_takes_its_numbers_along(lot: Lot) -> None:
    seen = lot.display.seen
    eventually(lambda: seen.sinks)
    lot.close_page()
    eventually(lambda: not seen.sinks)
    assert seen.per_s == 0


def test_a_display_that_was_never_started_can_be_stopped() -> None:
    Display(MqttSettings(port=processes.free_port()), "shown", 1).stop()
