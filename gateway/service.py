"""The gateway at work: messages in, one commit, and only then the acks and the displays.

paho's thread -> inbox -> [service thread: batch -> transaction] -> MQTT acks
                                                                 -> application acks
                                                                 -> displays, forwarders
"""

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from pydantic import ValidationError

from contract import topics as wire
from contract.health import AgentHealth, GatewayHealth
from contract.requests import Ack, Response
from contract.words import ClockState
from gateway.alarms import Alarms
from gateway.batch import Arrived, Outcome
from gateway.commanding import Commanding
from gateway.config import GatewaySettings
from gateway.desk import Desk
from gateway.displays import Displays
from gateway.forwarder import Forwarder
from gateway.heartbeat import health_of, info_of, upstream, will_of
from gateway.ingest import Ingest
from gateway.judged import JudgedClock
from gateway.lot import Lot
from gateway.quota import Quota
from gateway.requests import ORDERS, QUESTIONS, answer
from gateway.store import GatewayStore
from gateway.witness import Witness
from runtime.clock import Clock
from runtime.mqtt import Handlers, Link

if TYPE_CHECKING:
    from gateway.notifier import Notifier

log = logging.getLogger(__name__)

FLOOD_MESSAGES = 10_000
FLOOD_BYTES = 16_000_000
"""Beyond so much waiting, messages of QoS 0 are let go. Those of QoS 1 never are: the broker's
window bounds them, and one that is never acknowledged would stay in it."""
UNASKED_PER_S = 20.0
UNASKED_BURST = 200.0
"""Messages of QoS 0 on one topic; no agent of ours sends any. What is over is let go before it
is looked at, so that a flood neither fills the inbox nor makes the others wait for its commits."""
TICK_S = 1.0
DISPLAY_WINDOW = 500
"""Unacknowledged messages beyond which displays wait: they get the newest state when it clears."""


@dataclass(frozen=True, slots=True)
class Received:
    """What is kept of a message until its commit; paho's own object is ten times as large.

    An ack must not go to a later `connection` than the one that the message came on.
    """

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int
    connection: int


class Service:
    """One lot's gateway without its process."""

    def __init__(
        self,
        settings: GatewaySettings,
        store: GatewayStore,
        clock: Clock,
        make_link: Callable[..., Link] = Link,
    ) -> None:
        self.settings = settings
        self.store = store
        self.clock = clock = JudgedClock(clock, settings.ingest.future_s)
        self.topics = wire.Topics(settings.lot_id)
        self._asked = self.topics.all_requests.removesuffix("+")
        self.session_id = uuid.uuid4().hex[:16]
        self.started_s = clock.monotonic()
        self.ingest = Ingest(settings, store, clock)
        self.lot = Lot(settings, store, self.ingest, clock)
        self.forwarders: list[Forwarder] = []
        self.notifiers: list[Notifier] = []
        self.desk = Desk(self.lot, self.forwarders)
        self.commanding = Commanding(self.desk, self.topics, self._answer)
        self.alarms = Alarms(self.lot)
        self.witness = Witness(self.lot)
        self.displays = Displays(self.lot, self.topics, self._publish_retained)
        self.stopping = threading.Event()
        self.failure: BaseException | None = None
        self.progress_s = clock.monotonic()
        self._health: GatewayHealth | None = None
        self._inbox: queue.SimpleQueue[Received | None] = queue.SimpleQueue()
        self._bytes_in = self._bytes_out = 0
        self._unasked = Quota(UNASKED_PER_S, UNASKED_BURST)
        self._reconnected = threading.Event()
        self._next_commit_s = self._next_tick_s = self._next_heartbeat_s = 0.0
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)
        self.link = make_link(
            settings.mqtt,
            f"{settings.lot_id}.gateway",
            Handlers(message=self._on_message, connected=self._on_connected),
            will=(self.topics.gateway_health, will_of(self.session_id)),
            manual_ack=True,
            receive_maximum=settings.ingest.batch_messages,
        )

    def start(self) -> None:
        """Begin to forward, to connect and to take in."""
        for thread in self._helpers():
            thread.start()
        self._thread.start()
        self.link.start()

    def stop(self) -> None:
        """Finish the commit that is under way, say goodbye, end the threads."""
        self.stopping.set()
        self._inbox.put(None)
        self._thread.join(10)
        if self.failure is None:
            self.witness.leave()
        if self.link.connected:
            self._publish_retained(self.topics.gateway_health, will_of(self.session_id))
        self.link.stop()
        for thread in self._helpers():
            thread.stop()
        for thread in self._helpers():
            thread.join(10)

    def _helpers(self) -> "list[Forwarder | Notifier]":
        return [*self.forwarders, *self.notifiers]

    # paho's thread ---------------------------------------------------------------------------

    def _on_connected(self, session_present: bool) -> None:
        for channel in ("events", "health", "response"):
            self.link.subscribe(self.topics.all_agents(channel))
        self.link.subscribe(self.topics.all_requests)
        self.link.subscribe(self.topics.all_alerts)
        self._reconnected.set()

    def _on_message(self, message: paho.MQTTMessage) -> None:
        if not message.qos and self._is_flood(message.topic):
            self.ingest.totals["cut_in_flood"] += 1
            return
        self._bytes_in += len(message.payload)
        self._inbox.put(
            Received(
                message.topic,
                bytes(message.payload),
                message.retain,
                message.mid,
                message.qos,
                self.link.reconnects,
            )
        )

    def _is_flood(self, topic: str) -> bool:
        if not self._unasked.allows(topic, self.clock.monotonic()):
            return True
        waiting_bytes = self._bytes_in - self._bytes_out
        return self._inbox.qsize() >= FLOOD_MESSAGES or waiting_bytes > FLOOD_BYTES

    # The service's thread --------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self.stopping.is_set():
                self.step(TICK_S / 4)
                self.progress_s = self.clock.monotonic()
        except BaseException as error:
            log.exception("the service failed")
            self.failure = error

    def step(self, wait_s: float = 0.0) -> None:
        """Take in what has come, waited for at most `wait_s`, and do what is due."""
        self._do(self._gather(wait_s))

    def _gather(self, wait_s: float) -> list[Received]:
        """A batch for one commit: what comes until the next one is due, or a full window.

        Commits begin at least the group-commit time apart, so a change in a quiet lot is
        committed at once and a burst costs one sync. Heartbeats and rubbish keep
        nobody waiting: the ones cost no sync, the other is rationed. A question costs none
        either, and is answered meanwhile.
        """
        batch: list[Received] = []
        for _ in range(self.settings.ingest.batch_messages):
            try:
                received = self._inbox.get(wait_s > 0, wait_s or None)
            except queue.Empty:
                break
            if received is not None:
                self._bytes_out += len(received.payload)
                if not self._is_answered(received):
                    batch.append(received)
            wait_s = max(self._next_commit_s - self.clock.monotonic(), 0.0)
        return batch

    def _is_answered(self, received: Received) -> bool:
        name = received.topic.removeprefix(self._asked)
        if name not in QUESTIONS:
            return False
        self._acknowledge(received)
        self._respond(name, received.payload)
        return True

    def _do(self, batch: Sequence[Received]) -> None:
        if self._reconnected.is_set():
            self._reconnected.clear()
            self._begin_connection()
        if batch:
            self._take(batch)
        now_s = self.clock.monotonic()
        if now_s >= self._next_tick_s:
            self._next_tick_s = now_s + TICK_S
            self.displays.tick(now_s)
            if self.alarms.tick(linked=self.link.connected):
                self._notify()
            self.witness.look()
        if now_s >= self._next_heartbeat_s:
            self._next_heartbeat_s = now_s + self.settings.presence.heartbeat_s
            self._publish_retained(self.topics.gateway_health, self._heartbeat())
        if self.link.connected and self.link.under_way < DISPLAY_WINDOW:
            self.displays.flush(self.clock.wall())
        self.commanding.step(self.link, now_s)

    def _begin_connection(self) -> None:
        """Whatever the broker kept may be gone: all retained state is published again."""
        self._next_heartbeat_s = 0.0
        self.displays.owe_all()
        self.commanding.owe_all()
        self._publish_retained(self.topics.gateway_info, info_of(self.settings))

    def _take(self, batch: Sequence[Received]) -> None:
        events: list[Arrived] = []
        requests: list[tuple[str, bytes]] = []
        acks: dict[tuple[str, str], Ack] = {}
        for received in batch:
            match wire.parse(received.topic):
                case wire.AgentTopic(lot=self.settings.lot_id, channel="events") as topic:
                    events.append(Arrived(topic.agent, received.topic, received.payload))
                case wire.AgentTopic(lot=self.settings.lot_id, channel="health") as topic:
                    self._hear(topic.agent, received, acks)
                case wire.AgentTopic(lot=self.settings.lot_id, channel="response") as topic:
                    self.commanding.hears(topic.agent, received.payload)
                case wire.RequestTopic(lot=self.settings.lot_id) as topic:
                    requests.append((topic.name, received.payload))
                case _ if shown := self.topics.alert_id(received.topic):
                    if received.payload:
                        self.store.alerts.disown(shown)
                case _:
                    log.warning("a message on a topic that is none of ours: %r", received.topic)
        outcome = self._commit(events)
        for received in batch:
            self._acknowledge(received)
        self._follow(outcome, acks)
        for name, payload in requests:
            self._respond(name, payload)

    def _acknowledge(self, received: Received) -> None:
        if received.connection == self.link.reconnects:
            self.link.ack(received.mid, received.qos)

    def _commit(self, events: Sequence[Arrived]) -> Outcome:
        began_s = self.clock.monotonic()
        outcome = self.ingest.take(events)
        if outcome.appended or outcome.acks:
            self._next_commit_s = began_s + self.settings.ingest.group_commit_ms / 1000
        return outcome

    def _follow(self, outcome: Outcome, acks: dict[tuple[str, str], Ack]) -> None:
        """After the commit: acks, then displays and sinks."""
        for agent_id in outcome.heard:
            self._look_soon_if_silent(agent_id)
            self.lot.presences[agent_id].hears(self.clock.monotonic())
        for (agent_id, _), ack in {**acks, **outcome.acks}.items():
            self._publish_retained(
                self.topics.agent(agent_id, "ack"), ack.model_dump_json(exclude_none=True).encode()
            )
        if outcome.counted:
            self.lot.refresh()
            self.displays.owe_counts()
        if outcome.changed_spots:
            self.displays.owe(outcome.changed_spots)
        if outcome.appended:
            for forwarder in self.forwarders:
                forwarder.notice(outcome.changed_spots)

    def _hear(self, agent_id: str, received: Received, acks: dict[tuple[str, str], Ack]) -> None:
        try:
            health = AgentHealth.model_validate_json(received.payload)
        except ValidationError as error:
            if self.ingest.keeps_rubbish_of(agent_id):
                log.warning("%s: unreadable health: %s", received.topic, error.errors()[0]["msg"])
            self.ingest.totals["unreadable_health"] += 1
            return
        presence = self.lot.presences[agent_id]
        if health.status == "down":
            presence.hears_down(health.session_id)
            return
        beat_ms = health.monotonic_ms or 0
        if not presence.is_news(health.session_id, beat_ms, retained=received.retained):
            return
        self._look_soon_if_silent(agent_id)
        was_suspected = presence.clone_suspected
        new_session = presence.hears_up(health.session_id, self.clock.monotonic())
        if presence.clone_suspected and not was_suspected:
            log.error("agent %s: two holders of one identity take turns", agent_id)
        self.lot.healths[agent_id] = health
        self.lot.beaten_s[agent_id] = self.clock.monotonic()
        if health.clock is ClockState.SYNCED and health.time:
            self.clock.hears(agent_id, health.time)
        self.commanding.note(agent_id, health)
        if health.boot_id and health.monotonic_ms is not None:
            self.ingest.note_clock(agent_id, health.boot_id, health.monotonic_ms)
        if health.epoch and (new_session or health.acked_seq != health.last_seq):
            acks[agent_id, health.epoch] = self.ingest.ack_of(agent_id, health.epoch)

    def _look_soon_if_silent(self, agent_id: str) -> None:
        """The first word of an agent that was silent is shown now, not at the next tick."""
        if self.lot.silence(agent_id):
            self._next_tick_s = 0.0

    def _respond(self, name: str, payload: bytes) -> None:
        try:
            if self.commanding.runs(self.link, name, payload):
                return
            response = answer(self.desk, name, payload)
        except ValidationError:
            response = None
        if response is None:
            self.ingest.totals["unreadable_requests"] += 1
            return
        while self.desk.taken:
            self._follow(self.ingest.settle(self.desk.taken.pop()), {})
        if name in ORDERS:
            self.displays.owe_all()
            self._notify()
        self._answer(name, response)

    def _answer(self, name: str, response: Response) -> None:
        message = response.model_dump_json(exclude_none=True).encode()
        self.link.publish(self.topics.response(name), message)

    def _notify(self) -> None:
        for notifier in self.notifiers:
            notifier.notice()

    def _heartbeat(self) -> bytes:
        uptime_s = self.clock.monotonic() - self.started_s
        self._health = health_of(self.session_id, self.lot, self.forwarders, uptime_s)
        return self._health.model_dump_json(exclude_none=True).encode()

    def heartbeat_for(self, sink: str) -> bytes | None:
        """The last heartbeat as `sink` is told it; of a service that hangs it is an old one.

        Called by any thread; None before the first.
        """
        health = self._health
        return upstream(health, self.lot, sink) if health and self.lot.told_by else None

    def _publish_retained(self, topic: str, payload: bytes) -> None:
        if self.link.connected:
            self.link.publish(topic, payload, retain=True)
