"""The arm64 packages, as a Pi has them: installed and run by qemu's user mode, without systemd.

An agent with simulated sensors tells a gateway by way of mosquitto; all three are arm64's own.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from debian.build import build
from debian.target import SUITES, Target
from simulator.namespaces import Host
from tests.system.conftest import debootstrapped
from tests.system.machine import BUILD, CLEAN, Inside
from tests.system.test_system import AGENT_TOML, BROKER_CONF, GATEWAY_TOML

pytestmark = [pytest.mark.system, pytest.mark.timeout(2700)]

QEMU = BUILD / "qemu" / "usr" / "bin" / "qemu-aarch64-static"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
NAME = "lotkeeper-aarch64"
MAGIC = rb"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = rb"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
"""64 bits for EM_AARCH64 (elf(5)), whatever its ABI, as qemu-binfmt-conf.sh has it."""
AS_ITS_USER = ("setpriv", "--reuid=lotkeeper", "--regid=lotkeeper", "--init-groups")
NO_INIT = "#!/bin/sh\nexit 101\n"
"""Nothing starts by itself: policy-rc.d, as Debian has it for a root without an init."""
SLOW_S = 120.0
CONSOLE_TOML = '[[lots]]\ngateway = "/etc/lotkeeper/gateway.toml"\n'
COMPILED = ("pydantic_core", "cryptography.x509", "confluent_kafka", "matplotlib.pyplot", "orjson")


@pytest.fixture(scope="module")
def emulated() -> Iterator[None]:
    """arm64's programs run here: the kernel hands them to qemu, which it holds open (F)."""
    if not QEMU.exists():
        folder = BUILD / "qemu"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "qemu-user-static"], check=True, cwd=folder)
        (package,) = folder.glob("qemu-user-static_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    with ExitStack() as undo:
        if not (BINFMT / "register").exists():
            mounted = subprocess.run(
                ["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT],
                capture_output=True,
                text=True,
            )
            if mounted.returncode:
                pytest.skip(f"inherent: no arm64 programs here: {mounted.stderr.strip()}")
            undo.callback(lambda: subprocess.run(["umount", BINFMT], check=True))
        rule = b":".join((b"", NAME.encode(), b"M", b"", MAGIC, MASK, bytes(QEMU), b"F"))
        try:
            (BINFMT / "register").write_bytes(rule)
        except OSError as error:
            pytest.skip(f"inherent: no arm64 programs here: {error}")
        undo.callback((BINFMT / NAME).write_bytes, b"-1")
        yield


class Pi(Inside):
    """Entered by chroot, on a network of its own."""

    def __init__(self, tree: Path, layer: Path) -> None:
        super().__init__(tree, layer)
        for name in ("proc", "dev"):
            subprocess.run(["mount", "--bind", f"/{name}", self.root / name], check=True)
        self._host = Host("pi")
        self._host.run("ip", "link", "set", "lo", "up")

    def enter(self, *command: str) -> list[str]:
        """A command to be run inside, as root."""
        return self._host.command(["chroot", str(self.root), *CLEAN, *command])

    def close(self) -> None:
        """Let it go."""
        self._host.close()
        for name in ("proc", "dev"):
            subprocess.run(["umount", "--lazy", self.root / name], check=True)
        self.let_go()


@pytest.fixture(scope="module")
def pi(suite: str, emulated: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi]:
    """A bare Debian for arm64."""
    made = Pi(debootstrapped(suite, "arm64"), tmp_path_factory.mktemp("pi"))
    try:
        made.write("/usr/sbin/policy-rc.d", NO_INIT, 0o755)
        yield made
    finally:
        made.close()


def test_installs(pi: Pi, suite: str, tmp_path: Path) -> None:
    names = []
    for path in build(Target(SUITES[suite], "arm64"), 1, tmp_path):
        shutil.copy(path, pi.root / "root")
        names.append(f"/root/{path.name}")
    pi.run("apt-get", "install", "-y", "-q", *names)
    assert pi.run("uname", "-m").strip() == "aarch64"
    assert pi.run("lotkeeper", "--version").startswith("lotkeeper ")


def test_each_role_loads_what_is_compiled(pi: Pi) -> None:
    pi.write("/etc/mosquitto/conf.d/local.conf", BROKER_CONF)
    pi.write("/etc/lotkeeper/agent.toml", AGENT_TOML)
    pi.write("/etc/lotkeeper/gateway.toml", GATEWAY_TOML)
    pi.write("/etc/lotkeeper/console.toml", CONSOLE_TOML)
    for role in ("agent", "gateway", "console"):
        pi.run("lotkeeper", role, "validate")
    for module in COMPILED:
        pi.run("/usr/lib/lotkeeper/bin/python3", "-P", "-c", f"import {module}")
    assert "simulated" in pi.run("lotkeeper", "agent", "check")


@pytest.fixture(scope="module")
def lot(pi: Pi) -> Iterator[Pi]:
    """Broker, gateway and agent at work; each must end well when it is told to."""
    for user, folder in (("mosquitto", "/run/mosquitto"), ("lotkeeper", "/var/lib/lotkeeper")):
        pi.run("install", "--directory", f"--owner={user}", folder)  # else systemd's to make
    commands = [
        ("mosquitto", "-c", "/etc/mosquitto/mosquitto.conf"),
        (*AS_ITS_USER, "lotkeeper", "gateway", "run"),
        (*AS_ITS_USER, "lotkeeper", "agent", "run"),
    ]
    running = [subprocess.Popen(pi.enter(*command)) for command in commands]
    try:
        yield pi
    finally:
        for process in running:
            process.terminate()
        assert [process.wait(SLOW_S) for process in running] == [0, 0, 0]


def test_a_simulated_bay_is_counted(lot: Pi) -> None:
    for attempt in Retrying(
        retry=retry_if_exception_type(AssertionError),
        stop=stop_after_delay(SLOW_S),
        wait=wait_fixed(1),
        reraise=True,
    ):
        with attempt:
            told = lot.run("lotkeeper", "gateway", "occupancy", "--json")
            assert json.loads(told)["lot"]["occupied"] == 1


def test_the_doctor_finds_all_of_it(lot: Pi) -> None:
    findings = json.loads(lot.try_run("lotkeeper", "doctor", "--json").stdout)["findings"]
    well = [each["check"] for each in findings if each["level"] == "ok"]
    assert well.count("configuration.usable") == 3
    assert well.count("broker.answers") == 2
