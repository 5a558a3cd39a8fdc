"""A Debian under a real systemd, in a container: booted, entered, hurt, rebooted."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

REPO = Path(__file__).parents[2]
BUILD = REPO / "build"
PATIENCE_S = 60.0
NSPAWN = BUILD / "nspawn" / "usr" / "bin" / "systemd-nspawn"
CLEAN = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8")


def _hierarchies() -> Iterator[Path]:
    """Where systemd sorts its processes: cgroup2, and the one of its name where that is hybrid.

    Each machine has a group of its own there: with one for all, a unit of one machine would be its
    namesakes' on the others too.
    """
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            yield Path(folder)


class Inside:
    """A root file system of its own, in which commands run: a copy-on-write layer over a tree.

    The layer is in memory: dpkg syncs each file, which takes minutes on a busy disk.
    """

    def __init__(self, tree: Path, layer: Path) -> None:
        layer.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", layer], check=True)
        self._layer = layer
        self.root = layer / "root"
        for folder in ("root", "upper", "work"):
            (layer / folder).mkdir()
        options = f"lowerdir={tree},upperdir={layer}/upper,workdir={layer}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)

    def let_go(self) -> None:
        """Of the layer, and what is in it."""
        for folder in (self.root, self._layer):
            subprocess.run(["umount", "--lazy", folder], check=True)

    def enter(self, *command: str) -> list[str]:
        """A command to be run inside, as root."""
        raise NotImplementedError

    def try_run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, whatever comes of it."""
        return subprocess.run(
            self.enter("DEBIAN_FRONTEND=noninteractive", *command),
            capture_output=True,
            text=True,
            timeout=900,
        )

    def run(self, *command: str) -> str:
        """The standard output of a command that must succeed."""
        done = self.try_run(*command)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file inside, whole for whoever reads it meanwhile."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.new")
        new.write_text(text)
        new.chmod(mode)
        new.replace(file)


class Machine(Inside):
    """A container with systemd as its first process, on a copy-on-write layer over a tree.

    `network` is the path of its network namespace; without one it is alone. Nothing of it is
    seen outside. What `write` writes before `boot` is what a card brings.
    """

    def __init__(self, name: str, tree: Path, layer: Path, network: str = "") -> None:
        super().__init__(tree, layer)
        self.name = name
        way = f"--network-namespace-path={network}" if network else "--private-network"
        self._options = [way, f"--machine={name}-{os.getpid()}", f"--hostname={name}"]
        self._log = (layer / "console").open("wb")
        self._groups = [each / f"{name}-{os.getpid()}" for each in _hierarchies()]
        self._nspawn: subprocess.Popen[bytes] | None = None

    def boot(self, *words: str) -> None:
        """Switch it on, with these words on the kernel's command line, until all units settled."""
        self.power_on(*words)
        self.until("systemctl", "is-system-running", "--wait", says="running")

    def power_on(self, *words: str) -> None:
        """Switch it on."""
        quiet = ["--quiet", "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off"]
        nspawn = [str(NSPAWN), *quiet, *self._options, "-D", str(self.root), "--boot", *words]
        for group in self._groups:
            group.mkdir(exist_ok=True)
        joining = "".join(f"echo $$ >{group}/cgroup.procs && " for group in self._groups)
        self._nspawn = subprocess.Popen(
            ["sh", "-c", joining + 'exec "$@"', "sh", *nspawn],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )

    @property
    def network(self) -> str:
        """Its network namespace, for another machine to be on."""
        return f"/proc/{self.init}/ns/net"

    @property
    def init(self) -> int:
        """The first process's id, as seen from outside."""
        assert self._nspawn, f"{self.name} is off"
        for task in Path(f"/proc/{self._nspawn.pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                if os.readlink(f"/proc/{child}/exe").endswith("/systemd"):
                    return int(child)
        raise AssertionError("the container has no first process")

    def enter(self, *command: str) -> list[str]:
        """A command to be run inside, as root."""
        return ["nsenter", f"--target={self.init}", "--all", "--", *CLEAN, *command]

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

    def told(self, unit: str) -> str:
        """What its journal says since the boot, the end of it."""
        return self.try_run("journalctl", "-b", "-u", unit, "-n", "300", "--no-pager").stdout

    def until_active(self, *units: str) -> None:
        """Until each serves."""
        for unit in units:
            try:
                self.until("systemctl", "show", unit, "--property=ActiveState", says="=active")
            except AssertionError as error:
                raise AssertionError(self.told(unit)) from error

    def until_new(self, unit: str, restarts: int) -> None:
        """Until systemd has started it so many times again, and it serves."""
        self.until("systemctl", "show", unit, "--property=NRestarts", says=f"={restarts}")
        self.until_active(unit)

    def started_s(self, unit: str) -> float:
        """When its process was started, on the monotonic clock."""
        return int(self.show(unit, "ExecMainStartTimestampMonotonic")) / 1e6

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

    def install(self, debs: list[Path], *options: str) -> None:
        """As one does by hand: apt install ./x.deb; what they need is in apt's archive."""
        folder = self.root / "root/debs"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in debs:
            shutil.copy(path, folder)
        names = [f"/root/debs/{path.name}" for path in debs]
        self.run("apt-get", "install", "-y", "-q", *options, *names)

    def packages(self) -> list[str]:
        """Ours, that are installed."""
        return self.run("dpkg-query", "-Wf", "${Package} ", "lotkeeper-*").split()

    def reboot(self) -> None:
        """By systemd inside; nspawn ends with it, as a machine that is switched off and on."""
        self.try_run("systemctl", "reboot")
        self.await_off()
        self.boot()

    def await_off(self, patience_s: float = PATIENCE_S) -> None:
        """Until it is off, by itself or because it wants to start anew."""
        assert self._nspawn, f"{self.name} is off"
        self._nspawn.wait(patience_s)

    def close(self) -> None:
        """Stop it, and let the layer go."""
        if self._nspawn:
            self._nspawn.terminate()
            try:
                self._nspawn.wait(30)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait(30)
        for group in self._groups:
            for folder, *_ in os.walk(group, topdown=False):
                os.rmdir(folder)
        self._log.close()
        self.let_go()
