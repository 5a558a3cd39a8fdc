"""From the spool to the broker: a window of messages ahead of the gateway's acknowledgement.

A PUBACK only says that the broker has a message; the store forgets behind the application
ack alone. One message carries one record, or an array of them while several wait.
"""

import json
import logging
import queue
import random
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from pydantic import ValidationError

from agent.commands import Commands
from agent.config import AgentSettings
from agent.core import Agent, decoded
from agent.health import agent_health, will_of, without_rights
from agent.records import restamped
from agent.rights import PROBE, Rights
from agent.window import Window
from contract.commands import CommandResponse
from contract.health import GatewayHealth
from contract.requests import Ack
from contract.topics import Topics
from contract.upstream import rfc3339
from runtime.mqtt import Handlers, Link

log = logging.getLogger(__name__)

MESSAGES_UNDER_WAY = 20
"""Messages without PUBACK: what a broker keeps for a client by default."""


class Publisher:
    """The agent's side of the link. Its own thread sends; paho's thread only notes and wakes."""

    def __init__(
        self,
        agent: Agent,
        monotonic: Callable[[], float],
        make_link: Callable[..., Link] = Link,
    ) -> None:
        self.agent = agent
        self.settings: AgentSettings = agent.settings
        self.store = agent.store
        self.monotonic = monotonic
        self.topics = Topics(self.settings.lot_id)
        mqtt = self.settings.mqtt
        known = mqtt.tls is not None or mqtt.username is not None  # else there are no rights
        self.rights = Rights(self.topics, self.settings.agent_id) if known else None
        publish = self.settings.publish
        self.window = Window(publish.window_records, publish.backlog_records, publish.ack_timeout_s)
        self.window.acked = self.window.sent = self.store.acked_seq
        self.link = make_link(
            self.settings.mqtt,
            f"{self.settings.lot_id}.{self.settings.agent_id}",
            Handlers(
                message=self._on_message,
                connected=self._on_connected,
                disconnected=self._on_disconnected,
                published=self._on_published,
            ),
            will=(self.topics.agent(self.settings.agent_id, "health"), will_of(agent.session_id)),
        )
        self.pubacks = 0
        self.round_trip_s = monotonic()
        self.stopping = False
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._under_way: set[int] = set()
        self._changed: dict[str, None] = {}
        self._gateway_session: str | None = None
        self._gateway_up = False
        self._next_heartbeat_s = 0.0
        self._not_before_s = 0.0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self.failure: BaseException | None = None
        agent.on_record = self._on_record
        self.commands: Commands | None = None
        self._command_topic = self.topics.agent(self.settings.agent_id, "command")

    def start(self) -> None:
        """Connect and send in the background."""
        self._thread.start()
        self.link.start()

    def stop(self) -> None:
        """Say that the agent goes, disconnect and end the thread."""
        self._todo.put(self._end)
        self._thread.join(10)
        if self.link.connected:
            self._publish_retained_down()
        self.link.stop()

    def soon(self, what: Callable[[], None]) -> None:
        """Have the publisher's thread do it."""
        self._todo.put(what)

    def answer(self, response: CommandResponse) -> None:
        """Publish an answer, and how the agent is behind it. Of the publisher's thread alone."""
        if self.link.connected:
            topic = self.topics.agent(self.settings.agent_id, "response")
            self.link.publish(topic, response.model_dump_json(exclude_none=True).encode())
            self._heartbeat()

    def _publish_retained_down(self) -> None:
        topic = self.topics.agent(self.settings.agent_id, "health")
        self.link.publish(topic, will_of(self.agent.session_id), retain=True)

    # What other threads tell: never under a lock, for paho holds its own while it calls --------

    def _on_record(self, name: str) -> None:
        self._todo.put(lambda: self._changed.update({name: None}))

    def _on_connected(self, session_present: bool) -> None:
        self.link.subscribe(self.topics.agent(self.settings.agent_id, "ack"))
        self.link.subscribe(self.topics.gateway_health)
        if self.commands:
            self.link.subscribe(self._command_topic)
        for topic in self.rights.tested if self.rights else ():
            self.link.subscribe(topic)
        self._todo.put(self._begin_connection)

    def _on_disconnected(self) -> None:
        self._todo.put(self._under_way.clear)

    def _on_published(self, mid: int, refused: bool) -> None:
        self._todo.put(lambda: self._take_puback(mid))

    def _on_message(self, message: paho.MQTTMessage) -> None:
        if message.topic == self._command_topic and message.payload != PROBE:
            payload = bytes(message.payload)
            self._todo.put(lambda: self._take_command(payload))
            return
        if self.rights:
            topic, retained = message.topic, message.retain
            self._todo.put(lambda: self._test_rights(topic, retained))
            if topic in self.rights.tested:
                return
        try:
            if message.topic == self.topics.gateway_health:
                health, kept = GatewayHealth.model_validate_json(message.payload), message.retain
                self._todo.put(lambda: self._hear_gateway(health, kept))
            else:
                ack = Ack.model_validate_json(message.payload)
                self._todo.put(lambda: self._take_ack(ack))
        except ValidationError as error:
            log.error("unreadable message on %s: %s", message.topic, error)

    # What the publisher's own thread does ---------------------------------------------------

    def _run(self) -> None:
        try:
            while not self.stopping:
                self.step(self.wait_s())
        except BaseException as error:
            log.exception("the publisher failed")
            self.failure = error

    def wait_s(self) -> float:
        """How long there is nothing to do if nothing is told meanwhile."""
        return 0.0 if self._may_send() else self._idle_s()

    def step(self, wait_s: float = 0.0) -> None:
        """Do all that was told, waited for at most `wait_s`; then send what may be sent."""
        self._do_what_is_told(wait_s)
        self._keep_up()

    def _do_what_is_told(self, wait_s: float) -> None:
        try:
            self._todo.get(timeout=wait_s)()
            while True:
                self._todo.get_nowait()()
        except queue.Empty:
            pass

    def _end(self) -> None:
        self.stopping = True

    def _take_puback(self, mid: int) -> None:
        self._under_way.discard(mid)
        self.pubacks += 1
        self.round_trip_s = self.monotonic()

    def _idle_s(self) -> float:
        now_s = self.monotonic()
        until = [self._next_heartbeat_s - now_s, 1.0]
        if self._not_before_s > now_s:
            until.append(self._not_before_s - now_s)
        return max(min(until), 0.0)

    def _may_send(self) -> bool:
        return (
            self.link.connected
            and len(self._under_way) < MESSAGES_UNDER_WAY
            and self.window.room() > 0
            and self.window.sent < self.store.spool.last_seq
            and (not self.window.draining or self.monotonic() >= self._not_before_s)
        )

    def _keep_up(self) -> None:
        now_s = self.monotonic()
        if now_s >= self._next_heartbeat_s:
            self._next_heartbeat_s = now_s + self.settings.publish.heartbeat_s
            self._heartbeat()
        if self._gateway_up and self.window.overdue(now_s):
            hint = self.rights.unread_ack() if self.rights else ""
            log.warning("no acknowledgement behind %d: sending again%s", self.window.acked, hint)
            self._begin(self.window.acked)
        if self.commands:
            self.commands.step(now_s)
        for words in self.rights.news(now_s) if self.rights else ():
            log.error("%s", words)
        self._send_snapshots_of_changes()
        if self._may_send():
            self._send_batch(now_s)

    def _begin_connection(self) -> None:
        if self.rights:
            self.rights.begin()
            self.link.publish(self.rights.forbidden, PROBE, qos=0)
        self._heartbeat()
        self._begin(self.window.acked)

    def _begin(self, acked: int) -> None:
        """Live before backlog: the present goes first, then the past behind `acked` in order."""
        self.window.begin_again(acked, self.store.spool.last_seq)
        if self.window.draining:
            log.info("a backlog of %d records", self.store.spool.last_seq - self.window.acked)
            self._send_all_snapshots()
            self._not_before_s = self.monotonic() + random.uniform(
                0, self.settings.publish.jitter_s
            )

    def _hear_gateway(self, health: GatewayHealth, kept: bool) -> None:
        """A session that begins may lack what was sent before it. One that the broker kept when
        we subscribed was there before anything was sent."""
        self._gateway_up = health.status == "up"
        if self._gateway_up and health.session_id != self._gateway_session:
            known, self._gateway_session = self._gateway_session, health.session_id
            self._heartbeat()
            if known is not None or not kept:
                self._begin(self.window.acked)

    def _take_ack(self, ack: Ack) -> None:
        if ack.epoch != self.store.epoch:
            return
        if ack.seq > self.store.spool.last_seq or self._is_anothers(ack):
            self._begin_epoch(ack.seq)
            return
        if ack.store_id != self.store.store_id and self.store.meet(ack.store_id):
            self._begin(ack.seq)
        elif ack.seq < self.window.acked:
            log.error("the gateway went back from %d to %d", self.window.acked, ack.seq)
            self._begin(ack.seq)
        self.store.acknowledge(ack.seq)
        self.window.acknowledged(ack.seq, self.store.spool.last_seq, self.monotonic())
        self.store.protect(self.window.sent)
        if ack.resend_from is not None:
            self.window.back_to(ack.resend_from)

    def _is_anothers(self, ack: Ack) -> bool:
        """Whether what is acknowledged is not what we have under that seq."""
        if ack.mark is None or ack.seq <= self.store.acked_seq:
            return False
        return self.store.mark_at(ack.seq) not in (None, ack.mark)

    def _begin_epoch(self, seq: int) -> None:
        """The gateway has records that we have not: their seqs must not pass for ours."""
        log.error(
            "the gateway's record %d is none of ours, which end at %d: the store lost committed "
            "records, or is a copy; beginning a new epoch",
            seq,
            self.store.spool.last_seq,
        )
        self.store.begin_epoch()
        self._heartbeat()
        self._begin(0)

    def _test_rights(self, topic: str, retained: bool) -> None:
        if not self.rights or not self.rights.hears(topic, retained=retained):
            return
        if topic in self.rights.written or self.commands is None:
            self.link.unsubscribe(topic)

    def _take_command(self, payload: bytes) -> None:
        if self.commands and payload:
            self.commands.take(payload)

    def _send_batch(self, now_s: float) -> None:
        publish = self.settings.publish
        rows = self.store.read(self.window.sent, min(publish.batch, self.window.room()))
        if not rows:
            return
        self.store.protect(rows[-1].seq)
        prev = self.window.sent
        wires = []
        for row in rows:
            wires.append(self._wire(decoded(row.payload), row.seq, prev))
            prev = row.seq
        self._publish_events(wires)
        draining = self.window.draining
        self.window.has_sent(prev, self.store.spool.last_seq, now_s)
        if draining:
            self._not_before_s = now_s + len(rows) / publish.drain_per_s

    def _wire(self, body: dict[str, Any], seq: int, prev_seq: int) -> dict[str, Any]:
        if "timestamp" not in body:
            body.update(self._now_fields())
        return {
            **restamped(body, self.store.clock_pair),
            "agent_id": self.settings.agent_id,
            "epoch": self.store.epoch,
            "seq": seq,
            "prev_seq": prev_seq,
            "historical": self.window.draining,
        }

    def _now_fields(self) -> dict[str, Any]:
        now = self.agent.moment()
        return {**now.stamp(now.monotonic_s), "timestamp": rfc3339(now.wall)}

    def _send_snapshots_of_changes(self) -> None:
        changed, self._changed = self._changed, {}
        if self.window.draining and self.link.connected:
            self._send_snapshots(changed)

    def _send_all_snapshots(self) -> None:
        self._send_snapshots(dict.fromkeys(spot.spot_id for spot in self.settings.spots))

    def _send_snapshots(self, names: dict[str, None]) -> None:
        found = [snapshot for name in names if (snapshot := self.agent.snapshot(name))]
        identity = {"agent_id": self.settings.agent_id, "epoch": self.store.epoch}
        batch = self.settings.publish.batch
        for start in range(0, len(found), batch):
            self._publish_events([{**each, **identity} for each in found[start : start + batch]])

    def _publish_events(self, wires: list[dict[str, Any]]) -> None:
        message = json.dumps(wires[0] if len(wires) == 1 else wires, separators=(",", ":"))
        topic = self.topics.agent(self.settings.agent_id, "events")
        if self.rights:
            self.rights.sent(topic, self.monotonic())
        self._under_way.add(self.link.publish(topic, message.encode()))

    def _heartbeat(self) -> None:
        if not self.link.connected:
            return
        health = agent_health(self.agent, self.window.acked)
        topic = self.topics.agent(self.settings.agent_id, "health")
        if self.rights:
            self.rights.sent(topic, self.monotonic())
            health = without_rights(health, self.rights.denied(self.monotonic()))
        self.link.publish(topic, health.model_dump_json(exclude_none=True).encode(), retain=True)
