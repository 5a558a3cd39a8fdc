"""Test hosts in network namespaces of their own, on one switch, and the faults of their links.

    host "pi-1" [eth0] ---- [pi-1]  switch  [gate] ---- [eth0] host "gate"

No namespace has a name or a route to anything outside: each lives as long as the process that
holds it, and the holders end with us, whatever ends us. The kernel then takes away the links,
rules and queues. Faults are the switch's, so neither end is told: what is dropped is silence, not
an error of the socket. Needs root, and Linux's nftables, bridge and tbf.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_ESTABLISHED = "01"
TOOLS = {"ip": "iproute2", "tc": "iproute2", "nft": "nftables", "nsenter": "util-linux"}
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
NET = "198.18.0"
"""The range for tests between networks (RFC 2544, appendix C.2.2)."""
BURST_BYTES = 4096
QUEUE_MS = 400
"""A slow link's queue, as of a modem: what waits longer is dropped."""


def missing() -> str:
    """Why there can be no test hosts here, "" where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for tool, package in TOOLS.items():
        if not shutil.which(tool, path=PATH):
            return f"{tool} is not installed: apt-get install {package}"
    refused = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
    return refused.stderr.strip()


class Host:
    """A namespace, held by a process that ends when its standard input does."""

    def __init__(self, name: str, address: str = "") -> None:
        self.name = name
        self.address = address
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "echo && exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout
        if not self._holder.stdout.readline():
            raise OSError(f"{name}: unshare --net failed, with status {self._holder.wait()}")

    @property
    def pid(self) -> int:
        """The holder's process id."""
        return self._holder.pid

    def command(self, command: Sequence[str]) -> list[str]:
        """`command`, to be run at this host."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *command]

    def run(self, *command: str, words: str = "") -> None:
        """Run a tool at this host. Raises OSError with what it said."""
        done = subprocess.run(
            self.command(command),
            input=words,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": PATH},
            timeout=20,
        )
        if done.returncode:
            raise OSError(f"{self.name}: {' '.join(command)}: {done.stderr.strip()}\n{words}")

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and the threads that it starts meanwhile, open their sockets here."""
        with open("/proc/thread-self/ns/net") as home:
            _enter(Path(f"/proc/{self.pid}/ns/net"))
            try:
                yield
            finally:
                _set_namespace(home.fileno())

    def open_ports(self) -> list[int]:
        """The local ports of its established TCP connections."""
        lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        fields = [line.split() for line in lines]
        return [int(each[1].split(":")[1], 16) for each in fields if each[3] == _ESTABLISHED]

    def close(self) -> None:
        """Let the namespace go; it ends with the last process in it."""
        self._holder.communicate()


def _enter(path: Path) -> None:
    with path.open() as namespace:
        _set_namespace(namespace.fileno())


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Network:
    """Hosts on one switch. A host's name is that of its port: at most 15 characters."""

    def __init__(self, names: Sequence[str]) -> None:
        self._made: list[Host] = []
        self._rules: dict[str, list[str]] = {}
        try:
            self.switch = self._make("switch")
            self.hosts = {
                name: self._make(name, f"{NET}.{number}") for number, name in enumerate(names, 1)
            }
            self._wire()
        except BaseException:
            self.close()
            raise

    def _make(self, name: str, address: str = "") -> Host:
        self._made.append(Host(name, address))
        return self._made[-1]

    def _wire(self) -> None:
        lines = ["link add bridge type bridge", "link set bridge up"]
        for host in self.hosts.values():
            lines += [
                f"link add name {host.name} type veth peer name eth0 netns {host.pid}",
                f"link set dev {host.name} master bridge up",
            ]
        self.switch.run("ip", "-batch", "-", words="\n".join(lines))
        for host in self.hosts.values():
            words = f"link set lo up\naddr add {host.address}/24 dev eth0\nlink set eth0 up\n"
            host.run("ip", "-batch", "-", words=words)

    def close(self) -> None:
        """Let every host go."""
        for host in self._made:
            host.close()

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Faults of one host's link ---------------------------------------------------------------

    def cut(self, name: str) -> None:
        """Nothing passes any more, and nobody is told."""
        self._rule(name, "drop")

    def forget_connections(self, name: str) -> None:
        """What is open now passes nothing any more; new connections do. As a NAT that restarted."""
        ports = ", ".join(map(str, self.hosts[name].open_ports()))
        self._rules[name] = [
            f'iifname "{name}" tcp sport {{ {ports} }} drop',
            f'oifname "{name}" tcp dport {{ {ports} }} drop',
        ]
        self._apply()

    def lose(self, name: str, percent: int) -> None:
        """So many of a hundred packets, drawn at random, do not arrive, in each direction."""
        self._rule(name, f"numgen random mod 100 < {percent} drop")

    def mend(self, name: str) -> None:
        """All packets arrive again."""
        self._rules.pop(name, None)
        self._apply()

    def slow(self, name: str, kbit: int) -> None:
        """`kbit` kbit/s in each direction, by a token bucket (tc tbf)."""
        bucket = f"tbf rate {kbit}kbit burst {BURST_BYTES} latency {QUEUE_MS}ms".split()
        self.hosts[name].run("tc", "qdisc", "replace", "dev", "eth0", "root", *bucket)
        self.switch.run("tc", "qdisc", "replace", "dev", name, "root", *bucket)

    def quicken(self, name: str) -> None:
        """As fast as it was."""
        self.hosts[name].run("tc", "qdisc", "del", "dev", "eth0", "root")
        self.switch.run("tc", "qdisc", "del", "dev", name, "root")

    def _rule(self, name: str, verdict: str) -> None:
        self._rules[name] = [f'iifname "{name}" {verdict}', f'oifname "{name}" {verdict}']
        self._apply()

    def _apply(self) -> None:
        """All rules anew in one transaction of the kernel's."""
        rules = "\n".join(rule for of_host in self._rules.values() for rule in of_host)
        words = (
            "table bridge faults\ndelete table bridge faults\ntable bridge faults {\n"
            "chain forward {\ntype filter hook forward priority 0\n" + rules + "\n}\n}\n"
        )
        self.switch.run("nft", "-f", "-", words=words)
