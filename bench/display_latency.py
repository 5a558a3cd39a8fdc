"""From a change's commit at the agent to the display, against a bare trip through the broker.

The same run measures both: agents commit changes at a steady rate, a display notes when each
reaches it; between them this process sends itself messages through the same broker. Named
limit: the group-commit time and two bare trips, for a change goes through the broker twice.

Usage: python -m bench.display_latency [SECONDS]
"""

import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho

from bench.lot import BenchLot, await_port, broker_command, running
from contract.occupancy import SpotState
from contract.topics import Topics
from runtime.mqtt import Handlers, Link, MqttSettings
from simulator.processes import free_port

RATE_PER_S = 50.0
GROUP_COMMIT_MS = 50.0
ECHO = "bench/echo"


class Stopwatch:
    """A display and a self-sender on one broker."""

    def __init__(self, lot: BenchLot) -> None:
        self.display_ms: list[float] = []
        self.bare_ms: list[float] = []
        self.connected = threading.Event()
        self._root = Topics("bench").root
        settings = MqttSettings.model_validate({"port": lot.port, "protocol": lot.protocol})
        handlers = Handlers(message=self._take, connected=self._subscribe)
        self.link = Link(settings, "stopwatch", handlers, clean=True)

    def _subscribe(self, session_present: bool) -> None:
        self.link.subscribe(f"{self._root}/spots/+/state")
        self.link.subscribe(ECHO)
        self.connected.set()

    def _take(self, message: paho.MQTTMessage) -> None:
        if message.topic == ECHO:
            self.bare_ms.append((time.perf_counter() - float(message.payload)) * 1000)
            return
        state = SpotState.model_validate_json(message.payload)
        if state.since and not message.retain:
            self.display_ms.append((datetime.now(UTC) - state.since).total_seconds() * 1000)

    def send_bare(self, seconds: float) -> None:
        """Send itself a message at the same rate for `seconds`."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.link.publish(ECHO, str(time.perf_counter()).encode())
            time.sleep(1 / RATE_PER_S)


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def measure(seconds: float) -> Stopwatch:
    """Run a lot for `seconds` and answer what was timed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        port = free_port()
        kind, command = broker_command(folder, port)
        lot = BenchLot(folder, port, kind, 1, 200)
        gateway = [sys.executable, "-m", "lotkeeper", "gateway", "run", "-c"]
        gateway.append(str(lot.gateway_toml(GROUP_COMMIT_MS)))
        load = [sys.executable, "-m", "bench.load_agent", str(lot.agent_toml(0))]
        load += [str(int(RATE_PER_S * seconds)), str(RATE_PER_S)]
        with running(command, stderr=subprocess.DEVNULL):
            await_port(port)
            with (
                running(gateway, stderr=subprocess.DEVNULL),
                running(load, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as agent,
            ):
                assert agent.stdin
                assert agent.stdout
                agent.stdout.readline()
                watch = Stopwatch(lot)
                watch.link.start()
                watch.connected.wait(10)
                agent.stdin.write("go\n")
                agent.stdin.flush()
                watch.send_bare(seconds)
                agent.stdout.readline()
                watch.link.stop()
    return watch


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    watch = measure(seconds)
    for share in (0.5, 0.99):
        bare, shown = percentile(watch.bare_ms, share), percentile(watch.display_ms, share)
        limit = 2 * bare + GROUP_COMMIT_MS
        print(
            f"p{share * 100:.0f}  display {shown:6.1f} ms  bare trip {bare:5.1f} ms  "
            f"{shown / limit:.2f} x (2 bare trips + {GROUP_COMMIT_MS:.0f} ms group commit)  "
            f"{len(watch.display_ms)} changes"
        )


if __name__ == "__main__":
    main()
