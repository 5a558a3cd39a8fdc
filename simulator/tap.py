"""Somebody on the broker who heard what the agents said, and says it again; or nonsense."""

import random
import threading
from collections import deque

import paho.mqtt.client as paho

from contract.topics import Topics
from runtime.mqtt import Handlers, Link, MqttSettings

REMEMBERED = 500
POISON = (b"{not json", b"[]", b"[1, 2]", b'{"type": "of tomorrow"}', b"\xff\xfe", b"{}")


class Tap:
    """Remembers the agents' newest messages. Publishing them again must change nothing."""

    def __init__(self, mqtt: MqttSettings, lot_id: str, seed: int = 1) -> None:
        self._topics = Topics(lot_id)
        self._heard: deque[tuple[str, bytes]] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self.published = 0
        settings = mqtt.model_copy(update={"session_expiry_s": 0})
        handlers = Handlers(message=self._hear, connected=self._subscribe)
        self._link = Link(settings, f"{lot_id}.tap", handlers, clean=True)

    def start(self) -> None:
        """Begin to listen."""
        self._link.start()

    def stop(self) -> None:
        """Listen no more."""
        self._link.stop()

    def publish_again(self) -> None:
        """All that is remembered, in no order."""
        with self._lock:
            heard = list(self._heard)
        self._random.shuffle(heard)
        for topic, payload in heard:
            self._say(topic, payload)

    def poison(self) -> None:
        """What is no record, under the name of the agent that was heard last."""
        with self._lock:
            topic = self._heard[-1][0] if self._heard else self._topics.agent("pi-00", "events")
        for payload in POISON:
            self._say(topic, payload)

    def _say(self, topic: str, payload: bytes) -> None:
        self._link.publish(topic, payload)
        self.published += 1

    def _subscribe(self, session_present: bool) -> None:
        self._link.subscribe(self._topics.all_agents("events"))

    def _hear(self, message: paho.MQTTMessage) -> None:
        with self._lock:
            self._heard.append((message.topic, bytes(message.payload)))
