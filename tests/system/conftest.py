"""A Debian of its own, booted under a real systemd: `make test-system`, as root.

The tree is made once by debootstrap and kept in build/trees/; each session boots a copy-on-write
layer over it, with a network of its own, so nothing of it is seen outside.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from debian.build import build, source_date
from debian.target import SUITES, Target

REPO = Path(__file__).parents[2]
BUILD = REPO / "build"
INCLUDED = (
    "systemd,systemd-sysv,systemd-timesyncd,dbus,python3,ca-certificates,openssl,mosquitto,"
    "iproute2,procps"
)
PATIENCE_S = 60.0
NSPAWN = BUILD / "nspawn" / "usr" / "bin" / "systemd-nspawn"


class Booted:
    """A container with systemd as its first process, on its own or on another one's network."""

    def __init__(self, tree: Path, layer: Path, beside: "Booted | None" = None) -> None:
        self.root = layer / "root"
        self._network = (
            f"--network-namespace-path=/proc/{beside.init}/ns/net"
            if beside
            else "--private-network"
        )
        for name in ("root", "upper", "work"):
            (layer / name).mkdir()
        options = f"lowerdir={tree},upperdir={layer}/upper,workdir={layer}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        self._log = (layer / "console").open("wb")
        self._boot()

    def _boot(self) -> None:
        quiet = ["--quiet", "--register=no", "--keep-unit", "--console=pipe", self._network]
        self._nspawn = subprocess.Popen(
            [NSPAWN, *quiet, f"--machine=debian-{id(self)}", "-D", self.root, "--boot"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        self.until("systemctl", "is-system-running", "--wait", says="running")

    @property
    def init(self) -> int:
        """The first process's id, as seen from outside."""
        for task in Path(f"/proc/{self._nspawn.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                if os.readlink(f"/proc/{child}/exe").endswith("/systemd"):
                    return int(child)
        raise AssertionError("the container has no first process")

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever comes of it."""
        enter = ["nsenter", f"--target={self.init}", "--all", "--"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"]
        return subprocess.run(
            [*enter, *clean, "DEBIAN_FRONTEND=noninteractive", *command],
            capture_output=True,
            text=True,
            timeout=300,
        )

    def run(self, *command: str) -> str:
        """The standard output of a command that must succeed."""
        done = self.try_run(*command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def until(self, *command: str, says: str, patience_s: float = PATIENCE_S) -> str:
        """Ask until the answer holds a text."""
        retrying = Retrying(
            retry=retry_if_exception_type((AssertionError, OSError)),
            stop=stop_after_delay(patience_s),
            wait=wait_fixed(0.05),
            reraise=True,
        )
        return retrying(self._told, *command, says=says)

    def _told(self, *command: str, says: str) -> str:
        told = self.try_run(*command)
        assert says in told.stdout, f"{' '.join(command)}: {told.stdout}{told.stderr}"
        return told.stdout

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def outside(self, unit: str) -> int:
        """The main process of a service, as seen from outside, to look at and to kill."""
        inside = self.show(unit, "MainPID")
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                found = [x.split() for x in status.read_text().splitlines() if x[:6] == "NSpid:"]
                if found and found[0][-1] == inside and self._is_ours(status.parent):
                    return int(status.parent.name)
        raise AssertionError(f"{unit}: no process {inside}")

    def _is_ours(self, process: Path) -> bool:
        ours = os.readlink(f"/proc/{self.init}/ns/pid")
        return os.readlink(process / "ns/pid") == ours

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file inside."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def install(self, debs: list[Path], *options: str) -> None:
        """As one does by hand: apt install ./x.deb."""
        folder = self.root / "root/debs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in debs:
            shutil.copy(path, folder)
        names = [f"/root/debs/{path.name}" for path in debs]
        self.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *options, *names)

    def reboot(self) -> None:
        """By systemd inside; nspawn ends with it, as a machine that is switched off and on."""
        self.try_run("systemctl", "reboot")
        self._nspawn.wait(PATIENCE_S)
        self._boot()

    def close(self) -> None:
        """Stop it, and let the layer go."""
        self._nspawn.terminate()
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait(30)
        self._log.close()
        subprocess.run(["umount", "--lazy", self.root], check=True)


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
def tree(suite: str) -> Path:
    """A minimal Debian, made once."""
    tree = BUILD / "trees" / suite
    if not (tree / "usr/sbin/mosquitto").exists():
        shutil.rmtree(tree, ignore_errors=True)
        tree.parent.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", "--variant=minbase", f"--include={INCLUDED}", suite, str(tree)]
        subprocess.run(command, check=True)
    return tree


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


@pytest.fixture(scope="session")
def debs(
    suite: str, arch: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, list[Path]]]:
    """The packages by revision, 1 and 2, as of one moment, which is whoever builds again's too."""
    target = Target(SUITES[suite], arch)
    out = tmp_path_factory.mktemp("debs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", str(source_date()))
        yield {revision: build(target, revision, out) for revision in (1, 2)}


@pytest.fixture(scope="module")
def beside(
    tree: Path, debian: Booted, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Booted]:
    """Another one, on the network of `debian`: what listens on 127.0.0.1 there is reached here."""
    booted = Booted(tree, tmp_path_factory.mktemp("layer"), debian)
    booted.run("systemctl", "disable", "--now", "mosquitto")
    try:
        yield booted
    finally:
        booted.close()


@pytest.fixture(scope="module")
def debian(tree: Path, nspawn: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """Booted, with nothing of ours on it yet."""
    booted = Booted(tree, tmp_path_factory.mktemp("layer"))
    try:
        yield booted
    finally:
        booted.close()
