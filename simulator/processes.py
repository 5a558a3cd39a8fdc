"""The lot's other processes: real ones, that can be killed with SIGKILL and started again."""

import contextlib
import ctypes
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

BrokerKind = Literal["iotcore", "mosquitto"]

_IOTCORE = (
    "import iotcore; iotcore.IotCoreBroker(listen='127.0.0.1', port={port}, "
    "max_payload_size=1_000_000, max_inflight_count=500).run_forever()"
)
_PR_SET_PDEATHSIG = 1
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
READY_S = 20.0
STOP_S = 15.0


class NotReady(Exception):
    """A child did not come up; the text says where its log is."""


def free_port() -> int:
    """A port of the loopback that nobody listens on.

    Below those that the kernel gives to outgoing connections: one of these would take it before the
    process that it is meant for has begun to listen.
    """
    try:
        outgoing = int(_OUTGOING.read_text().split()[0])
    except OSError:  # no Linux
        outgoing = 49_152  # RFC 6335, section 6
    while True:
        port = random.choice(range(10_000, outgoing) or [0])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])


class Child:
    """A child process with a log, which ends with its parent whatever ends that."""

    def __init__(
        self, name: str, command: list[str], folder: Path, port: int | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.log = folder / f"{name}.log"
        self.port = port
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError before the first start."""
        return self._process_now().pid

    def start(self) -> None:
        """Start it, and return when it listens. Raises NotReady."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
                start_new_session=True,  # Ctrl-C is the parent's, which stops children in order
            )
        self.starts += 1
        if self.port:
            self.await_port(self.port)

    def kill(self) -> None:
        """SIGKILL: nothing is written down any more."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it holds what it has and does nothing."""
        self._process_now().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process_now().send_signal(signal.SIGCONT)

    def _process_now(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self.running:
            self.thaw()  # or it would not hear
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def await_port(self, port: int) -> None:
        """Return when it listens on `port`. Raises NotReady."""
        deadline_s = time.monotonic() + READY_S
        while time.monotonic() < deadline_s:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", port), timeout=1),
            ):
                return
            if not self.running:
                raise NotReady(f"{self.name} ended at once: {self._last_word()}")
            time.sleep(0.02)  # a port cannot be awaited
        raise NotReady(f"{self.name} does not listen on {port}: {self._last_word()}")

    def _last_word(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (see {self.log})"


def die_with_parent() -> None:
    """In a child before it becomes another program: SIGKILL for it when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def broker(kind: BrokerKind, folder: Path, port: int) -> Child:
    """The demo's own broker, or the system's mosquitto, on the loopback. Raises NotReady."""
    if kind == "iotcore":
        command = [sys.executable, "-c", _IOTCORE.format(port=port)]
        return Child("broker", command, folder, port)
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if not found:
        raise NotReady("mosquitto is not installed: apt-get install mosquitto")
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\n"
        "set_tcp_nodelay true\npersistence false\n"
        "max_inflight_messages 200\nmax_queued_messages 100000\n"
    )
    return Child("broker", [found, "-c", str(config)], folder, port)


def gateway(config: Path, folder: Path) -> Child:
    """A real gateway process."""
    command = [sys.executable, "-m", "lotkeeper", "gateway", "run", "--config", str(config)]
    return Child("gateway", command, folder)
