"""A stand-in for `runtime.mqtt.Link`, with paho's manners, over the simulated network.

- Messages are kept until their PUBACK, in memory, and sent again at a reconnect in their order;
  those published while there is no connection are queued (paho, README: "Known limitations").
- `connected` is called before anything is sent again; `disconnected` whenever a connection ends.
- With `manual_ack` a message is acknowledged by `ack`, on whatever connection there is then;
  without, behind its handler.
- Reconnects back off with jitter, doubling up to `reconnect_max_s`.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

import paho.mqtt.client as paho

from proof.broker import Broker, Message
from proof.machine import Process
from proof.network import Connection
from runtime.mqtt import Handlers, Link, MqttSettings

BROKERS_WINDOW = 20
"""mosquitto's max_inflight_messages towards a client of 3.1.1, which cannot name a maximum."""


def link_maker(broker: Broker, process: Process) -> Callable[..., Link]:
    """What a process of the simulation makes its links by, in place of `Link`."""
    return cast(Callable[..., Link], partial(SimulatedLink, broker, process))


class SimulatedLink:
    """One client's link; dies with its process."""

    def __init__(
        self,
        broker: Broker,
        process: Process,
        settings: MqttSettings,
        client_id: str,
        handlers: Handlers,
        *,
        will: tuple[str, bytes] | None = None,
        manual_ack: bool = False,
        receive_maximum: int = 200,
        clean: bool = False,
    ) -> None:
        self.settings = settings
        self.handlers = handlers
        self.connected = False
        self.reconnects = 0
        self.alive = True
        self.told: Callable[[], None] = lambda: None
        """Called behind each callback: a thread of the process may have something to do."""
        self.seen: Callable[[str, bytes], None] = lambda topic, payload: None
        """Called with what is about to be published, for judges."""
        self._broker = broker
        self._process = process
        self._client = client_id
        self._will = Message(will[0], will[1], retain=True) if will else None
        self._manual_ack = manual_ack
        self._window = receive_maximum if settings.protocol == "5" else BROKERS_WINDOW
        self._clean = clean
        self._connection: Connection | None = None
        self._out: dict[int, Message] = {}
        self._mid = 0
        self._back_off_s = settings.reconnect_min_s

    @property
    def under_way(self) -> int:
        """Messages that the broker has not acknowledged."""
        return len(self._out)

    def start(self) -> None:
        """Connect, for as long as it takes."""
        self._broker.network.schedule.after(0.0, lambda: self._process.run(self._connect))

    def stop(self) -> None:
        """Disconnect in order: the will is not sent."""
        if self._connection is not None:
            connection = self._connection
            connection.client_lost = lambda: None
            connection.send_up(lambda: self._broker.disconnect(connection))

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Keep the message until its PUBACK; answers its id."""
        self.seen(topic, payload)
        self._process.point()
        self._mid = self._mid % 65535 + 1
        self._out[self._mid] = Message(topic, payload, retain)
        if self.connected:
            self._send(self._mid)
        self._process.point()
        return self._mid

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Subscribe on this connection."""
        if connection := self._connection:
            connection.send_up(lambda: self._broker.subscribe(connection, topic))

    def ack(self, mid: int, qos: int) -> None:
        """PUBACK."""
        self._process.point()
        if (connection := self._connection) and self.connected:
            connection.send_up(lambda: self._broker.puback(connection, mid))
        self._process.point()

    def _connect(self) -> None:
        network = self._broker.network
        if self._client in network.cuts or not self._broker.up:
            self._try_again()
            return
        connection = network.connect(self._client, self.settings.keepalive_s, lambda: None)
        connection.client_lost = lambda: self._process.run(lambda: self._lost(connection))
        self._connection = connection
        connection.send_up(lambda: self._accept(connection))

    def _accept(self, connection: Connection) -> None:
        """At the broker's end."""
        if not self._broker.up:
            connection.reset()
            return

        def deliver(mid: int, message: Message) -> None:
            self._process.run(lambda: self._take(connection, mid, message))

        present = self._broker.connect(connection, self._clean, self._will, self._window, deliver)
        connection.send_down(lambda: self._process.run(lambda: self._begin(connection, present)))
        self._broker.resume(connection)

    def _begin(self, connection: Connection, session_present: bool) -> None:
        """CONNACK."""
        self.connected = True
        self.reconnects += 1
        self._back_off_s = self.settings.reconnect_min_s
        if self.handlers.connected:
            self.handlers.connected(session_present)
        for mid in list(self._out):
            self._send(mid)
        self.told()

    def _send(self, mid: int) -> None:
        connection, message = self._connection, self._out[mid]
        if connection is None:
            return

        def arrive() -> None:
            self._broker.publish(message)
            connection.send_down(lambda: self._process.run(lambda: self._pubacked(mid)))

        connection.send_up(arrive)

    def _pubacked(self, mid: int) -> None:
        if self._out.pop(mid, None) is not None and self.handlers.published:
            self.handlers.published(mid, False)
            self.told()

    def _take(self, connection: Connection, mid: int, message: Message) -> None:
        given = paho.MQTTMessage(mid, message.topic.encode())
        given.payload, given.retain, given.qos = message.payload, message.retain, 1
        if self.handlers.message:
            self.handlers.message(given)
        if not self._manual_ack:
            connection.send_up(lambda: self._broker.puback(connection, mid))
        self.told()

    def _lost(self, connection: Connection) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        was_connected, self.connected = self.connected, False
        if was_connected and self.handlers.disconnected:
            self.handlers.disconnected()
            self.told()
        self._try_again()

    def _try_again(self) -> None:
        jitter = self._broker.rng.uniform(0.5, 1.5)
        schedule = self._broker.network.schedule
        schedule.after(self._back_off_s * jitter, lambda: self._process.run(self._connect))
        self._back_off_s = min(self._back_off_s * 2, self.settings.reconnect_max_s)
