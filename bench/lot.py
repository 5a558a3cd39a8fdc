"""A lot for the benchmarks: broker, gateway and load agents as processes of their own."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def broker_command(folder: Path, port: int) -> tuple[str, list[str]]:
    """mosquitto where it is installed, else the demo's broker."""
    if MOSQUITTO:
        config = folder / "mosquitto.conf"
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\n"
            "set_tcp_nodelay true\npersistence false\n"
            "max_inflight_messages 500\nmax_queued_messages 100000\n"
        )
        return "mosquitto", [MOSQUITTO, "-c", str(config)]
    code = (
        f"import iotcore; iotcore.IotCoreBroker(listen='127.0.0.1', port={port}, "
        "max_payload_size=1000000, max_inflight_count=500).run_forever()"
    )
    return "iotcore", [sys.executable, "-c", code]


@dataclass
class BenchLot:
    """Where a benchmark's lot lives."""

    folder: Path
    port: int
    broker: str
    agents: int
    spots_each: int
    extra: str = ""

    def spot_ids(self, agent: int) -> list[str]:
        """The spots of one agent."""
        return [f"a{agent}-{number}" for number in range(self.spots_each)]

    @property
    def protocol(self) -> str:
        """The demo's broker speaks 3.1.1 alone."""
        return "5" if self.broker == "mosquitto" else "3.1.1"

    def gateway_toml(self, group_commit_ms: float = 50) -> Path:
        """The gateway's configuration."""
        spots = "\n".join(
            f'[[spots]]\nspot_id = "{spot}"\nzone_id = "z"'
            for agent in range(self.agents)
            for spot in self.spot_ids(agent)
        )
        path = self.folder / "gateway.toml"
        path.write_text(
            f'facility_id = "bench"\nlot_id = "bench"\nclock = "always"\n'
            f'[mqtt]\nport = {self.port}\nprotocol = "{self.protocol}"\n'
            f'[store]\npath = "{self.folder}/gateway.db"\n'
            f"[ingest]\ngroup_commit_ms = {group_commit_ms}\nbatch_messages = 200\n"
            f'[metrics]\nport = 0\n[[zones]]\nzone_id = "z"\n{spots}\n'
            f'[[sinks]]\nname = "disk"\nkind = "file"\npath = "{self.folder}/sink"\n'
        )
        return path

    def agent_toml(self, agent: int, batch: int = 64) -> Path:
        """One agent's configuration; its sensors are never read."""
        spots = "\n".join(
            f'[[spots]]\nspot_id = "{spot}"\nsensor = {{kind = "simulated", sensor = "ranging"}}'
            for spot in self.spot_ids(agent)
        )
        path = self.folder / f"agent-{agent}.toml"
        path.write_text(
            f'agent_id = "pi-{agent}"\nlot_id = "bench"\nclock = "always"\n'
            f'[mqtt]\nport = {self.port}\nprotocol = "{self.protocol}"\n'
            f'[spool]\npath = "{self.folder}/agent-{agent}.db"\n'
            f"[publish]\nbatch = {batch}\ndrain_per_s = 1000000\njitter_s = 0\n{spots}\n"
        )
        return path

    def sink_lines(self) -> Iterator[dict[str, object]]:
        """What the file sink holds."""
        for path in sorted((self.folder / "sink").glob("*")):
            with path.open() as lines:
                yield from map(json.loads, lines)


@contextlib.contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """A child process that ends with the block."""
    child = subprocess.Popen(command, text=True, **options)  # type: ignore[call-overload]
    try:
        yield child
    finally:
        child.terminate()
        child.wait(15)


def await_port(port: int) -> None:
    """Return when something listens on `port`."""
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)


def resident_mb(pid: int) -> float:
    """A process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"{pid} is no process")


def written_bytes(pid: int) -> int:
    """What a process has sent to the disk."""
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    raise ValueError(f"{pid} is no process")
