"""Test hosts: what a fault does to a connection, and that nothing of them is left behind."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator import namespaces
from simulator.namespaces import Host, Network

REPO = Path(__file__).parents[2]
MISSING = namespaces.missing()
INHERENT = "" if os.geteuid() == 0 else "inherent: "
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{INHERENT}no test hosts: {MISSING}")

SOON_S = 0.3
OWNER = """
import sys
from simulator.namespaces import Network
network = Network(["a", "b"])
print(*(host.pid for host in network.hosts.values()), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(["a", "b"]) as made:
        yield made


def talk(network: Network) -> tuple[socket.socket, socket.socket]:
    """A connection from host a to host b, and its other end."""
    a, b = network.hosts["a"], network.hosts["b"]
    with b.entered():
        server = socket.create_server((b.address, 7))
    with server:
        with a.entered():
            near = socket.create_connection((b.address, 7), 5)
        far, _ = server.accept()
    far.settimeout(10)
    return near, far


def silent(far: socket.socket) -> bool:
    return not select.select([far], [], [], SOON_S)[0]


def test_a_cut_link_is_silent_and_what_was_sent_arrives_once_it_is_mended(
    network: Network,
) -> None:
    near, far = talk(network)
    with near, far:
        network.cut("a")
        near.sendall(b"x")
        assert silent(far)
        network.mend("a")
        assert far.recv(9) == b"x"


def test_forgotten_connections_are_dead_and_new_ones_live(network: Network) -> None:
    near, far = talk(network)
    with near, far:
        network.forget_connections("a")
        near.sendall(b"x")
        assert silent(far)
        newer, other = talk(network)
        with newer, other:
            newer.sendall(b"y")
            assert other.recv(9) == b"y"


def test_a_slow_link_has_its_rate_both_ways(network: Network) -> None:
    near, far = talk(network)
    size = 24_000
    with near, far:
        network.slow("a", 256)
        for source, sink in ((near, far), (far, near)):
            began_s = time.monotonic()
            source.sendall(bytes(size))
            left = size
            while left:
                left -= len(sink.recv(left))
            kbit = (size - namespaces.BURST_BYTES) * 8 / 1000 / (time.monotonic() - began_s)
            assert 150 < kbit < 300
        network.quicken("a")


def test_lost_packets_are_as_many_as_asked(network: Network) -> None:
    a, b = network.hosts["a"], network.hosts["b"]
    network.lose("a", 20)
    with b.entered():
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind((b.address, 9))
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    with a.entered():
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sink, source:
        arrived = 0
        for _ in range(500):
            source.sendto(b"x", (b.address, 9))
            with contextlib.suppress(BlockingIOError):  # a full buffer would lose some too
                sink.recv(9, socket.MSG_DONTWAIT)
                arrived += 1
        while not silent(sink):
            sink.recv(9)
            arrived += 1
    assert 330 < arrived < 460  # 400, and 6 standard deviations


def test_a_host_reaches_nothing_outside(network: Network) -> None:
    """No address but the hosts' own is ever reached, not even by a test that goes wrong."""
    with network.hosts["a"].entered(), pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 9), 1)


def test_a_tool_that_fails_says_what(network: Network) -> None:
    with pytest.raises(OSError, match=r"a: ip link set nothing up: Cannot find device"):
        network.hosts["a"].run("ip", "link", "set", "nothing", "up")


def test_hosts_end_with_a_killed_owner() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPO
    ) as owner:
        assert owner.stdout
        holders = [os.pidfd_open(int(pid)) for pid in owner.stdout.readline().split()]
        assert len(holders) == 2
        owner.kill()
    for holder in holders:
        assert select.select([holder], [], [], 10)[0]
        os.close(holder)


def living() -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):  # it ended while we looked
            found.add(path.stat().st_ino)
    return found


def test_a_host_ends_with_its_last_process() -> None:
    host = Host("lonely")
    inode = os.stat(f"/proc/{host.pid}/ns/net").st_ino
    assert inode in living()
    host.close()
    assert inode not in living()
