"""A proxy before an HTTP upstream, which does to calls what networks and clouds do to them.

A fault is a function of the call: it reads it or not, passes it on or not, and answers with a
reply or with a reset. What was asked, passed on and told is kept, so that a test can judge by it.
"""

import http.client
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close by RST, as a router that lost its state does (RFC 9293 3.10.7.1)."""
_HOP_BY_HOP = {"connection", "host", "content-length", "expect"}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; each byte of its body `pause_s` behind the one before."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    pause_s: float = 0.0


class Reset(Exception):
    """The connection is reset, in the midst of `reply` where there is one."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__("reset")
        self.reply = reply


@dataclass(slots=True)
class Exchange:
    """One call: when (monotonic seconds), what was asked, what went on, what the caller was told.

    `passed` is what the upstream was given, and `answer` what it said; None where it never was
    asked. `told` is None where the caller got no whole answer.
    """

    at_s: float
    body: bytes = b""
    passed: bytes | None = None
    answer: Reply | None = None
    told: Reply | None = None


class Call:
    """What a fault has in its hands."""

    def __init__(self, handler: "_Handler", exchange: Exchange, closing: threading.Event) -> None:
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.closing = closing
        self._handler = handler
        self._exchange = exchange
        self._length = int(self.headers.get("content-length", "0"))

    def read(self, share: float = 1.0) -> bytes:
        """The body, or the first part of it."""
        if not self._exchange.body:
            body = self._handler.rfile.read(int(self._length * share))
            self._exchange.body = body if share == 1.0 else b""
            return body
        return self._exchange.body

    def forward(self, body: bytes | None = None) -> Reply:
        """Ask the upstream, with another body than the caller's where one is given."""
        asked = self.read() if body is None else body
        self._exchange.passed = asked
        self._exchange.answer = self._handler.server.proxy.ask(
            self._handler.path, self.headers, asked
        )
        return self._exchange.answer


Fault = Callable[[Call], Reply]


def passes(call: Call) -> Reply:
    """No fault."""
    return call.forward()


class FaultProxy:
    """The proxy, on a port of its own.

    Each call meets the next of `script`, or `otherwise` where that is empty.
    """

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.script: deque[Fault] = deque()
        self.otherwise: Fault = passes
        self.exchanges: list[Exchange] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Let held calls go, end."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def next_fault(self) -> Fault:
        """What the next call meets."""
        return self.script.popleft() if self.script else self.otherwise

    def ask(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """The upstream's own answer."""
        connection = http.client.HTTPConnection(*self.upstream, timeout=30)
        try:
            kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
            connection.request("POST", path, body, kept)
            response = connection.getresponse()
            kind = response.getheader("Content-Type") or "application/octet-stream"
            return Reply(response.status, response.read(), (("Content-Type", kind),))
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    proxy: FaultProxy

    def shutdown_request(self, request: Any) -> None:
        """Without the FIN that would come before a reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that has gone away is what this is about; all else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        proxy = self.server.proxy
        exchange = Exchange(time.monotonic())
        proxy.exchanges.append(exchange)
        fault = proxy.next_fault()
        try:
            reply = fault(Call(self, exchange, proxy.closing))
            self._write(reply, proxy.closing)
            exchange.told = reply
        except Reset as reset:
            self._reset(reset.reply)

    def _write(self, reply: Reply, closing: threading.Event) -> None:
        if not reply.pause_s:
            self.wfile.write(self._head(reply) + reply.body)
            return
        self.wfile.write(self._head(reply))
        for at in range(len(reply.body)):
            self.wfile.write(reply.body[at : at + 1])
            closing.wait(reply.pause_s)

    def _head(self, reply: Reply) -> bytes:
        headers = {"Content-Length": str(len(reply.body)), **dict(reply.headers)}
        lines = [f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, 'Told')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def _reset(self, reply: Reply | None) -> None:
        self.close_connection = True
        if reply is not None:
            with suppress(OSError):
                self.wfile.write(self._head(reply) + reply.body[: len(reply.body) // 2])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are kept, not printed."""


# Faults of any HTTP upstream --------------------------------------------------------------------


def refuses(status: int, body: bytes = b"", **headers: str) -> Fault:
    """Answers by itself; the upstream never hears of it."""

    def refused(call: Call) -> Reply:
        call.read()
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return Reply(status, body, named)

    return refused


def resets_at_once(call: Call) -> Reply:
    """Before the body was read."""
    raise Reset


def resets_the_request(call: Call) -> Reply:
    """Half-way through it."""
    call.read(0.5)
    raise Reset


def resets_the_answer(call: Call) -> Reply:
    """The upstream has taken the call, and half of the answer arrives."""
    raise Reset(call.forward())


def answers_wrongly(status: int) -> Fault:
    """The upstream has taken the call, and its front says it failed."""

    def wrong(call: Call) -> Reply:
        call.forward()
        return Reply(status, b"{}")

    return wrong


def never_passes(call: Call) -> Reply:
    """Neither an answer nor a reset, and the upstream never hears of it."""
    call.read()
    call.closing.wait()
    raise Reset


def never_answers(call: Call) -> Reply:
    """Neither an answer nor a reset, but the upstream has taken the call."""
    call.forward()
    call.closing.wait()
    raise Reset


def is_slow(seconds: float) -> Fault:
    """The answer comes so much later."""

    def slow(call: Call) -> Reply:
        reply = call.forward()
        call.closing.wait(seconds)
        return reply

    return slow


def thin(bytes_per_s: float) -> Fault:
    """A request goes through at the pace of an uplink."""

    def narrow(call: Call) -> Reply:
        call.closing.wait(len(call.read()) / bytes_per_s)
        return call.forward()

    return narrow


def drips(pause_s: float) -> Fault:
    """The answer's body comes a byte at a time, so that no read of it ever times out."""

    def dripping(call: Call) -> Reply:
        reply = call.forward()
        return Reply(reply.status, reply.body, reply.headers, pause_s)

    return dripping
