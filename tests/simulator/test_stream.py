"""`lotkeeper simulate` against somebody else's front door, as a person at a shell meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator import stream
from simulator.frontdoor import FrontDoor
from simulator.processes import free_port
from tests.gateway.sinks.wire import Reply, Request, ScriptedServer

REPO = Path(__file__).parents[2]
TOKEN = "let me in"
SHORT = ["--spots", "6", "--agents", "2", "--speed", "600", "--duration", "4"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lotkeeper", "simulate", *arguments]


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=REPO, capture_output=True, text=True, timeout=50)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[FrontDoor]:
    door = FrontDoor(free_port(), TOKEN, tmp_path)
    door.restore()
    yield door
    door.cut()


def token_file(folder: Path, token: str = TOKEN) -> str:
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(token)
    return str(path)


def kept(door: FrontDoor) -> list[dict[str, Any]]:
    return [json.loads(line) for line in door.path.read_text().splitlines()]


def test_posts_every_record_once_and_in_order(door: FrontDoor, tmp_path: Path) -> None:
    run = simulate("--http", door.url, "--token-file", token_file(tmp_path), *SHORT)
    assert run.returncode == 0, run.stderr
    assert "everything was taken" in run.stdout
    records = kept(door)
    for agent_id in ("pi-00", "pi-01"):
        seqs = [each["seq"] for each in records if each["agent_id"] == agent_id]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) > 3
    assert {each["spot_id"] for each in records if each["event_type"] == "ARRIVAL"} <= {
        f"A{number}" for number in range(1, 7)
    }
    assert sum(each["event_type"] == "ARRIVAL" for each in records) >= 3


def test_posts_instead_of_publishing(door: FrontDoor, tmp_path: Path) -> None:
    """A broker that happens to be there hears nothing of it."""
    with socket.create_server(("127.0.0.1", 0)) as broker:
        broker.settimeout(0)
        port = broker.getsockname()[1]
        run = simulate(
            "--http", door.url, "--token-file", token_file(tmp_path),
            "--broker", f"127.0.0.1:{port}", *SHORT,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        with pytest.raises(BlockingIOError):
            broker.accept()


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """One spot for a second, in this process and without the long wait at the end."""
    monkeypatch.setattr(stream, "SETTLE_S", 0.5)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield {
        "broker": f"127.0.0.1:{free_port()}", "protocol": "5", "lot_id": "lot", "spots": 1,
        "agents": 1, "speed": 60, "duration_s": 1, "seed": 1, "http": None, "token_file": None,
    }  # fmt: skip
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_wrong_token_is_told_once(
    door: FrontDoor,
    tmp_path: Path,
    brief: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = Path(token_file(tmp_path, "guess"))
    assert stream.stream(**{**brief, "http": door.url, "token_file": token}) == 1
    assert "records were not taken: HTTP 401" in capsys.readouterr().err
    assert len([each for each in caplog.messages if "HTTP 401" in each]) == 1


def test_without_a_gateway_the_records_that_wait_are_counted(
    brief: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stream.stream(**brief) == 1
    said = capsys.readouterr().err
    assert "2 records were not taken: is a gateway of this lot running?" in said


def test_records_that_the_door_refuses_are_no_success(
    tmp_path: Path, brief: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The birth is refused for good; what comes behind it is taken all the same."""
    server = ScriptedServer()
    taken: list[dict[str, Any]] = []

    def respond(request: Request) -> Reply:
        records = json.loads(request.body)
        if any(each["event_type"] == "BIRTH" for each in records):
            return Reply(422, {"error": "no births here"})
        taken.extend(records)
        return Reply(200)

    server.respond = respond
    try:
        assert stream.stream(**{**brief, "http": f"{server.url}/v1"}) == 1
    finally:
        server.close()
    assert "1 records were refused" in capsys.readouterr().err
    assert [each["event_type"] for each in taken] == ["STATUS"]


@pytest.mark.parametrize(
    ("mode", "said"),
    [(None, "No such file"), (0o644, "open to every user")],
)
def test_a_bad_token_file_is_said_before_anything_starts(
    mode: int | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if mode is not None:
        path.write_text(TOKEN)
        path.chmod(mode)
    run = simulate("--http", "http://127.0.0.1:1/v1", "--token-file", str(path), *SHORT)
    assert run.returncode == 2
    assert "--token-file" in run.stderr
    assert said in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize("broker", ["nowhere", "host:", ":1883"])
def test_a_broker_that_is_no_address_is_named(broker: str) -> None:
    run = simulate("--broker", broker)
    assert run.returncode == 2
    assert "--broker" in run.stderr
    assert "HOST:PORT" in run.stderr


def test_ctrl_c_ends_it_in_order(door: FrontDoor, tmp_path: Path) -> None:
    run = subprocess.Popen(
        command("--http", door.url, "--token-file", token_file(tmp_path), "--duration", "50"),
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with run:
        assert run.stdout is not None
        assert "records" in run.stdout.readline()
        run.send_signal(signal.SIGINT)
        assert "everything was taken" in run.stdout.read()
    assert run.returncode == 0
