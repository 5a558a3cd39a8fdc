"""The load that both peers get: changes of bays, as fast as they are acknowledged or at a rate.

Usage: python -m bench.peers.load PORT SENDER EVENTS RATE_PER_S   (rate 0: as fast as it goes)
Publishes at QoS 1 and keeps nothing: an event whose PUBACK came is the broker's and the
gateway's. Prints a line when connected and waits for one; again when every PUBACK has come.
"""

import json
import sys
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

BAYS = 50
SENDERS = 2
WINDOW = 100
"""Publications without PUBACK at one time."""
FIRST_MS = 1_700_000_000_000
"""The time of the first event. Each event has a millisecond of its own: a sensor's time, and no
two of a bay that a peer could take for one."""


def topic_of(bay: str) -> str:
    """Where a bay's events go."""
    return f"bays/{bay}/event"


def events_of(sender: int, events: int) -> list[tuple[str, int]]:
    """(bay, number) of each event of one sender, in order; its bays take turns."""
    bays = [f"b{sender}-{n}" for n in range(BAYS // SENDERS)]
    return [(bays[n % len(bays)], n + 1) for n in range(events)]


def payload(bay: str, number: int) -> bytes:
    """An event with the fields of the agents' own."""
    return json.dumps(
        {
            "type": "spot_changed",
            "spot_id": bay,
            "status": "occupied" if number // (BAYS // SENDERS) % 2 else "free",
            "n": number,
            "ts": FIRST_MS + number,
            "clock": "synced",
            "monotonic_ms": 14_420_000 + number,
            "boot_id": "5e1f0c8a-6a1f-4f0e-9d0f-2b7c1d9e4a55",
            "confidence": 1.0,
            "health": "ok",
        },
        separators=(",", ":"),
    ).encode()


class Sender:
    """A client that publishes with a window and counts PUBACKs."""

    def __init__(self, port: int, name: str) -> None:
        self.acked = 0
        self._free = threading.Semaphore(WINDOW)
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5, clean_session=None
        )
        self._client.on_publish = self._on_publish
        self._client.max_inflight_messages_set(WINDOW)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        while not self._client.is_connected():
            time.sleep(0.01)

    def _on_publish(self, client: object, data: object, mid: int, code: object, _: object) -> None:
        self.acked += 1
        self._free.release()

    def send(self, events: list[tuple[str, int]], rate_per_s: float) -> None:
        """Publish all and return when each has its PUBACK."""
        began_s = time.monotonic()
        for sent, (bay, number) in enumerate(events):
            self._free.acquire()
            self._client.publish(topic_of(bay), payload(bay, number), qos=1)
            if rate_per_s:
                ahead_s = began_s + (sent + 1) / rate_per_s - time.monotonic()
                time.sleep(max(ahead_s, 0))
        while self.acked < len(events):
            time.sleep(0.002)


def main() -> None:
    """Run one sender."""
    port, sender, events, rate = int(sys.argv[1]), *map(int, sys.argv[2:4]), float(sys.argv[4])
    client = Sender(port, f"sender-{sender}")
    _say_and_await({"ready": True})
    client.send(events_of(sender, events), rate)
    _say_and_await({"pubacks": client.acked})


def _say_and_await(words: dict[str, object]) -> None:
    """Print a line of JSON and wait for one in answer."""
    print(json.dumps(words), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
