"""The TLS handshake with a real server: a certificate that it takes, and those that it does not."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doctor.machine import Machine
from doctor.subjects.broker import answers, probe
from doctor.wants import Role, Wants
from gateway.provision import ca
from runtime.mqtt import MqttSettings, TlsSettings

NOW = datetime.now(UTC)


def written(folder: Path, name: str, usage: ca.Usage, authority: ca.Authority) -> Path:
    """NAME.crt and NAME.key, for 127.0.0.1."""
    key = ca.new_key()
    until = NOW + timedelta(days=30)
    own = authority.issue(key.public_key(), name, usage, until, ["127.0.0.1"])
    (folder / f"{name}.key").write_bytes(ca.key_pem(key))
    path = folder / f"{name}.crt"
    path.write_bytes(ca.pem(own))
    return path


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """A server of one client, which waits for it to speak, as a broker does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.recv(1)
            except OSError:
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)


@pytest.fixture
def lot(tmp_path: Path) -> ca.Authority:
    authority = ca.found("north", NOW)
    (tmp_path / "ca.crt").write_bytes(ca.pem(authority.certificate))
    written(tmp_path, "broker", ca.Usage.SERVER, authority)
    return authority


def server_of(folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / "broker.crt", folder / "broker.key")
    context.load_verify_locations(folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def said_of(folder: Path, port: int, own: Path, trusted: Path) -> str:
    tls = TlsSettings(ca_file=trusted, cert_file=own, key_file=own.with_suffix(".key"))
    mqtt = MqttSettings(host="127.0.0.1", port=port, tls=tls)
    role = Role("agent", Path("agent.toml"), "lotkeeper-agent.service", mqtt=mqtt)
    (finding,) = answers(probe(Machine(run=lambda _: ""), Wants((role,))))
    return f"{finding.level} {finding.says}"


def test_a_certificate_of_the_lot_is_taken(tmp_path: Path, lot: ca.Authority) -> None:
    own = written(tmp_path, "pi-07", ca.Usage.CLIENT, lot)
    with serving(server_of(tmp_path)) as port:
        assert said_of(tmp_path, port, own, tmp_path / "ca.crt") == "ok answers agent over TLS"


def test_a_certificate_of_another_ca_is_refused(tmp_path: Path, lot: ca.Authority) -> None:
    own = written(tmp_path, "pi-07", ca.Usage.CLIENT, ca.found("south", NOW))
    with serving(server_of(tmp_path)) as port:
        said = said_of(tmp_path, port, own, tmp_path / "ca.crt")
    assert said.startswith("bad TLS fails: ")


def test_a_broker_of_another_ca_is_told(tmp_path: Path, lot: ca.Authority) -> None:
    own = written(tmp_path, "pi-07", ca.Usage.CLIENT, lot)
    other = tmp_path / "other.crt"
    other.write_bytes(ca.pem(ca.found("south", NOW).certificate))
    with serving(server_of(tmp_path)) as port:
        said = said_of(tmp_path, port, own, other)
    assert said.startswith("bad its certificate is not good: ")
