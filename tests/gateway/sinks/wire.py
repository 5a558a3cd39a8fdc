"""Things on the wire: a TCP gate that can be shut, and an HTTP server that says what it is told."""

import json
import socket
import socketserver
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Gate:
    """A TCP proxy on a port of its own: `shut` cuts every connection and takes no new one.

    `tamper` may change what comes back from `target`, a piece as it was read from the socket.
    """

    def __init__(self, target: tuple[str, int] | None = None) -> None:
        self.target = target
        self.tamper: Callable[[bytes], bytes] = lambda reply: reply
        self._shut = threading.Event()
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        self._shut.set()
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            _cut(each)

    def mend(self) -> None:
        self._shut.clear()

    def close(self) -> None:
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
            upstream = socket.create_connection(self.target)
            with self._lock:
                self._sockets += [client, upstream]
            there = (client, upstream, lambda request: request)
            back = (upstream, client, lambda reply: self.tamper(reply))
            for way in (there, back):
                threading.Thread(target=_pump, args=way, daemon=True).start()


def _cut(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


def _pump(source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(change(data))
    _cut(source)
    _cut(sink)


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """Answers with the next of `script`, or what `respond` says; keeps the `requests`."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.script: deque[Reply] = deque()
        self.respond: Callable[[Request], Reply] = lambda request: Reply()
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_port
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[socketserver.BaseRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                owner.requests.append(request)
                reply = owner.script.popleft() if owner.script else owner.respond(request)
                if reply.hold:
                    reply.hold.wait()
                with suppress(OSError):
                    self._write(reply)

            def _write(self, reply: Reply) -> None:
                body = b"" if reply.body is None else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
