"""What the service does with messages before any broker: floods, order within a batch."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contract.health import AgentHealth
from contract.words import Status
from gateway.ingest import LETTERS_BURST
from gateway.service import (
    FLOOD_BYTES,
    FLOOD_MESSAGES,
    UNASKED_BURST,
    UNASKED_PER_S,
    Service,
)
from gateway.store import GatewayStore
from gateway.testing import START, SetClock, changed, lot_settings
from runtime.mqtt import Handlers

ROOT = "parking/v1/lot-1"


class Wire:
    """A link whose broker is the test: what is published and acknowledged is kept."""

    def __init__(self, _settings: Any, _client_id: str, handlers: Handlers, **_: Any) -> None:
        self.handlers = handlers
        self.connected = True
        self.reconnects = 1
        self.under_way = 0
        self.published: list[tuple[str, dict[str, Any]]] = []
        self.acked: list[int] = []
        self.order: list[int | str] = []
        """What was acknowledged and said, in turn."""
        self.alive = True
        self._news = threading.Condition()

    def start(self) -> None:
        assert self.handlers.connected
        self.handlers.connected(True)

    def stop(self) -> None:
        self.connected = False

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """All is heard."""

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        with self._news:
            self.order.append(topic)
            self.published.append((topic, json.loads(payload) if payload else None))
            self._news.notify_all()
        return 1

    def ack(self, mid: int, qos: int) -> None:
        with self._news:
            if qos:
                self.acked.append(mid)
                self.order.append(mid)
            self._news.notify_all()

    def await_(self, true: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(true, 10)

    def deliver(
        self, channel: str, message: Any, *, mid: int = 0, qos: int = 1, agent: str = "pi-1"
    ) -> None:
        self.hand_over(f"{ROOT}/agents/{agent}/{channel}", message, mid, qos)

    def hand_over(self, topic: str, message: Any, mid: int, qos: int = 1) -> None:
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert self.handlers.message
        self.handlers.message(
            SimpleNamespace(  # type: ignore[arg-type]
                topic=topic,
                payload=payload,
                retain=False,
                mid=mid,
                qos=qos,
            )
        )


def wait(service: Service, seconds: float) -> None:
    """Let time pass."""
    machine = service.clock.machine
    assert isinstance(machine, SetClock)
    machine.now_s += seconds


def health(status: str, session: str = "s1", **fields: Any) -> bytes:
    made = AgentHealth.model_validate({"session_id": session, "status": status, **fields})
    return made.model_dump_json(exclude_none=True).encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = lot_settings(tmp_path)
    store = GatewayStore(settings.store.path, 10_000_000)
    yield Service(settings, store, SetClock(), Wire)  # type: ignore[arg-type]
    store.close()


def run(service: Service) -> Wire:
    service.start()
    wire = service.link
    assert isinstance(wire, Wire)
    return wire


def test_a_flood_of_qos_0_is_cut_and_no_acknowledged_message_with_it(service: Service) -> None:
    """A QoS 1 message that is let go stays in the broker's window, and at last fills it."""
    wire = service.link
    assert isinstance(wire, Wire)
    for n in range(FLOOD_MESSAGES + 50):
        wire.deliver("events", b"{", qos=0, agent=f"evil-{n % 100}")
    for seq in range(1, 101):
        wire.deliver("events", changed(seq, "free" if seq % 2 else "occupied"), mid=seq)
    assert service.ingest.totals["cut_in_flood"] == 50
    run(service)
    wire.await_(lambda: len(wire.acked) == 100)
    assert wire.acked == list(range(1, 101))
    assert service.ingest.streams["pi-1", "e1"] == 100
    service.stop()


def test_a_senders_quota_of_qos_0_is_its_own_and_grows_again(service: Service) -> None:
    """Red with one quota for all, and with none."""
    wire = service.link
    assert isinstance(wire, Wire)
    for _ in range(1000):
        wire.deliver("events", b"{", qos=0, agent="evil")
    over = 1000 - int(UNASKED_BURST)
    assert service.ingest.totals["cut_in_flood"] == over
    wire.deliver("health", health("up"), qos=0)
    assert service.ingest.totals["cut_in_flood"] == over
    wait(service, 1)
    for _ in range(100):
        wire.deliver("events", b"{", qos=0, agent="evil")
    assert service.ingest.totals["cut_in_flood"] == over + 100 - int(UNASKED_PER_S)
    service._inbox.put(None)


def test_rubbish_makes_no_change_wait_for_the_next_commit(service: Service) -> None:
    """Red where every batch counts as a commit; the set clock goes no further while one waits."""
    wire = service.link
    assert isinstance(wire, Wire)
    wire.deliver("events", b"{", mid=1)
    wire.deliver("health", b"{", mid=2)
    service.step()
    assert service._next_commit_s == 0
    wire.deliver("events", changed(1), mid=3)
    service.step()
    assert service._next_commit_s > 0


def test_a_question_is_answered_while_a_change_waits_for_its_commit(service: Service) -> None:
    """Red as long as questions were answered behind the commit; an order still is."""
    wire = service.link
    assert isinstance(wire, Wire)
    wire.deliver("events", changed(1), mid=1)
    service.step()
    wire.deliver("events", changed(2, "free"), mid=2)
    wire.hand_over(f"{ROOT}/gateway/request/spots", {"transaction": "a"}, mid=3)
    closed = {"transaction": "b", "data": {"spot_id": "A1", "note": ""}}
    wire.hand_over(f"{ROOT}/gateway/request/spot-close", closed, mid=4)
    wire.order.clear()
    service.step()
    answered, ordered = (f"{ROOT}/gateway/response/{name}" for name in ("spots", "spot-close"))
    told = [each for each in wire.order if each in (answered, ordered, 2, 3, 4)]
    assert told == [3, answered, 2, 4, ordered]


def test_questions_without_end_hold_up_no_commit(service: Service) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    most = service.settings.ingest.batch_messages
    wire.deliver("events", changed(1), mid=1)
    for n in range(2 * most):
        wire.hand_over(f"{ROOT}/gateway/request/ping", {"transaction": f"t{n}"}, mid=2 + n)
    service.step()
    assert 1 in wire.acked
    assert len(wire.acked) == most


def test_a_flood_of_rubbish_is_counted_and_not_kept(service: Service) -> None:
    """Red without the ration: three thousand letters, and as many lines in the log."""
    wire = service.link
    assert isinstance(wire, Wire)
    for n in range(3000):
        wire.deliver("events", b"{", mid=n + 1)
        if n % 100 == 99:
            service.step()
    kept = int(LETTERS_BURST)
    assert service.store.letters.counts() == {"malformed_json": kept}
    assert service.ingest.totals["letters_not_kept"] == 3000 - kept
    assert service.ingest.reasons["malformed_json"] == 3000
    assert len(wire.acked) == 3000


def test_a_flood_of_large_messages_is_cut_by_its_bytes(service: Service) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    size = 200_000
    for _ in range(2 * FLOOD_BYTES // size):
        wire.deliver("events", b"x" * size, qos=0)
    assert service.ingest.totals["cut_in_flood"] >= FLOOD_BYTES // size - 1
    run(service)
    wire.deliver("events", changed(1), mid=7)
    wire.await_(lambda: 7 in wire.acked)
    before = service.ingest.totals["cut_in_flood"]
    wire.deliver("events", b"x", qos=0)
    assert service.ingest.totals["cut_in_flood"] == before
    service.stop()


def test_a_service_that_failed_can_be_stopped_in_a_flood(service: Service) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    service.store.db.execute("DROP TABLE spots")
    wire.deliver("events", changed(1))
    run(service)
    service._thread.join(10)
    assert service.failure is not None
    for _ in range(FLOOD_MESSAGES + 1):
        wire.deliver("events", b"{", qos=0)
    service.stop()
    assert not wire.acked


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (["record", "farewell"], Status.UNKNOWN),
        (["farewell", "record"], Status.UNKNOWN),  # it may be one that somebody sends again
        (["farewell", "record", "heartbeat"], Status.OCCUPIED),
    ],
)
def test_the_last_word_of_a_batch_counts(service: Service, last: list[str], status: Status) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    words = {
        "record": ("events", changed(1)),
        "farewell": ("health", health("down")),
        "heartbeat": ("health", health("up", monotonic_ms=2_000_000)),
    }
    wire.deliver("health", health("up"), mid=1)
    for mid, word in enumerate(last, 2):
        channel, message = words[word]
        wire.deliver(channel, message, mid=mid)
    run(service)
    wire.await_(lambda: len(wire.acked) == 1 + len(last))
    service.stop()
    assert service.lot.shown("A1").status is status


def test_a_boots_heartbeat_dates_the_records_that_came_with_it(service: Service) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    wire.deliver("health", health("up", boot_id="pi-boot", monotonic_ms=1_000_000), mid=1)
    old = changed(1, clock="unsynced", timestamp="1970-01-01T00:00:09Z", monotonic_ms=940_000)
    wire.deliver("events", old, mid=2)
    run(service)
    wire.await_(lambda: len(wire.acked) == 2)
    service.stop()
    assert service.ingest.believed["A1"].since.isoformat() == "2026-03-01T11:59:00+00:00"


def test_a_message_of_an_earlier_connection_is_committed_but_not_acknowledged(
    service: Service,
) -> None:
    """Its number may by now be another message's."""
    wire = service.link
    assert isinstance(wire, Wire)
    wire.deliver("events", changed(1), mid=5)
    wire.reconnects += 1
    wire.deliver("events", changed(2, "free"), mid=5)
    run(service)
    wire.await_(lambda: len(wire.acked) == 1)
    service.stop()
    assert service.ingest.streams["pi-1", "e1"] == 2


def test_nothing_is_acknowledged_before_its_commit(service: Service) -> None:
    wire = service.link
    assert isinstance(wire, Wire)
    reached, go_on = threading.Event(), threading.Event()
    put = service.store.put_spots

    def slowly(spots: Any) -> None:
        reached.set()
        assert go_on.wait(10)
        put(spots)

    service.store.put_spots = slowly  # type: ignore[method-assign]
    wire.deliver("events", changed(1), mid=1)
    run(service)
    assert reached.wait(10)
    assert not wire.acked
    assert not [topic for topic, _ in wire.published if topic.endswith("/ack")]
    go_on.set()
    wire.await_(lambda: wire.acked == [1])
    wire.await_(lambda: any(topic.endswith("pi-1/ack") for topic, _ in wire.published))
    service.stop()


def test_a_record_that_comes_again_is_no_sign_of_life(service: Service) -> None:
    """Somebody recorded what passed, and publishes it while its agent is without power."""
    wire = service.link
    assert isinstance(wire, Wire)
    wire.deliver("health", health("up", monotonic_ms=1_000_000), mid=1)
    wire.deliver("events", changed(1), mid=2)
    service.step()
    wait(service, 1000.0)
    wire.deliver("events", changed(1), mid=3)
    service.step()
    assert service.lot.shown("A1").status is Status.UNKNOWN
    wire.deliver("events", changed(2, "free"), mid=4)
    service.step()
    assert service.lot.shown("A1").status is Status.FREE


def test_a_heartbeat_that_comes_again_tells_nothing(service: Service) -> None:
    """Neither how the agent is, nor what time it was when its unsynced boot saw something."""
    wire = service.link
    assert isinstance(wire, Wire)
    old = health("up", boot_id="pi-boot", monotonic_ms=1_000_000, last_seq=3)
    wire.deliver("health", old, mid=1)
    wire.deliver("health", health("up", boot_id="pi-boot", monotonic_ms=1_060_000, last_seq=9))
    service.step()
    wait(service, 500.0)
    wire.deliver("health", old, mid=3)
    seen = changed(1, clock="unsynced", timestamp="1970-01-01T00:00:09Z", monotonic_ms=1_060_000)
    wire.deliver("events", seen, mid=4)
    service.step()
    assert service.lot.healths["pi-1"].last_seq == 9
    assert service.ingest.believed["A1"].since.isoformat() == "2026-03-01T12:00:00+00:00"


def test_a_gateway_whose_clock_lies_takes_the_lot_in_and_shows_it(service: Service) -> None:
    """Its own clock says synced and is ten years behind; the agents say so."""
    wire = service.link
    assert isinstance(wire, Wire)
    truly = START + timedelta(days=3650)
    for agent in ("pi-1", "pi-9"):
        beat = health("up", session=agent, clock="synced", time=truly.isoformat())
        wire.deliver("health", beat, agent=agent)
    wire.deliver("events", changed(1, timestamp=truly.isoformat()))
    service.step()
    (row,) = service.store.spool.read(0, 10)
    record = json.loads(row.payload)
    assert (record["clock"], record["timestamp"]) == ("synced", "2036-02-27T12:00:00.000Z")
    shown = next(body for topic, body in wire.published if topic.endswith("spots/A1/state"))
    assert (shown["status"], shown["clock"]) == ("occupied", "unsynced")
