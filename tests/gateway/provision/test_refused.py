"""Bad identities at the door of a real mosquitto: each is refused, and gets not one byte."""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.provision import ca
from runtime.mqtt import Handlers, Link, TlsSettings

CONNECT = bytes.fromhex("101000044d5154540402003c000474657374")
"""MQTT 3.1.1, clean, keepalive 60 s, client id "test"."""
CONNACK = bytes.fromhex("20020000")


def trusting(tls: TlsSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(tls.ca_file))


def knock(port: int, context: ssl.SSLContext | None) -> bytes:
    """What the broker answers to a CONNECT; nothing where it refuses."""
    with socket.create_connection(("127.0.0.1", port), 5) as plain:
        try:
            if context is None:
                plain.sendall(CONNECT)
                return plain.recv(100)
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(CONNECT)
                return secure.recv(100)
        except (ssl.SSLError, ConnectionError):
            return b""


class Forger:
    """Makes identities that look like the lot's."""

    def __init__(self, guarded: Any, folder: Path) -> None:
        self.folder = folder
        self.site = guarded.site()
        self.good = guarded.own("gateway")

    def context(
        self, authority: ca.Authority, usage: ca.Usage = ca.Usage.CLIENT, days: int = 30
    ) -> ssl.SSLContext:
        """An identity named `gateway`, which has all rights."""
        key = ca.new_key()
        until = datetime.now(UTC) + timedelta(days=days)
        return self._of(authority.issue(key.public_key(), "gateway", usage, until), key)

    def self_signed(self) -> ssl.SSLContext:
        made = ca.found("north", datetime.now(UTC))
        return self._of(made.certificate, made.key)

    def _of(self, certificate: Any, key: ca.Key) -> ssl.SSLContext:
        crt, pem = self.folder / "forged.crt", self.folder / "forged.key"
        crt.write_bytes(ca.pem(certificate))
        pem.write_bytes(ca.key_pem(key))
        context = trusting(self.good)
        context.load_cert_chain(crt, pem)
        return context


@pytest.fixture
def forger(guarded: Any, tmp_path: Path) -> Forger:
    return Forger(guarded, tmp_path)


def test_the_way_in_is_open_to_a_good_identity(guarded: Any, forger: Forger) -> None:
    assert knock(guarded.port, forger.context(forger.site.authority)) == CONNACK


def test_no_certificate(guarded: Any, forger: Forger) -> None:
    assert knock(guarded.port, trusting(forger.good)) == b""


def test_another_ca_of_the_same_name(guarded: Any, forger: Forger) -> None:
    rogue = ca.found("north", datetime.now(UTC))
    assert knock(guarded.port, forger.context(rogue)) == b""


def test_expired(guarded: Any, forger: Forger) -> None:
    assert knock(guarded.port, forger.context(forger.site.authority, days=-1)) == b""


def test_not_yet_valid(guarded: Any, forger: Forger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ca, "BEGINNING", datetime.now(UTC) + timedelta(days=1))
    assert knock(guarded.port, forger.context(forger.site.authority)) == b""


def test_self_signed(guarded: Any, forger: Forger) -> None:
    assert knock(guarded.port, forger.self_signed()) == b""


def test_a_servers_certificate(guarded: Any, forger: Forger) -> None:
    context = forger.context(forger.site.authority, ca.Usage.SERVER)
    assert knock(guarded.port, context) == b""


def test_tls_1_2(guarded: Any, forger: Forger) -> None:
    context = forger.context(forger.site.authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert knock(guarded.port, context) == b""


def test_no_tls_at_all(guarded: Any) -> None:
    assert knock(guarded.port, None) == b""


def test_revoked(guarded: Any) -> None:
    tls = guarded.device("stolen")
    context = trusting(tls)
    assert tls.cert_file
    context.load_cert_chain(tls.cert_file, tls.key_file)
    assert knock(guarded.port, context) == CONNACK
    guarded.done("revoke", "stolen", "--yes")
    until(lambda: knock(guarded.port, context) == b"")  # the broker reads its files when it can
    assert knock(guarded.port, context) == b""


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.02)


def test_a_stolen_bay_that_is_inside_is_cut_and_does_not_come_back(guarded: Any) -> None:
    disconnects: queue.Queue[None] = queue.Queue()
    connects: queue.Queue[bool] = queue.Queue()
    handlers = Handlers(connected=connects.put, disconnected=lambda: disconnects.put(None))
    link = Link(guarded.mqtt(guarded.device("inside")), "inside", handlers)
    link.start()
    try:
        connects.get(timeout=10)
        assert "1 certificates revoked" in guarded.done("revoke", "inside", "--yes")
        for _ in range(3):  # it tries again, and is refused
            disconnects.get(timeout=10)
        assert connects.empty()
    finally:
        link.stop()
