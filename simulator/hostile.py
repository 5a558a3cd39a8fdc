"""What a broken or hostile device does to a broker: floods, nonsense, and packets too large.

Usage: python -m simulator.hostile ADDRESS TOPIC QOS PAYLOAD_BYTES SECONDS   (a flood)
The flood is bounded in time and count, and goes to a test host of `simulator.namespaces` alone.
"""

import contextlib
import socket
import sys
import time

from simulator.namespaces import NET

PORT = 1883
CONNECT, CONNACK, PUBLISH, SUBSCRIBE = 0x10, 0x20, 0x30, 0x82
"""First bytes of MQTT 3.1.1's packets, section 2.2."""
AT_ONCE = 500
MOST_PACKETS = 3_000_000
LONGEST_S = 60.0
PATIENCE_S = 10.0


def remaining_length(size: int) -> bytes:
    """A packet's size as MQTT 3.1.1 section 2.2.3 writes it.

    >>> remaining_length(127), remaining_length(128)
    (b'\\x7f', b'\\x80\\x01')
    """
    size, digit = divmod(size, 128)
    return bytes([digit]) if not size else bytes([digit | 128]) + remaining_length(size)


def packet(first: int, body: bytes) -> bytes:
    """A whole packet."""
    return bytes([first]) + remaining_length(len(body)) + body


def field(value: bytes) -> bytes:
    """A string, section 1.5.3."""
    return len(value).to_bytes(2, "big") + value


def hello(client_id: str, keepalive_s: int = 60) -> bytes:
    """A CONNECT of MQTT 3.1.1 with a clean session."""
    flags = bytes([4, 2]) + keepalive_s.to_bytes(2, "big")
    return packet(CONNECT, field(b"MQTT") + flags + field(client_id.encode()))


def message(topic: str, payload: bytes, mid: int = 0) -> bytes:
    """A PUBLISH; of QoS 1 where it has a `mid`."""
    identifier = mid.to_bytes(2, "big") if mid else b""
    return packet(PUBLISH | (2 if mid else 0), field(topic.encode()) + identifier + payload)


NONSENSE: dict[str, bytes] = {
    "no MQTT at all": b"GET / HTTP/1.1\r\nHost: broker\r\n\r\n",
    "TLS to a plain port": bytes.fromhex("1603010200010001fc0303") + bytes(100),
    "a message before CONNECT": message("a", b"x"),
    "a length of five bytes": b"\x10\xff\xff\xff\xff\x7f",
    "another protocol's name": packet(CONNECT, field(b"MQTX") + b"\x04\x02\x00\x3c" + field(b"x")),
    "a string longer than its packet": packet(CONNECT, b"\xff\xffMQTT"),
    "CONNECT twice": hello("twice") * 2,
    "QoS 3": hello("three") + packet(PUBLISH | 0x06, field(b"a") + b"\x00\x01"),
    "a wildcard in a message's topic": hello("wild") + message("parking/#", b"x"),
    "a topic that is no UTF-8": hello("utf") + packet(PUBLISH, b"\x00\x02\xff\xfe"),
    "a reserved packet type": hello("zero") + packet(0x00, b"xx"),
    "SUBSCRIBE without a filter": hello("none") + packet(SUBSCRIBE, b"\x00\x01"),
}
"""Bytes for which a broker must close the connection."""


def is_cut_off(address: str, words: bytes, timeout_s: float = PATIENCE_S) -> bool:
    """Whether the broker closes a connection on which it hears `words`."""
    with socket.create_connection((address, PORT), timeout_s) as connection:
        try:
            connection.sendall(words)
            while connection.recv(4096):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
    return True


def flood(address: str, topic: str, qos: int, payload: bytes, seconds: float) -> int:
    """Send messages of QoS 0 or 1 as fast as they are taken; answers how many.

    Acknowledgements are thrown away.

    Raises ValueError for an address that is no test host's, or a flood that is too long.
    """
    if not address.startswith(f"{NET}.") or not 0 < seconds <= LONGEST_S:
        raise ValueError(f"{address}, {seconds} s: only test hosts, for {LONGEST_S:.0f} s at most")
    many = b"".join(message(topic, payload, qos * mid) for mid in range(1, AT_ONCE + 1))
    sent = 0
    until_s = time.monotonic() + seconds
    with socket.create_connection((address, PORT), PATIENCE_S) as connection:
        connection.sendall(hello("flooder"))
        with contextlib.suppress(OSError):
            while (left_s := until_s - time.monotonic()) > 0 and sent < MOST_PACKETS:
                connection.settimeout(left_s)
                connection.sendall(many)
                _throw_away(connection)
                sent += AT_ONCE
    return sent


def _throw_away(connection: socket.socket) -> None:
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while connection.recv(65_536):
            pass


if __name__ == "__main__":
    address, topic, qos, size, seconds = sys.argv[1:]
    print(flood(address, topic, int(qos), bytes(int(size)), float(seconds)))
