"""The agent as a process: starts without a broker, stops in order, says what is wrong."""

import json
import os
import queue
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.mqtt import Handlers, Link, MqttSettings

CONFIG = """
agent_id = "pi-1"
lot_id = "lot-1"
[mqtt]
port = {port}
protocol = "3.1.1"
[spool]
path = "{folder}/agent.db"
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated", sessions = [] }}
detector = {{ kind = "ranging", floor_mm = 2500, dwell_off_s = 0.2, dwell_on_s = 0.2 }}
sample_s = 0.05
"""


def lotkeeper(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "lotkeeper", "agent", *map(str, arguments)]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(lotkeeper(*arguments), capture_output=True, text=True, timeout=30)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(CONFIG.format(port=1, folder=tmp_path))  # nobody listens on port 1
    return path


def until(true: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s
        pause.wait(0.05)


def stored(folder: Path) -> list[str]:
    path = folder / "agent.db"
    if not path.exists():
        return []
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            rows = database.execute("SELECT payload FROM spool ORDER BY seq").fetchall()
        except sqlite3.OperationalError:
            return []
    return [json.loads(row[0])["type"] for row in rows]


def test_it_senses_without_a_broker_and_stops_when_told(config: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(lotkeeper("run", "-c", config), stderr=subprocess.PIPE)
    began_s = time.monotonic()
    until(lambda: stored(tmp_path) == ["birth", "spot_changed"])
    assert time.monotonic() - began_s < 10
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert process.stderr
    process.stderr.close()
    assert (tmp_path / "agent.db").stat().st_mode & 0o077 == 0


def test_killed_at_any_moment_it_goes_on_where_it_was(config: Path, tmp_path: Path) -> None:
    for births in (1, 2, 3):
        process = subprocess.Popen(lotkeeper("run", "-c", config), stderr=subprocess.DEVNULL)
        until(lambda births=births: stored(tmp_path).count("birth") == births)
        until(lambda: "spot_changed" in stored(tmp_path))
        process.kill()
        process.wait()
    assert stored(tmp_path).count("spot_changed") == 1


def test_systemd_is_told_when_it_is_ready(config: Path, tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(tmp_path / "notify"))
        notify.settimeout(20)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        process = subprocess.Popen(
            lotkeeper("run", "-c", config), env=environment, stderr=subprocess.DEVNULL
        )
        assert notify.recv(100) == b"READY=1"
        assert notify.recv(100) == b"WATCHDOG=1"
        process.terminate()
        assert notify.recv(100) == b"STOPPING=1"
        assert process.wait(20) == 0


def test_status_tells_what_is_kept(config: Path, tmp_path: Path) -> None:
    assert run("status", "-c", config).returncode == 1
    process = subprocess.Popen(lotkeeper("run", "-c", config), stderr=subprocess.DEVNULL)
    until(lambda: stored(tmp_path) == ["birth", "spot_changed"])
    told = json.loads(run("status", "-c", config, "--json").stdout)
    assert told["waiting"] == 2
    assert told["spots"][0]["record"]["status"] == "free"
    assert "A1" in run("status", "-c", config).stdout
    process.terminate()
    process.wait(20)


def test_what_the_gateway_acknowledged_waits_no_more(
    config: Path, tmp_path: Path, mosquitto: tuple[str, int]
) -> None:
    """Although the store keeps that with its next record only."""
    text = config.read_text().replace("port = 1\n", f"port = {mosquitto[1]}\n")
    config.write_text(text.replace('"3.1.1"', '"5"').replace('"lot-1"', '"lot-acked"'))
    environment = {**os.environ, "RUNTIME_DIRECTORY": str(tmp_path)}
    process = subprocess.Popen(
        lotkeeper("run", "-c", config), env=environment, stderr=subprocess.DEVNULL
    )
    until(lambda: stored(tmp_path) == ["birth", "spot_changed"])
    with sqlite3.connect(tmp_path / "agent.db") as database:
        (epoch,) = database.execute("SELECT value FROM agent WHERE name='epoch'").fetchone()
    acknowledge(mosquitto, "lot-acked", {"store_id": "s", "epoch": epoch, "seq": 2})
    until(lambda: (tmp_path / "acknowledged").exists())
    until(lambda: (tmp_path / "acknowledged").read_text() == f"{epoch} 2\n")
    status = [*lotkeeper("status", "-c", config, "--json")]
    for told, waiting in ((environment, 0), (os.environ, 2)):
        done = subprocess.run(status, env=told, capture_output=True, timeout=30, check=True)
        assert json.loads(done.stdout)["waiting"] == waiting
    process.terminate()
    assert process.wait(20) == 0
    assert json.loads(run("status", "-c", config, "--json").stdout)["waiting"] == 0


def acknowledge(mosquitto: tuple[str, int], lot: str, ack: dict[str, object]) -> None:
    """As its gateway does; it has left its word at the broker when this returns."""
    connected, left = threading.Event(), threading.Event()
    link = Link(
        MqttSettings(host=mosquitto[0], port=mosquitto[1]),
        "gateway",
        Handlers(connected=lambda _: connected.set(), published=lambda *_: left.set()),
        clean=True,
    )
    link.start()
    assert connected.wait(20)
    link.publish(f"parking/v1/{lot}/agents/pi-1/ack", json.dumps(ack).encode(), retain=True)
    assert left.wait(20)
    link.stop()


BAD = [
    ("port = 1", 'port = "x"', "mqtt.port = 'x'"),
    ('kind = "simulated"', 'kind = "crystal-ball"', "unknown"),
    ("sample_s = 0.05", "sampel_s = 1", "spots.0.sampel_s is no option"),
    ("sessions = []", "sesions = []", "sesions"),
    ('agent_id = "pi-1"', "", "agent_id is missing"),
    ('agent_id = "pi-1"', 'agent_id = "pi 1"', "agent_id = 'pi 1'"),
    ('agent_id = "pi-1"', "agent_id = ", "agent.toml:"),
]


@pytest.mark.parametrize(("good", "bad", "told"), BAD)
def test_a_bad_configuration_names_file_key_and_value(
    config: Path, good: str, bad: str, told: str
) -> None:
    config.write_text(config.read_text().replace(good, bad))
    for verb in ("validate", "run"):
        done = run(verb, "-c", config)
        assert done.returncode == 2
        assert str(config) in done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_a_good_configuration_is_told_so(config: Path) -> None:
    done = run("validate", "-c", config)
    assert done.returncode == 0
    assert "agent pi-1 of lot lot-1, 1 spots" in done.stdout


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('username = "x"\npassword_file = "{folder}/password"', "chmod 600"),
        ('tls = {{ ca_file = "{folder}/absent.pem" }}', "absent.pem"),
    ],
)
def test_a_secret_or_certificate_that_cannot_be_used_is_a_bad_configuration(
    config: Path, tmp_path: Path, line: str, told: str
) -> None:
    (tmp_path / "password").write_text("x")
    (tmp_path / "password").chmod(0o644)
    text = config.read_text().replace("[mqtt]\n", f"[mqtt]\n{line.format(folder=tmp_path)}\n")
    config.write_text(text)
    done = run("run", "-c", config)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_cannot_be_made_is_told_in_a_line(config: Path) -> None:
    config.write_text(re.sub(r'path = ".*"', 'path = "/proc/nowhere/agent.db"', config.read_text()))
    done = run("run", "-c", config)
    assert done.returncode == 1
    assert "/proc/nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_killed_it_is_told_to_be_down_by_its_will_and_stopped_by_itself(
    config: Path, mosquitto: tuple[str, int]
) -> None:
    text = config.read_text().replace("port = 1\n", f"port = {mosquitto[1]}\n")
    config.write_text(text.replace('"3.1.1"', '"5"').replace('"lot-1"', '"lot-will"'))
    healths: queue.Queue[dict[str, object]] = queue.Queue()
    connected = threading.Event()
    link = Link(
        MqttSettings(host=mosquitto[0], port=mosquitto[1]),
        "watcher",
        Handlers(
            message=lambda message: healths.put(json.loads(message.payload)),
            connected=lambda _: connected.set(),
        ),
        clean=True,
    )
    link.start()
    assert connected.wait(20)
    link.subscribe("parking/v1/lot-will/agents/pi-1/health")
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = subprocess.Popen(lotkeeper("run", "-c", config), stderr=subprocess.DEVNULL)
        session = next_session(healths, "up")
        process.send_signal(number)
        assert process.wait(20) == (-9 if number is signal.SIGKILL else 0)
        assert next_session(healths, "down") == session
    link.stop()


def next_session(healths: "queue.Queue[dict[str, object]]", status: str) -> object:
    """The session of the next heartbeat with that status."""
    while (health := healths.get(timeout=20))["status"] != status:
        pass
    return health["session_id"]


def test_validate_tells_what_lies_over_the_file(config: Path, tmp_path: Path) -> None:
    assert "lies over" not in run("validate", "-c", config).stdout
    kept = {"good": {"transaction": "1", "revision": "4-ab", "config": {"publish": {"batch": 5}}}}
    (tmp_path / "agent.config.json").write_text(json.dumps(kept))
    told = run("validate", "-c", config)
    assert told.returncode == 0
    assert "revision 4-ab lies over publish of it" in told.stdout
