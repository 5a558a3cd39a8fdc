"""Child processes: they come up, go down, say why they did not, and never outlive their parent."""

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from simulator import processes
from simulator.processes import Child, NotReady, free_port

REPO = Path(__file__).parents[2]
LISTENER = """
import socket, sys, time
print("hello", flush=True)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""
STUBBORN = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""
PARENT = """
import os, sys
from pathlib import Path
from simulator.processes import Child
child = Child("child", [sys.executable, "-c", sys.argv[2], sys.argv[3]], Path(sys.argv[1]),
              int(sys.argv[3]))
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


def listener(folder: Path, code: str = LISTENER) -> Child:
    port = free_port()
    return Child("listener", [sys.executable, "-c", code, str(port)], folder, port)


def ended(pidfd: int, timeout_s: float = 10.0) -> bool:
    """Whether the process of a pidfd ends in time: such a descriptor is readable then."""
    return bool(select.select([pidfd], [], [], timeout_s)[0])


def test_a_child_listens_when_start_returns(tmp_path: Path) -> None:
    child = listener(tmp_path)
    assert not child.running
    child.start()
    socket.create_connection(("127.0.0.1", child.port or 0), 5).close()
    assert child.running
    child.stop()
    assert not child.running
    assert child.log.read_text() == "hello\n"


def test_a_killed_child_starts_again_at_its_port_and_keeps_its_log(tmp_path: Path) -> None:
    child = listener(tmp_path)
    child.start()
    first = child.pid
    child.kill()
    assert not child.running
    child.start()
    assert child.running
    assert child.pid != first
    assert child.starts == 2
    child.stop()
    assert child.log.read_text() == "hello\n" * 2


def test_stopping_what_never_started_or_has_ended_is_nothing(tmp_path: Path) -> None:
    child = listener(tmp_path)
    child.stop()
    with pytest.raises(RuntimeError, match="listener was not started"):
        _ = child.pid
    child.start()
    child.kill()
    child.stop()


def test_who_does_not_heed_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_S", 0.2)
    child = listener(tmp_path, STUBBORN)
    child.start()
    child.stop()
    assert not child.running


def test_a_child_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    child = listener(tmp_path, "raise SystemExit('no licence')")
    with pytest.raises(NotReady) as error:
        child.start()
    log = tmp_path / "listener.log"
    assert str(error.value) == f"listener ended at once: no licence (see {log})"
    assert child.log.read_text() == "no licence\n"


def test_a_child_that_never_listens_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "READY_S", 0.3)
    child = listener(tmp_path, "import time; time.sleep(600)")
    with pytest.raises(
        NotReady, match=rf"not listen on {child.port}: it said nothing \(see .*\.log"
    ):
        child.start()
    child.stop()
    assert not child.running


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), LISTENER, str(free_port())],
        cwd=REPO,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pidfd = os.pidfd_open(int(parent.stdout.readline()))
        assert not ended(pidfd, 0)
        parent.send_signal(signal.SIGKILL)
        assert ended(pidfd)
        os.close(pidfd)


@pytest.mark.parametrize("kind", ["iotcore", "mosquitto"])
def test_a_broker_of_each_kind_listens(
    kind: processes.BrokerKind, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "mosquitto":
        request.getfixturevalue("mosquitto")  # skips where it is not installed
    broker = processes.broker(kind, tmp_path, free_port())
    broker.start()
    assert broker.running
    broker.kill()
    broker.start()
    broker.stop()
    assert not broker.running


def test_a_missing_mosquitto_is_named_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.shutil, "which", lambda name, path=None: None)
    with pytest.raises(NotReady, match="apt-get install mosquitto"):
        processes.broker("mosquitto", tmp_path, 1)


def test_a_gateway_of_a_bad_configuration_says_so_in_its_log(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("lot_id = 'a/b'\n")
    gateway = processes.gateway(config, tmp_path)
    gateway.start()
    pidfd = os.pidfd_open(gateway.pid)
    assert ended(pidfd, 20)
    os.close(pidfd)
    gateway.stop()
    assert "lot_id" in gateway.log.read_text()
