"""sd_notify over a real datagram socket."""

import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.systemd import notify


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(10)
        yield listener


def test_outside_systemd_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False


def test_a_socket_in_the_file_system(
    listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    assert notify("READY=1\nSTATUS=sensing") is True
    assert listening.recv(100) == b"READY=1\nSTATUS=sensing"


def test_an_abstract_socket(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"lotkeeper-{uuid.uuid4().hex}"
    listening.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    assert notify("WATCHDOG=1") is True
    assert listening.recv(100) == b"WATCHDOG=1"


def test_a_socket_that_nobody_reads_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError):
        notify("READY=1")
