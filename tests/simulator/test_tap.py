"""The tap on a real broker: what it heard comes again, and poison under an agent's name."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.tap import POISON, Tap

TOPIC = "parking/v1/tapped/agents/pi-07/events"


class Ear:
    """Somebody else on the broker."""

    def __init__(self, mqtt: MqttSettings) -> None:
        self.heard: list[bytes] = []
        self._news = threading.Condition()
        ready = threading.Event()

        def connected(session_present: bool) -> None:
            self.link.subscribe(TOPIC)
            ready.set()

        handlers = Handlers(message=self._hear, connected=connected)
        self.link = Link(mqtt, "ear", handlers, clean=True)
        self.link.start()
        assert ready.wait(10)

    def _hear(self, message: Any) -> None:
        with self._news:
            self.heard.append(bytes(message.payload))
            self._news.notify_all()

    def await_count(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= count, 10), self.heard


@pytest.fixture
def both(broker: tuple[str, int]) -> Iterator[tuple[Tap, Ear]]:
    mqtt = MqttSettings(port=broker[1], protocol="3.1.1")
    tap = Tap(mqtt, "tapped")
    tap.start()
    ear = Ear(mqtt)
    yield tap, ear
    tap.stop()
    ear.link.stop()


def test_what_was_heard_comes_again_and_poison_under_its_name(both: tuple[Tap, Ear]) -> None:
    tap, ear = both
    said = [b"%d" % n for n in range(20)]
    for payload in said:
        ear.link.publish(TOPIC, payload)
    ear.await_count(20)
    while len(tap._heard) < 20:
        ear.link.publish(TOPIC, b"0")  # until the tap's subscription stands
        ear.await_count(len(ear.heard) + 1)
    before = len(ear.heard)
    tap.publish_again()
    ear.await_count(before + tap.published)
    again = ear.heard[before:]
    assert tap.published >= 20
    assert set(again) <= set(said)
    tap.poison()
    ear.await_count(before + len(again) + len(POISON))
    assert ear.heard[-len(POISON) :] == list(POISON)
