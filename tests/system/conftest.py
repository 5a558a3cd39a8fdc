"""What the system's tests share: `make test-system`, as root.

A suite's tree is made once by debootstrap, barer than Raspberry Pi OS Lite, and kept in
build/trees/ with what the packages need in its apt's archive: no machine has a way outside.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from debian.build import build, source_date
from debian.target import SUITES, Target
from tests.system.machine import BUILD, NSPAWN, Machine

INCLUDED = (
    "systemd,systemd-sysv,systemd-timesyncd,dbus,python3,ca-certificates,iproute2,procps,sudo,curl"
)
ARCHIVED = "mosquitto mosquitto-clients openssl"
"""With what they depend on: apt installs them from there as it would from Debian's mirror."""
A_PIS = {"arm64": " python3-rpi.gpio"}
"""What the agent recommends, where Debian has it."""


def missing() -> str:
    """Why nothing can be booted here, "" where it can."""
    if os.geteuid() != 0:
        return "booting a container needs root"
    tools = ("debootstrap", "nsenter", "dpkg-deb", "apt-get")
    return ", ".join(f"{tool} is not installed" for tool in tools if not shutil.which(tool))


@pytest.fixture(scope="session", params=os.environ.get("LOTKEEPER_SUITES", "bookworm").split())
def suite(request: pytest.FixtureRequest) -> str:
    """Of Debian; LOTKEEPER_SUITES="bookworm trixie" for both."""
    if reason := missing():
        pytest.skip(f"inherent: {reason}")
    return str(request.param)


@pytest.fixture(scope="session")
def tree(suite: str, arch: str) -> Path:
    """A minimal Debian, made once."""
    return debootstrapped(suite, arch)


def debootstrapped(suite: str, arch: str) -> Path:
    """Of any architecture whose programs run here. Beside it stands what it was made with."""
    tree = BUILD / "trees" / f"{suite}-{arch}"
    tree.parent.mkdir(parents=True, exist_ok=True)
    archived = ARCHIVED + A_PIS.get(arch, "")
    made, wanted = tree.with_suffix(".txt"), f"{INCLUDED}\n{archived}\n"
    with tree.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            made.unlink(missing_ok=True)
            shutil.rmtree(tree, ignore_errors=True)
            options = [f"--arch={arch}", "--variant=minbase", f"--include={INCLUDED}"]
            subprocess.run(["debootstrap", *options, suite, str(tree)], check=True)
            fill_archive(tree, arch, archived.split())
            made.write_text(wanted)
    return tree


def fill_archive(tree: Path, arch: str, names: list[str]) -> None:
    """By this machine's apt, which knows its way outside, with the tree's sources and state."""
    state, cache = tree / "var/lib/apt", tree / "var/cache/apt"
    options = {
        "APT::Architecture": arch,
        "APT::Sandbox::User": "root",
        "Dir::State": state,
        "Dir::State::status": tree / "var/lib/dpkg/status",
        "Dir::Cache": cache,
        "Dir::Etc::sourcelist": tree / "etc/apt/sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
    }
    said = [f"-o{name}={value}" for name, value in options.items()]
    subprocess.run(["apt-get", *said, "update"], check=True)
    subprocess.run(["apt-get", *said, "install", "-y", "--download-only", *names], check=True)


@pytest.fixture(scope="session")
def nspawn() -> None:
    """Taken out of its package: installing that may upgrade this machine's systemd."""
    if not NSPAWN.exists():
        folder = BUILD / "nspawn"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "systemd-container"], check=True, cwd=folder)
        (package,) = folder.glob("systemd-container_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)


@pytest.fixture(scope="session")
def arch() -> str:
    """Of this machine, in Debian's words."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Revisions(dict[int, list[Path]]):
    """The packages by revision, each built when it is asked for."""

    def __init__(self, target: Target, out: Path) -> None:
        self._target, self._out = target, out

    def __missing__(self, revision: int) -> list[Path]:
        self[revision] = build(self._target, revision, self._out)
        return self[revision]


@pytest.fixture(scope="session")
def debs(suite: str, arch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Revisions]:
    """As of one moment, which is whoever builds again's too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(source_date()))
        yield Revisions(Target(SUITES[suite], arch), tmp_path_factory.mktemp("debs"))


@pytest.fixture(scope="module")
def debian(tree: Path, nspawn: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Booted, with nothing of ours on it yet."""
    machine = Machine("debian", tree, tmp_path_factory.mktemp("layer"))
    try:
        machine.boot()
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def beside(
    tree: Path, debian: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """Another one, on the network of `debian`: what listens on 127.0.0.1 there is reached here."""
    machine = Machine("beside", tree, tmp_path_factory.mktemp("layer"), debian.network)
    try:
        machine.boot()
        yield machine
    finally:
        machine.close()
