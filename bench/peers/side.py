"""What the scenarios ask of each of those compared, and what two or more of them share."""

import getpass
import json
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.end_to_end import LoadAgent
from bench.lot import MOSQUITTO, await_port, written_bytes
from bench.peers.account import Event
from bench.peers.load import SENDERS, events_of, payload, topic_of
from bench.peers.uplink import PROBE, Arrivals, BrokerUplink
from simulator.processes import free_port

PATIENCE_S = 60.0


class Uplink(Protocol):
    """Where events go; it can be down."""

    def up(self) -> None: ...
    def down(self) -> None: ...
    def close(self) -> None: ...


class Side(ABC):
    """One of those compared, with an uplink and a load of its own kind."""

    name: str
    uplink: Uplink
    arrivals: Arrivals

    @abstractmethod
    def start(self) -> None:
        """Start it, at first or after `kill`; returns when it takes events."""

    @abstractmethod
    def await_open(self) -> None:
        """With the uplink up: return when an event has gone the whole way."""

    @abstractmethod
    def load(self, events: int, rate_per_s: float) -> list[LoadAgent]:
        """The senders' processes, connected and told nothing yet."""

    @abstractmethod
    def sent(self, events: int) -> list[Event]:
        """What `load` sends."""

    @abstractmethod
    def kill(self) -> None:
        """SIGKILL what holds the events that its senders were told are accepted."""

    @abstractmethod
    def stored(self) -> int:
        """How many events stand on its disk."""

    @abstractmethod
    def gateways(self) -> list["subprocess.Popen[bytes]"]:
        """The processes whose memory and writes are counted."""

    @abstractmethod
    def close(self) -> None:
        """End everything."""


class MqttPeer(Side):
    """A peer between two brokers: what it has in common is the load and the uplink."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.uplink_port = free_port(), free_port()
        self.arrivals = Arrivals()
        self.uplink = BrokerUplink(folder / "uplink", self.uplink_port, self.arrivals)
        self.children: list[subprocess.Popen[bytes]] = []

    def broker(self, name: str, more: str) -> "subprocess.Popen[bytes]":
        """A mosquitto for the bays."""
        config = self.folder / f"{name}.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"user {getpass.getuser()}\nmax_inflight_messages 500\nmax_queued_messages 0\n{more}"
        )
        child = self.run([str(MOSQUITTO), "-c", str(config)], name)
        await_port(self.port)
        return child

    def run(self, command: list[str], name: str, **options: object) -> "subprocess.Popen[bytes]":
        """A child whose words go to a file."""
        with (self.folder / f"{name}.log").open("a") as words:
            child = subprocess.Popen(command, stdout=words, stderr=words, **options)  # type: ignore[call-overload]
        self.children.append(child)
        return child  # type: ignore[no-any-return]

    def await_open(self) -> None:
        """Probe until a probe is at the uplink."""
        prober = paho.Client(CallbackAPIVersion.VERSION2, "prober")
        prober.connect("127.0.0.1", self.port)
        prober.loop_start()
        number = 0
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.arrivals.probed.wait(0.5):
            number += 1
            prober.publish(topic_of(PROBE), payload(PROBE, number), qos=1)
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self.name}: no probe came through in {PATIENCE_S:.0f} s")
        prober.disconnect()
        prober.loop_stop()

    def load(self, events: int, rate_per_s: float) -> list[LoadAgent]:
        """Publishers of QoS 1 that forget behind the PUBACK."""
        each = [str(events // SENDERS), str(rate_per_s / SENDERS)]
        command = [sys.executable, "-m", "bench.peers.load", str(self.port)]
        return connected([[*command, str(number), *each] for number in range(SENDERS)])

    def sent(self, events: int) -> list[Event]:
        """The events of every sender."""
        return [each for number in range(SENDERS) for each in events_of(number, events // SENDERS)]

    def close(self) -> None:
        """End the children, then the uplink."""
        end(self.children)
        self.uplink.close()


def connected(commands: list[list[str]]) -> list[LoadAgent]:
    """Senders' processes, once each has said that it is ready."""
    pipe = subprocess.PIPE
    senders = [
        LoadAgent(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        for command in commands
    ]
    for sender in senders:
        sender.hear()
    return senders


def end(children: list["subprocess.Popen[bytes]"]) -> None:
    """Terminate those that live, and kill what does not go."""
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    children.clear()


def await_true(what: str, holds: Callable[[], bool]) -> None:
    """Return when it holds. Raises TimeoutError that says `what` did not."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{what}: not in {PATIENCE_S:.0f} s")
        time.sleep(0.05)


def peak_mb(pid: int) -> float:
    """The most memory that a process had resident."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"{pid} is no process")


def written(children: list["subprocess.Popen[bytes]"]) -> int:
    """What processes have sent to the disk, in bytes."""
    return sum(written_bytes(child.pid) for child in children)


def write_json(path: Path, content: object) -> None:
    """A configuration file."""
    path.write_text(json.dumps(content, indent=1))
