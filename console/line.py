"""One connection to a lot's broker for all that this process asks and hears.

One, because a broker that names its clients by their certificates ends the older of two.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import paho.mqtt.client as paho
from pydantic import ValidationError

from contract.requests import Request, Response
from contract.topics import Topics
from gateway.ask import NoAnswer
from runtime.mqtt import Handlers, Link, MqttSettings

log = logging.getLogger(__name__)

BACK_OFF_MAX_S = 2.0
"""People wait for it: a broker that is back is looked for sooner than by an agent."""


class _Waiting(NamedTuple):
    """A request under way."""

    name: str
    transaction: str
    payload: bytes
    answer: "Future[Response]"


class Watcher(NamedTuple):
    """Who hears topics below the lot's root: `begun` is called with each connection anew."""

    filters: Sequence[str]
    hear: Callable[[str, Any], None]
    """With the topic below the root, and its JSON or None; on the connection's thread."""
    begun: Callable[[], None]


class Line:
    """Used by any thread; opened by the first request or by `watch`.

    What waits for its answer when a connection begins anew is asked again: a question costs
    nothing, and an order is done once by its transaction.
    """

    def __init__(self, mqtt: MqttSettings, lot_id: str) -> None:
        self._topics = Topics(lot_id)
        self._where = f"{mqtt.host}:{mqtt.port}"
        self._lock = threading.Lock()
        self._started = self._ready = False
        self._waiting: dict[int, _Waiting] = {}
        self._watchers: list[Watcher] = []
        slowest_s = max(mqtt.reconnect_min_s, min(mqtt.reconnect_max_s, BACK_OFF_MAX_S))
        settings = mqtt.model_copy(update={"session_expiry_s": 0, "reconnect_max_s": slowest_s})
        handlers = Handlers(
            message=self._hear, connected=self._connected, disconnected=self._disconnected
        )
        client_id = f"{lot_id}.console.{uuid.uuid4().hex[:8]}"
        self._link = Link(settings, client_id, handlers, clean=True)

    def watch(self, watcher: Watcher) -> None:
        """Have `watcher` hear from now on, over every connection."""
        with self._lock:
            self._watchers.append(watcher)
            self._open()
            ready = self._ready
        if ready:
            self._begin(watcher)

    def ask(self, name: str, data: dict[str, Any], timeout_s: float, transaction: str) -> Response:
        """The gateway's response to one request. Raises NoAnswer."""
        payload = Request(transaction=transaction, data=data).model_dump_json().encode()
        waiting = _Waiting(name, transaction, payload, Future())
        with self._lock:
            self._waiting[id(waiting)] = waiting
            self._open()
            if self._ready:
                self._send(waiting)
        try:
            return waiting.answer.result(timeout_s)
        except TimeoutError:
            raise NoAnswer(self._why_silent()) from None
        finally:
            with self._lock:
                del self._waiting[id(waiting)]

    def close(self) -> None:
        """Disconnect; who watched hears no more. A later request connects again."""
        with self._lock:
            was_started, self._started, self._ready = self._started, False, False
            self._watchers.clear()
        if was_started:
            self._link.stop()

    def _open(self) -> None:
        if not self._started:
            self._started = True
            self._link.start()

    def _send(self, waiting: _Waiting) -> None:
        self._link.publish(self._topics.request(waiting.name), waiting.payload)

    def _why_silent(self) -> str:
        if self._ready:
            return "the broker answers, the gateway does not: is it running?"
        return f"no broker at {self._where}"

    # The connection's thread -----------------------------------------------------------------

    def _connected(self, session_present: bool) -> None:
        self._link.subscribe(self._topics.all_responses)
        with self._lock:
            self._ready = True
            watchers = list(self._watchers)
            for waiting in self._waiting.values():
                self._send(waiting)
        for watcher in watchers:
            self._begin(watcher)

    def _disconnected(self) -> None:
        self._ready = False

    def _begin(self, watcher: Watcher) -> None:
        watcher.begun()
        for each in watcher.filters:
            self._link.subscribe(f"{self._topics.root}/{each}")

    def _hear(self, message: paho.MQTTMessage) -> None:
        if name := self._topics.response_name(message.topic):
            self._answer(name, bytes(message.payload))
            return
        topic = message.topic.removeprefix(f"{self._topics.root}/")
        told = json.loads(message.payload) if message.payload else None
        for watcher in self._watchers:
            watcher.hear(topic, told)

    def _answer(self, name: str, payload: bytes) -> None:
        try:
            response = Response.model_validate_json(payload)
        except ValidationError as error:
            log.warning("an answer to %s is none: %s", name, error.errors()[0]["msg"])
            return
        with self._lock:
            meant = [
                each.answer
                for each in self._waiting.values()
                if (each.name, each.transaction) == (name, response.transaction)
            ]
        for answer in meant:
            if not answer.done():
                answer.set_result(response)
