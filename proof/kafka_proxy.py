"""A proxy before a Kafka broker, which does to Produce requests what networks and brokers do.

It speaks the protocol's frames (https://kafka.apache.org/protocol: size, key, version, correlation
id), passes all but Produce on, and of that the flexible versions, 9 and later (KIP-482). librdkafka
asks for one partition in each request, and the proxy for one after the other of a connection.
"""

import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from proof.fault_proxy import RESET, Reset

_PRODUCE = 0
_FLEXIBLE = 9
_THROTTLE_MS_AT = slice(-5, -1)
"""In a reply: before the empty tagged fields at its end."""


@dataclass(slots=True)
class Produced:
    """One request: when (monotonic seconds), for which partition, of so many bytes.

    `passed`: the broker was given it. `told`: the error code that the caller read, None where
    there was no answer.
    """

    at_s: float
    partition: int
    size: int
    passed: bool = False
    told: int | None = None


class ProduceCall:
    """What a fault has in its hands."""

    def __init__(self, frame: bytes, broker: socket.socket, closing: threading.Event) -> None:
        self.closing = closing
        self._frame = frame
        self._broker = broker
        version, self._correlation = struct.unpack(">hi", frame[2:8])
        if version < _FLEXIBLE:
            raise ValueError(f"Produce in version {version}: only {_FLEXIBLE} and later are read")
        self.topic, partition, size = _target(frame)
        self.produced = Produced(time.monotonic(), partition, size)

    def forward(self) -> bytes:
        """Ask the broker."""
        self.produced.passed = True
        _write(self._broker, self._frame)
        return _read(self._broker)

    def error(self, code: int) -> bytes:
        """An answer that says so of the partition, as the protocol's ProduceResponse v9."""
        name = self.topic.encode()
        partition = struct.pack(">ihqqq", self.produced.partition, code, -1, -1, -1) + b"\1\0\0"
        topic = _varint(len(name) + 1) + name + b"\2" + partition + b"\0"
        return struct.pack(">i", self._correlation) + b"\0\2" + topic + struct.pack(">i", 0) + b"\0"

    def code_of(self, reply: bytes) -> int:
        """The error of the one partition in `reply`: behind name, array's length and index."""
        at = reply.index(self.topic.encode()) + len(self.topic) + 5
        return int.from_bytes(reply[at : at + 2], "big", signed=True)


Fault = Callable[[ProduceCall], bytes]


def passes(call: ProduceCall) -> bytes:
    """No fault."""
    return call.forward()


class KafkaProxy:
    """The proxy, on a port of its own; the broker must name that as its address.

    Each Produce meets the next of `script`, or `otherwise` where that is empty.
    """

    def __init__(self) -> None:
        self.target: tuple[str, int] | None = None
        self.script: deque[Fault] = deque()
        self.otherwise: Fault = passes
        self.produced: list[Produced] = []
        self._shut = threading.Event()
        self._closing = threading.Event()
        self._clients: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Every connection ends, and a new one ends at once."""
        self._shut.set()
        while self._clients:
            _cut(self._clients.pop())

    def mend(self) -> None:
        """Connections are taken again."""
        self._shut.clear()

    def close(self) -> None:
        """Let held calls go, end."""
        self._closing.set()
        self.shut()
        _cut(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._shut.is_set() or self.target is None:
                client.close()
                continue
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        assert self.target is not None
        with client, socket.create_connection(self.target) as broker, suppress(OSError):
            try:
                while True:
                    _write(client, self._answer(_read(client), broker))
            except Reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def _answer(self, frame: bytes, broker: socket.socket) -> bytes:
        if int.from_bytes(frame[:2], "big") != _PRODUCE:
            _write(broker, frame)
            return _read(broker)
        call = ProduceCall(frame, broker, self._closing)
        self.produced.append(call.produced)
        fault = self.script.popleft() if self.script else self.otherwise
        reply = fault(call)
        call.produced.told = call.code_of(reply)
        return reply


# Faults -------------------------------------------------------------------------------------


def resets_at_once(call: ProduceCall) -> bytes:
    """The broker never hears of it."""
    raise Reset


def resets_the_answer(call: ProduceCall) -> bytes:
    """The broker has taken it."""
    call.forward()
    raise Reset


def never_passes(call: ProduceCall) -> bytes:
    """Neither an answer nor a reset, and the broker never hears of it."""
    call.closing.wait()
    raise Reset


def never_answers(call: ProduceCall) -> bytes:
    """Neither an answer nor a reset, but the broker has taken it."""
    call.forward()
    call.closing.wait()
    raise Reset


def is_slow(seconds: float) -> Fault:
    """The answer comes so much later."""

    def slow(call: ProduceCall) -> bytes:
        reply = call.forward()
        call.closing.wait(seconds)
        return reply

    return slow


def throttles(milliseconds: int) -> Fault:
    """Taken, and the client is asked to be still for so long (KIP-219)."""

    def throttled(call: ProduceCall) -> bytes:
        reply = bytearray(call.forward())
        reply[_THROTTLE_MS_AT] = milliseconds.to_bytes(4, "big")
        return bytes(reply)

    return throttled


def refuses(code: int) -> Fault:
    """Answered with an error; the broker never hears of it."""
    return lambda call: call.error(code)


def refuses_though_taken(code: int) -> Fault:
    """The broker has taken it, and its front says it failed."""

    def wrong(call: ProduceCall) -> bytes:
        call.forward()
        return call.error(code)

    return wrong


def refuses_partition(partition: int, code: int) -> Fault:
    """One partition's leader is in trouble; the others take what they get."""
    return lambda call: call.error(code) if call.produced.partition == partition else call.forward()


def refuses_above(size: int, code: int = 10) -> Fault:
    """MESSAGE_TOO_LARGE for a set of so many bytes: the topic's max.message.bytes."""
    return lambda call: call.error(code) if call.produced.size > size else call.forward()


# Frames -------------------------------------------------------------------------------------


def _target(frame: bytes) -> tuple[str, int, int]:
    """Topic, partition and the set's bytes of a ProduceRequest v9 that asks for one partition."""
    (client,) = struct.unpack(">h", frame[8:10])
    at = 10 + max(client, 0) + 1  # the header's tagged fields are empty
    transaction, at = _unsigned(frame, at)
    at += max(transaction - 1, 0) + 2 + 4  # acks, timeout
    topics, at = _unsigned(frame, at)
    length, at = _unsigned(frame, at)
    topic = frame[at : at + length - 1].decode()
    partitions, at = _unsigned(frame, at + length - 1)
    if (topics, partitions) != (2, 2):  # a compact array tells its length and one
        raise ValueError(f"{topics - 1} topics, {partitions - 1} partitions in one Produce")
    (partition,) = struct.unpack(">i", frame[at : at + 4])
    size, _ = _unsigned(frame, at + 4)
    return topic, partition, size - 1


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned varint and where it ends."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    found = b""
    while value >= 0x80:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def _read(source: socket.socket) -> bytes:
    return _exactly(source, int.from_bytes(_exactly(source, 4), "big"))


def _exactly(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = source.recv(size - len(found))
        if not piece:
            raise ConnectionResetError
        found += piece
    return found


def _write(sink: socket.socket, frame: bytes) -> None:
    sink.sendall(len(frame).to_bytes(4, "big") + frame)


def _cut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
