"""A broker that keeps MQTT's rules, and on request breaks those that brokers do break.

Kept (MQTT 3.1.1; version 5 has the same under the same or neighbouring numbers):

- 3.1.2.4: a session that was not opened clean outlives its connection, with its subscriptions
  and what waits; CONNACK says whether there was one (3.2.2.2).
- 3.1.4-2: a second connection of a client id ends the first.
- 3.1.2.5, 3.14.4-3: the will is published when a connection ends without DISCONNECT.
- 3.3.1.3, 3.3.1-8: a retained message is sent at a subscription, marked; live ones are not
  marked, unless `marks_live`, as rumqttd does. An empty one removes.
- 4.3.2, 4.4: what is not acknowledged is sent again at the reconnect, first, in its order.
- 4.6: messages of a topic keep their order.
- 5.0 section 3.3.4: no more than the client's receive maximum are under way to it.
- A PUBACK goes out when the message is with the sessions; in memory, so that says little.

Broken on request (`Mischief`): messages are let go behind their PUBACK (a full queue), come twice,
or out of order. A crash loses everything, or goes back to an older state that was saved.
"""

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random

from proof.network import Connection, Network

Deliver = Callable[[int, "Message"], None]


@dataclass(frozen=True, slots=True)
class Message:
    """An application message of QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(slots=True)
class Mischief:
    """With which probability a message to a session is lost, doubled or late."""

    drop: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    late_s: float = 3.0


WELL = Mischief()


@dataclass(slots=True)
class Session:
    """What the broker keeps of a client."""

    client: str
    clean: bool
    window: int
    filters: list[str] = field(default_factory=list)
    queue: deque[Message] = field(default_factory=deque)
    under_way: dict[int, Message] = field(default_factory=dict)
    next_mid: int = 1
    will: Message | None = None
    connection: Connection | None = None
    deliver: Deliver | None = None

    def saved(self) -> "Session":
        """As a broker writes it to disk."""
        return replace(
            self,
            filters=list(self.filters),
            queue=deque(self.queue),
            under_way=dict(self.under_way),
            will=None,
            connection=None,
            deliver=None,
        )


class Broker:
    """One broker process after the other."""

    def __init__(self, network: Network, rng: Random) -> None:
        self.network = network
        self.rng = rng
        self.up = True
        self.mischief = WELL
        self.marks_live = False
        self.queue_limit = 100_000
        self.let_go = 0
        self.recent: deque[Message] = deque(maxlen=40)
        """What agents said, for somebody who publishes it again."""
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, Message] = {}
        self._life = 0
        self._saved: tuple[dict[str, Session], dict[str, Message]] = ({}, {})

    # Life and death --------------------------------------------------------------------------

    def save(self) -> None:
        """Write the state to disk."""
        sessions = {c: s.saved() for c, s in self.sessions.items() if not s.clean}
        self._saved = sessions, dict(self.retained)

    def crash(self) -> None:
        """SIGKILL. No wills: who would send them."""
        self.up = False
        self._life += 1
        sessions, self.sessions, self.retained = self.sessions, {}, {}
        for session in sessions.values():
            if session.connection is not None:
                session.connection.server_lost = lambda: None
                session.connection.reset()

    def start(self, *, remembers: bool) -> None:
        """Start again, with what was saved last or with nothing."""
        self.up = True
        if remembers:
            self.sessions, self.retained = copy.deepcopy(self._saved[0]), dict(self._saved[1])

    # What clients send -----------------------------------------------------------------------

    def connect(
        self,
        connection: Connection,
        clean: bool,
        will: Message | None,
        window: int,
        deliver: Deliver,
    ) -> bool:
        """CONNECT; answers whether there was a session."""
        client = connection.client
        known = self.sessions.get(client)
        if known is not None and known.connection is not None:
            known.connection.reset()
            known = self.sessions.get(client)
        present = known is not None and not clean
        session = known if known is not None and not clean else Session(client, clean, window)
        self.sessions[client] = session
        session.window, session.will = window, will
        session.connection, session.deliver = connection, deliver
        connection.server_lost = lambda: self._lost(session, connection)
        return present

    def resume(self, connection: Connection) -> None:
        """Behind the CONNACK: what was under way goes again, and first."""
        session = self._session(connection)
        if session is not None:
            again, session.under_way = session.under_way, {}
            for mid, message in again.items():
                self._send(session, mid, message)
            self._fill(session)

    def disconnect(self, connection: Connection) -> None:
        """DISCONNECT: the will is not sent."""
        session = self._session(connection)
        if session is not None:
            session.will = None
            connection.close_server()

    def subscribe(self, connection: Connection, topic_filter: str) -> None:
        """SUBSCRIBE: the retained messages come at once."""
        session = self._session(connection)
        if session is None:
            return
        if topic_filter not in session.filters:
            session.filters.append(topic_filter)
        for topic, message in self.retained.items():
            if matches(topic_filter, topic):
                self._enqueue(session, message)

    def publish(self, message: Message) -> None:
        """PUBLISH: to every session that asked for it."""
        if message.topic.endswith(("/events", "/health")) and "/agents/" in message.topic:
            self.recent.append(message)
        if message.retain and message.payload:
            self.retained[message.topic] = message
        elif message.retain:
            self.retained.pop(message.topic, None)
        live = message
        if message.retain and not self.marks_live:
            live = Message(message.topic, message.payload)
        for session in list(self.sessions.values()):
            for each in session.filters:
                if matches(each, message.topic):
                    self._route(session, live)
                    break

    def puback(self, connection: Connection, mid: int) -> None:
        """PUBACK: the next may go."""
        session = self._session(connection)
        if session is not None and session.under_way.pop(mid, None) is not None:
            self._fill(session)

    # Delivery --------------------------------------------------------------------------------

    def _route(self, session: Session, message: Message) -> None:
        mischief, roll = self.mischief, self.rng.random
        if mischief is WELL:
            self._enqueue(session, message)
            return
        if mischief.drop and roll() < mischief.drop:
            self.let_go += 1
            return
        if mischief.reorder and roll() < mischief.reorder:
            self._enqueue_later(session.client, message)
        else:
            self._enqueue(session, message)
        if mischief.double and roll() < mischief.double:
            self._enqueue_later(session.client, message)

    def _enqueue_later(self, client: str, message: Message) -> None:
        life = self._life

        def late() -> None:
            if life == self._life and client in self.sessions:
                self._enqueue(self.sessions[client], message)

        self.network.schedule.after(self.rng.uniform(0, self.mischief.late_s), late)

    def _enqueue(self, session: Session, message: Message) -> None:
        if len(session.queue) >= self.queue_limit:
            self.let_go += 1
            return
        session.queue.append(message)
        self._fill(session)

    def _fill(self, session: Session) -> None:
        while session.connection and session.queue and len(session.under_way) < session.window:
            mid = session.next_mid
            session.next_mid = mid % 65535 + 1
            self._send(session, mid, session.queue.popleft())

    def _send(self, session: Session, mid: int, message: Message) -> None:
        session.under_way[mid] = message
        deliver = session.deliver
        if session.connection is not None and deliver is not None:
            session.connection.send_down(lambda: deliver(mid, message))

    def _lost(self, session: Session, connection: Connection) -> None:
        if session.connection is not connection:
            return
        session.connection = session.deliver = None
        will, session.will = session.will, None
        if session.clean:
            self.sessions.pop(session.client, None)
        if will is not None and self.up:
            self.publish(will)

    def _session(self, connection: Connection) -> Session | None:
        session = self.sessions.get(connection.client)
        return session if session is not None and session.connection is connection else None


@lru_cache(10_000)
def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter with `+` takes a topic.

    >>> matches("a/+/c", "a/b/c"), matches("a/+", "a/b/c")
    (True, False)
    """
    filters, levels = topic_filter.split("/"), topic.split("/")
    same = len(filters) == len(levels)
    return same and all(f in ("+", level) for f, level in zip(filters, levels, strict=True))
