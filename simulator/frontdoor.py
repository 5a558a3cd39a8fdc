"""A front door that stands for the cloud: takes what the HTTP sink posts, and can be cut off.

It keeps every record as it came, in order, so that what came twice can be counted.
"""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATH = "/v1/events"
LOOK_S = 0.02
"""How soon a server that is told to stop looks up."""


class FrontDoor:
    """A loopback HTTP server on a port that it keeps through cuts."""

    def __init__(self, port: int, token: str, folder: Path) -> None:
        self.port = port
        self.token = token
        self.url = f"http://127.0.0.1:{port}{PATH}"
        self.path = folder / "front-door.jsonl"
        self.received = 0
        self.failing = False
        """Whether it answers 503 to all."""
        self.refused_spots: frozenset[str] = frozenset()
        """Spots whose records it will not have: a batch that holds one is answered 400."""
        self._lock = threading.Lock()
        self._server: _Server | None = None

    @property
    def open(self) -> bool:
        """Whether it answers."""
        return self._server is not None

    def restore(self) -> None:
        """Answer from now on."""
        if self._server is None:
            self._server = _Server(("127.0.0.1", self.port), _Handler)
            self._server.door = self
            thread = threading.Thread(
                target=self._server.serve_forever, args=(LOOK_S,), name="front-door"
            )
            thread.daemon = True
            thread.start()

    def cut(self) -> None:
        """Refuse connections from now on; requests under way are answered."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, records: list[Any]) -> None:
        """Keep a batch."""
        lines = "".join(json.dumps(record) + "\n" for record in records)
        with self._lock, self.path.open("a") as kept:
            kept.write(lines)
            self.received += len(records)


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = False
    block_on_close = True
    door: FrontDoor


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 1.0  # an idle kept-alive connection must not outlive a cut

    def do_POST(self) -> None:
        door = self.server.door
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path != PATH:
            return self._answer(404, {"error": f"post to {PATH}"})
        if self.headers.get("Authorization") != f"Bearer {door.token}":
            return self._answer(401, {"error": "wrong token"})
        try:
            records = json.loads(body)
        except ValueError as error:
            return self._answer(400, {"error": str(error)})
        if not isinstance(records, list):
            return self._answer(400, {"error": "an array of records"})
        if door.failing:
            return self._answer(503, {"error": "out of order"})
        refused = {each.get("spot_id") for each in records} & door.refused_spots
        if refused:
            return self._answer(400, {"error": f"will not have {', '.join(sorted(refused))}"})
        door.take(records)
        return self._answer(200, {"accepted": len(records)})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # whoever asked was killed meanwhile
            self.wfile.write(payload)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""
