"""A lot as the commands set it up: broker, gateway, agent and operator, each by its certificate."""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runtime.mqtt import Handlers, Link, MqttSettings, TlsSettings
from simulator.processes import Child, free_port

pytestmark = pytest.mark.timeout(180)
REPO = Path(__file__).parents[2]
PLAN = """
[[zones]]
zone_id = "A"
[[spots]]
spot_id = "A1"
zone_id = "A"
agent_id = "pi-1"
sensor = { kind = "simulated", floor_mm = 2500, noise = 0 }
detector = { kind = "ranging", floor_mm = 2500, dwell_on_s = 0.2, dwell_off_s = 0.2 }
"""
MAIN_CONF = "pid_file {folder}/mosquitto.pid\ninclude_dir {folder}/mosquitto/conf.d\n"


class Lot:
    """Its folder, its processes, its commands."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        port = free_port()
        self.run(
            "gateway init --lot north --host localhost --zone A "
            f"--port {port} --broker-dir {folder}/mosquitto "
            f"--broker-pid-file {folder}/mosquitto.pid --dir {folder}/lk"
        )
        (folder / "plan.toml").write_text(PLAN)
        self.run(f"gateway import plan.toml --dir {folder}/lk")
        self.run(f"gateway add-agent pi-1 --with-key --out {folder} --dir {folder}/lk")
        self.run(f"gateway add-display sign --with-key --out {folder} --dir {folder}/lk")
        (folder / "mosquitto.conf").write_text(MAIN_CONF.format(folder=folder))
        self.config = folder / "lk" / "gateway.toml"
        text = self.config.read_text().replace("/var/lib/lotkeeper", str(folder / "var"))
        self.config.write_text(
            text.replace("[mqtt]\n", f"{STORE.format(folder=folder)}[mqtt]\n", 1)
        )
        self.agent_config = folder / "pi-1" / "agent.toml"
        text = self.agent_config.read_text().replace("/etc/lotkeeper", str(folder / "pi-1"))
        text = text.replace("[[spots]]\n", "[[spots]]\nsample_s = 0.1\n")
        text += f'\n[spool]\npath = "{folder}/var/agent.db"\n'
        self.agent_config.write_text(text)
        self.port = port
        self.broker = Child("broker", [program, "-c", f"{folder}/mosquitto.conf"], folder, port)
        lotkeeper = [sys.executable, "-m", "lotkeeper"]
        self.gateway = Child(
            "gateway", [*lotkeeper, "gateway", "run", "-c", str(self.config)], folder
        )
        self.agent = Child(
            "agent", [*lotkeeper, "agent", "run", "-c", str(self.agent_config)], folder
        )

    def run(self, words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "lotkeeper", *words.split()],
            cwd=self.folder, capture_output=True, text=True, timeout=50,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sign(self, heard: "queue.Queue[dict[str, Any]]") -> Link:
        tls = self.folder / "sign" / "tls"
        settings = MqttSettings(
            host="localhost",
            port=self.port,
            tls=TlsSettings(
                ca_file=tls / "ca.crt",
                cert_file=tls / "identity.crt",
                key_file=tls / "identity.key",
            ),
        )

        def connected(_: bool) -> None:
            link.subscribe("parking/v1/north/spots/A1/state")

        handlers = Handlers(
            message=lambda message: heard.put(json.loads(message.payload)), connected=connected
        )
        link = Link(settings, "sign", handlers)
        return link


STORE = '[store]\npath = "{folder}/var/gateway.db"\n[metrics]\nport = 0\n'


@pytest.fixture
def lot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lot]:
    monkeypatch.setenv("PYTHONPATH", str(REPO))
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="provisioned-") as folder:
        os.chmod(folder, 0o755)
        if os.geteuid() == 0:
            shutil.chown(folder, "mosquitto")
        made = Lot(Path(folder), program)
        children = (made.broker, made.gateway, made.agent)
        try:
            for child in children:
                child.start()
            yield made
        finally:
            for child in reversed(children):
                child.stop()


def test_what_a_bay_sees_is_on_a_sign_and_the_operator_disturbs_nobody(lot: Lot) -> None:
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    sign = lot.sign(heard)
    sign.start()
    try:
        while heard.get(timeout=30)["status"] not in ("free", "occupied"):
            pass
    finally:
        sign.stop()
    for _ in range(2):
        data = json.loads(lot.run(f"gateway status --json -c {lot.config}"))
        assert data["accepted"]["pi-1"] >= 1
    assert json.loads(lot.run(f"gateway occupancy --json -c {lot.config}"))["lot"]["total"] == 1
    assert lot.gateway.log.read_text().count("connected to broker") == 1
    agent_log = lot.agent.log.read_text()
    assert agent_log.count("connected to broker") == 1
    assert "denies" not in agent_log
    assert "guards nothing" not in agent_log
