"""Where the events go: a mosquitto that keeps nothing but its subscriber's session, which counts.

It can be down: then its port refuses connections, as an uplink does whose far end is gone. The
counting subscriber has a persistent session which the broker keeps over a down time, so what
arrives before the subscriber is back is queued for it and not missed.

For ThingsBoard's gateway it answers what that asks of its platform: the limits of its session
(none) and attributes (none). A PUBACK of this broker counts as delivered.
"""

import getpass
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.lot import MOSQUITTO, await_port
from bench.peers.account import Event

DEVICE_RPC = "v1/devices/me/rpc/request/"
DEVICE_ATTRIBUTES = "v1/devices/me/attributes/request/"
TELEMETRY = "v1/gateway/telemetry"
SUBSCRIPTIONS = ("bays/+/event", TELEMETRY, f"{DEVICE_RPC}+", f"{DEVICE_ATTRIBUTES}+")
NO_LIMITS = {
    "maxPayloadSize": 65536,
    "maxInflightMessages": 1000,
    "rateLimits": {},
    "gatewayRateLimits": {},
}
PROBE = "probe"
"""A bay whose events say that a way is open; they are not counted."""


def events_in(topic: str, body: bytes) -> list[Event]:
    """What a message at the uplink tells: a bridge's is the event, ThingsBoard's holds many.

    >>> events_in("v1/gateway/telemetry", b'{"b1":[{"ts":5,"values":{"n":2}}]}')
    [('b1', 2)]
    """
    told = json.loads(body)
    if topic == TELEMETRY:
        return [(bay, item["values"]["n"]) for bay, items in told.items() for item in items]
    return [(told["spot_id"], told["n"])]


class Arrivals:
    """What arrived, in order, and when the last of it did."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.last_s = 0.0
        self.probed = threading.Event()

    def take(self, events: list[Event]) -> None:
        """Note events."""
        counted = [event for event in events if event[0] != PROBE]
        if len(counted) < len(events):
            self.probed.set()
        if counted:
            self.events += counted
            self.last_s = time.monotonic()


class BrokerUplink:
    """The receiving broker on a port that it keeps through its down times."""

    def __init__(self, folder: Path, port: int, arrivals: Arrivals) -> None:
        folder.mkdir()
        if MOSQUITTO is None:
            raise FileNotFoundError("mosquitto is not installed; on Debian: apt-get install it")
        config = folder / "uplink.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"user {getpass.getuser()}\n"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 0\n"
            "max_inflight_messages 1000\nmax_queued_messages 0\n"
        )
        self._command = [MOSQUITTO, "-c", str(config)]
        self._broker: subprocess.Popen[bytes] | None = None
        self._port = port
        self._arrivals = arrivals
        self._subscribed = threading.Event()
        self._began = False
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "counter", protocol=paho.MQTTv311, clean_session=False
        )
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.reconnect_delay_set(1, 1)

    def up(self) -> None:
        """Answer from now on; returns when the counting subscriber listens."""
        self._subscribed.clear()
        self._broker = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        await_port(self._port)
        if not self._began:
            self._began = True
            self._client.connect("127.0.0.1", self._port)
            self._client.loop_start()
        if not self._subscribed.wait(20):
            raise TimeoutError("the counting subscriber is not connected after 20 s")

    def down(self) -> None:
        """Refuse connections from now on."""
        if self._broker is not None:
            self._broker.terminate()
            self._broker.wait(15)
            self._broker = None

    def close(self) -> None:
        """End it."""
        self._client.disconnect()
        self._client.loop_stop()
        self.down()

    def _on_connect(self, *_: object) -> None:
        self._client.subscribe([(topic, 1) for topic in SUBSCRIPTIONS])

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed.set()

    def _on_message(self, client: object, data: object, message: paho.MQTTMessage) -> None:
        answer = self._answers().get(message.topic.rstrip("0123456789"))
        if answer is None:
            self._arrivals.take(events_in(message.topic, bytes(message.payload)))
        else:
            answer(message)

    def _answers(self) -> dict[str, Callable[[paho.MQTTMessage], object]]:
        return {
            DEVICE_RPC: lambda m: self._reply(m, "rpc", NO_LIMITS),
            DEVICE_ATTRIBUTES: lambda m: self._reply(m, "attributes", {}),
        }

    def _reply(self, message: paho.MQTTMessage, what: str, body: dict[str, object]) -> None:
        number = message.topic.rpartition("/")[2]
        self._client.publish(f"v1/devices/me/{what}/response/{number}", json.dumps(body), qos=1)
