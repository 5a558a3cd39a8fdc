"""What systemd is told, over a real datagram socket, by a server that serves."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from console import watched
from console.watched import Watched

PATIENCE_S = 30.0


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(PATIENCE_S)
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_the_console_is_ready_when_it_listens_and_says_that_it_stops(
    systemd: socket.socket, tmp_path: Path, site: Any, free_port: int
) -> None:
    config = tmp_path / "console.toml"
    config.write_text(
        f'[http]\nport = {free_port}\n[store]\npath = "{tmp_path}/console.db"\n'
        f'[rate]\npath = "{tmp_path}/rate.db"\n[[lots]]\ngateway = "{site.config}"\n'
    )
    command = [sys.executable, "-m", "lotkeeper", "console", "run", "-c", str(config)]
    process = subprocess.Popen(command, env=dict(os.environ))
    try:
        assert systemd.recv(100) == b"READY=1"
        answer = httpx.get(f"http://127.0.0.1:{free_port}/api/v1/health", timeout=PATIENCE_S)
        assert answer.json()["status"] == "ok"
        assert systemd.recv(100) == b"WATCHDOG=1"
        process.send_signal(signal.SIGTERM)
        while (told := systemd.recv(100)) == b"WATCHDOG=1":
            pass
        assert told == b"STOPPING=1"
        assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait(PATIENCE_S)


def test_who_answers_and_gets_no_work_done_is_not_alive(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    """Its event loop turns and it answers; its store, or its threads, hang."""
    monkeypatch.setattr(watched, "FEED_S", 0.01)
    begun, freed = threading.Event(), threading.Event()

    def probe() -> None:
        begun.set()
        assert freed.wait(PATIENCE_S)

    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        return "here"

    server = Watched(uvicorn.Config(app, port=free_port, log_level="warning"), probe)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert systemd.recv(100) == b"READY=1"
        assert begun.wait(PATIENCE_S)
        for _ in range(20):
            assert httpx.get(f"http://127.0.0.1:{free_port}/").json() == "here"
        systemd.setblocking(False)
        with pytest.raises(BlockingIOError):
            systemd.recv(100)
        systemd.settimeout(PATIENCE_S)
        freed.set()
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
    finally:
        freed.set()
        server.should_exit = True
        thread.join(PATIENCE_S)


def test_a_store_that_cannot_be_read_feeds_nobody(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    monkeypatch.setattr(watched, "FEED_S", 0.01)
    asked: list[None] = []
    mended = threading.Event()

    def probe() -> None:
        asked.append(None)
        if len(asked) < 5:
            raise OSError("the card is gone")
        mended.set()

    server = Watched(uvicorn.Config(FastAPI(), port=free_port, log_level="critical"), probe)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert systemd.recv(100) == b"READY=1"
        assert systemd.recv(100) == b"WATCHDOG=1"
        assert mended.is_set()
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
