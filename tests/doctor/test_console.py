"""What answers at the console's port: it, another program, nobody; with TLS and without."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agent.tools.findings import Level
from console.config import HttpSettings
from doctor.machine import Machine
from doctor.subjects.console import Asked, answers, probe
from doctor.wants import Wants
from gateway.provision import ca

OK = (200, b'{"status":"ok","version":"0.1.0"}')


class Handler(BaseHTTPRequestHandler):
    """Answers as the server was told."""

    def do_GET(self) -> None:
        status, body = self.server.answer if self.path == "/api/v1/health" else (404, b"")  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(answer: tuple[int, bytes], context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.answer = answer  # type: ignore[attr-defined]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For a name that is not the one asked, of a CA that this machine does not know."""
    authority, key = ca.found("north", datetime.now(UTC)), ca.new_key()
    until = datetime.now(UTC) + timedelta(days=30)
    own = authority.issue(key.public_key(), "https", ca.Usage.SERVER, until, ["lot.example"])
    path = tmp_path / "https.crt"
    path.write_bytes(ca.pem(own) + ca.key_pem(key))
    return path


def asked(port: int, certificate: Path | None = None) -> Asked:
    http = HttpSettings(port=port, cert_file=certificate, key_file=certificate)
    found = probe(Machine(), Wants(http=http))
    assert found
    return found


def test_the_console_answers() -> None:
    with serving(OK) as port:
        assert asked(port) == Asked(port, False)


def test_it_answers_over_tls_whatever_name_its_certificate_has(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(OK, context) as port:
        found = asked(port, certificate)
    (finding,) = answers(found)
    assert (finding.level, finding.says) == (Level.OK, "answers over TLS")


@pytest.mark.parametrize("answer", [(404, b"no such page"), (200, b"<html>")])
def test_another_program_has_its_port(answer: tuple[int, bytes]) -> None:
    with serving(answer) as port:
        found = asked(port)
    (finding,) = answers(found)
    assert finding.level is Level.BAD
    assert f"sport = :{port}" in finding.hint


def test_who_speaks_no_tls_where_the_console_does_is_another(certificate: Path) -> None:
    with serving(OK) as port:
        found = asked(port, certificate)
    assert found.is_another


def test_who_speaks_no_http_is_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        found = asked(server.getsockname()[1])
        thread.join()
    assert found.is_another


def test_a_console_that_fails_says_so() -> None:
    with serving((500, OK[1])) as port:
        assert asked(port).problem == "it answers 500"


def test_nobody_there_is_to_be_restarted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (finding,) = answers(asked(port))
    assert "systemctl restart lotkeeper-console" in finding.hint


def test_where_there_is_none_nothing_is_asked() -> None:
    assert answers(probe(Machine(), Wants())) == []
