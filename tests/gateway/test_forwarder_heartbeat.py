"""How the gateway is goes to a sink beside the spool: the newest alone, and when it is due."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import ForwardSettings
from gateway.forwarder import Forwarder
from gateway.sinks import SinkError
from gateway.sinks.testing import Fault, MemorySink
from gateway.store import GatewayStore
from gateway.testing import SetClock
from spool import Entry

EVERY_S = 60.0
SETTINGS = ForwardSettings(heartbeat_s=EVERY_S, backlog_records=5, drain_per_s=100_000)
AWAY = SinkError("connection refused", hint="is it up?")


class Gateway:
    """A store and one forwarder, which is stepped; its heartbeats are numbered by their making."""

    def __init__(self, folder: Path, sink: MemorySink) -> None:
        self.store = GatewayStore(folder / "gateway.db", 1_000_000)
        self.store.register_sinks(["up"])
        self.clock = SetClock()
        self.sink = sink
        self.made = 0
        self.mute = False
        self.forwarder = Forwarder(
            "up", "lot-1", sink, self.store, lambda _: [], SETTINGS, self.clock, self.beat
        )

    def beat(self) -> bytes | None:
        if self.mute:
            return None
        self.made += 1
        return json.dumps({"beat": self.made}).encode()

    def append(self, count: int) -> None:
        with self.store.transaction():
            self.store.spool.append([Entry("A1", b'{"historical":false}')] * count)

    def after(self, seconds: float) -> None:
        """So much later, until there is nothing to do, or it fails."""
        self.clock.now_s += seconds
        for _ in range(20):
            pause_s = self.forwarder.step()
            if pause_s is None or self.forwarder.health.failing_since_s is not None:
                return
            self.clock.now_s += pause_s

    @property
    def beats(self) -> list[int]:
        """Those that the sink has."""
        told = [json.loads(each.payload) for each in self.sink.taken if each.seq < 0]
        return [each["beat"] for each in told]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    made = Gateway(tmp_path, MemorySink())
    yield made
    made.store.close()


def test_it_is_told_at_once_and_then_as_often_as_is_configured(gateway: Gateway) -> None:
    for _ in range(10):
        gateway.after(EVERY_S / 3)
    assert gateway.beats == [1, 2, 3, 4]
    assert {each.key for each in gateway.sink.taken} == {"lot-1"}


def test_it_is_no_record_of_the_spool(gateway: Gateway) -> None:
    gateway.append(1)
    gateway.after(0)
    assert gateway.beats == [1]
    depth = gateway.store.depth("up")
    assert (depth.appended, depth.delivered, depth.waiting) == (1, 1, 0)


def test_of_those_that_could_not_be_sent_the_newest_alone_is_told(gateway: Gateway) -> None:
    gateway.after(0)
    gateway.sink.faults.extend([Fault(AWAY)] * 5)
    for _ in range(5):
        gateway.after(EVERY_S)
        assert gateway.forwarder.health.failing_since_s is not None
    gateway.after(EVERY_S)
    assert gateway.beats == [1, gateway.made]
    assert gateway.made > 5
    assert gateway.forwarder.health.failing_since_s is None  # though no record went


def test_it_does_not_wait_for_a_backlog(gateway: Gateway) -> None:
    gateway.append(50)
    gateway.after(0)
    assert [each.seq for each in gateway.sink.taken] == [-1, *range(1, 51)]
    assert gateway.store.depth("up").waiting == 0


def test_one_that_is_kept_back_or_refused_is_let_go(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, MemorySink(is_poison=lambda out: b'"beat": 2' in out.payload))
    gateway.sink.faults.append(Fault(keep=frozenset({"lot-1"})))
    for _ in range(3):
        gateway.after(EVERY_S)
        gateway.after(1.0)
    assert (gateway.made, gateway.beats) == (3, [3])
    assert gateway.store.letters.kept == 0
    gateway.store.close()


def test_a_gateway_that_cannot_say_yet_is_asked_again_soon(gateway: Gateway) -> None:
    gateway.mute = True
    gateway.after(0)
    gateway.mute = False
    gateway.after(1.0)
    assert gateway.beats == [1]
