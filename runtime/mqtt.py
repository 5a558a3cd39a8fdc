"""A link to an MQTT broker over paho, with its traps closed.

- An exception in a callback would kill paho's thread while it goes on to say "connected":
  every callback is guarded, and `alive` asks the thread itself.
- PUBACKs are counted by message id; the result code of `publish` says nothing of delivery.
- A broker that is down at boot is no error: the first connect is retried like every other.
- Reconnects back off with jitter, so that a lot's agents do not come back all at once.
- Nagle's algorithm and delayed ACKs cost 40 ms a message: it is turned off.
- paho takes two keepalives and more to see that a link is dead: the kernel is told to give up
  what is unacknowledged for most of one (RFC 5482).
- paho's outgoing queue has no limit: `under_way` tells who publishes much when to wait.
- A session that is to be kept is never opened clean, or mosquitto would not keep it.
"""

import logging
import random
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import BaseModel, ConfigDict, Field

from runtime.config import ConfigError, read_secret, require_private

log = logging.getLogger(__name__)

GIVE_UP = 0.75
"""Of a keepalive: as long may what was sent stay without an ACK. A ping goes out after a keepalive
at the latest, so that a dead link is known within 1.75 of them, and a new one tried within two."""


class TlsSettings(BaseModel):
    """Certificates of the broker's CA and of this client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None


class MqttSettings(BaseModel):
    """Where the broker is and how to speak to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(1883, ge=1, le=65535)
    protocol: Literal["5", "3.1.1"] = "5"
    username: str | None = None
    password_file: Path | None = None
    tls: TlsSettings | None = None
    keepalive_s: int = Field(30, ge=5, le=3600)
    session_expiry_s: int = Field(7 * 86400, ge=0)
    reconnect_min_s: float = Field(1.0, gt=0)
    reconnect_max_s: float = Field(60.0, gt=0)


class Handlers(BaseModel):
    """What the link calls, on its own thread; each must return soon."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    message: Callable[[paho.MQTTMessage], None] | None = None
    connected: Callable[[bool], None] | None = None
    """Called with whether the broker still had our session."""
    disconnected: Callable[[], None] | None = None
    published: Callable[[int, bool], None] | None = None
    """Called with the message id at its PUBACK, and whether the broker refused it."""


class Link:
    """One client's connection. `start` never fails for want of a broker.

    Raises ConfigError where a password or certificate cannot be used.
    """

    def __init__(
        self,
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
        self._published = self._pubacked = 0
        self._receive_maximum = receive_maximum
        self._clean = clean
        self._client = self._make_client(client_id, manual_ack)
        if will:
            self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.on_connect = _guarded(self._on_connect)
        self._client.on_disconnect = _guarded(self._on_disconnect)
        self._client.on_subscribe = _guarded(self._on_subscribe)
        self._client.on_message = _guarded(self._on_message)
        self._client.on_publish = _guarded(self._on_publish)
        self._client.on_socket_open = _guarded(self._on_socket_open)

    def _make_client(self, client_id: str, manual_ack: bool) -> paho.Client:
        v5 = self.settings.protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
            clean_session=None if v5 else self._clean,
            manual_ack=manual_ack,
        )
        client.max_inflight_messages_set(65535)  # the window is ours: paho must never queue
        if self.settings.username is not None:
            secret = self.settings.password_file
            client.username_pw_set(self.settings.username, read_secret(secret) if secret else None)
        if tls := self.settings.tls:
            _set_tls(client, tls)
        return client

    @property
    def alive(self) -> bool:
        """Whether the network thread runs."""
        thread = self._client._thread
        return thread is not None and thread.is_alive()

    @property
    def under_way(self) -> int:
        """Messages of QoS 1 that the broker has not acknowledged; they live in memory."""
        return self._published - self._pubacked

    @property
    def answers(self) -> int:
        """How often the broker acknowledged something, the beginning of a connection too."""
        return self._pubacked + self.reconnects

    def start(self) -> None:
        """Connect in the background, for as long as it takes."""
        self._set_back_off()
        options: dict[str, Any] = {}
        if self.settings.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0 if self._clean else self.settings.session_expiry_s
            properties.ReceiveMaximum = self._receive_maximum
            options = {"clean_start": self._clean, "properties": properties}
        self._client.connect_async(
            self.settings.host, self.settings.port, self.settings.keepalive_s, **options
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect in order (the will is not sent) and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # else at the collector's whim

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Hand a message to the network thread; answers its id, which `published` will name."""
        self._published += qos > 0
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def subscribe(self, topic: str, qos: int = 1) -> None:
        """Subscribe; to be called again at each `connected`."""
        self._client.subscribe(topic, qos=qos)

    def unsubscribe(self, topic: str) -> None:
        """Hear no more of it."""
        self._client.unsubscribe(topic)

    def ack(self, mid: int, qos: int) -> None:
        """Acknowledge a message, after its commit (with `manual_ack`)."""
        self._client.ack(mid, qos)

    def _set_back_off(self) -> None:
        low, high = self.settings.reconnect_min_s, self.settings.reconnect_max_s
        self._client.reconnect_delay_set(
            low * random.uniform(0.5, 1.5),  # type: ignore[arg-type]  # paho adds it to a float
            high * random.uniform(0.7, 1.0),  # type: ignore[arg-type]
        )

    def _on_socket_open(self, _c: Any, _u: Any, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            give_up_ms = int(self.settings.keepalive_s * 1000 * GIVE_UP)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, give_up_ms)

    def _on_connect(self, _c: Any, _u: Any, flags: Any, reason: Any, _p: Any) -> None:
        if reason.is_failure:
            log.error("broker %s:%d refuses us: %s", self.settings.host, self.settings.port, reason)
            return
        self.connected = True
        self.reconnects += 1
        log.info("connected to broker %s:%d", self.settings.host, self.settings.port)
        if self.handlers.connected:
            self.handlers.connected(flags.session_present)

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.connected = False
        self._set_back_off()
        log.warning("disconnected from the broker: %s", reason)
        if self.handlers.disconnected:
            self.handlers.disconnected()

    def _on_subscribe(self, _c: Any, _u: Any, mid: int, reasons: list[Any], _p: Any) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.error("the broker refused subscription %d: %s", mid, reason)

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        if self.handlers.message:
            self.handlers.message(message)

    def _on_publish(self, _c: Any, _u: Any, mid: int, reason: Any, _p: Any) -> None:
        self._pubacked += 1
        if reason.is_failure:
            log.error("the broker refused message %d: %s", mid, reason)
        if self.handlers.published:
            self.handlers.published(mid, reason.is_failure)


def _set_tls(client: paho.Client, tls: TlsSettings) -> None:
    try:
        if tls.key_file:
            require_private(tls.key_file)
        client.tls_set(
            ca_certs=str(tls.ca_file),
            certfile=str(tls.cert_file) if tls.cert_file else None,
            keyfile=str(tls.key_file) if tls.key_file else None,
            tls_version=ssl.PROTOCOL_TLS_CLIENT,
        )
    except (OSError, ValueError) as error:  # an SSLError is an OSError; neither names the file
        files = ", ".join(str(path) for path in (tls.ca_file, tls.cert_file, tls.key_file) if path)
        raise ConfigError(f"mqtt.tls: cannot use {files}: {error}") from error


def _guarded(callback: Callable[..., None]) -> Callable[..., None]:
    def guarded(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except Exception:
            log.exception("in an MQTT callback")

    return guarded
