"""A bay Pi's wires and sensors, for a machine that has none: run inside it, by Debian's Python.

Each line of /etc/bays is a bay and its port. The port is a pseudo terminal on which the A02YYUW's
frames come (its driver names the source): /srv/bays/BAY is the distance in mm, here with the noise
of a real one.
"""

import contextlib
import os
import random
import shutil
import socket
import time
import tty
from pathlib import Path

BETWEEN_S = 0.1
NOISE_MM = 4.0
DISTANCES = Path("/srv/bays")


def wired(port: Path) -> int:
    """A pseudo terminal under the port's name, open to whom udev would open it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    name = os.ttyname(slave)
    shutil.chown(name, "root", "dialout")
    os.chmod(name, 0o660)
    port.unlink(missing_ok=True)
    port.symlink_to(name)
    return master


def frame(distance_mm: int) -> bytes:
    """FF, two bytes of distance, the low byte of their sum."""
    head = bytes([0xFF, *distance_mm.to_bytes(2, "big")])
    return head + bytes([sum(head) & 0xFF])


def main() -> None:
    """Wire all, tell systemd, measure for ever."""
    lines = (line.split() for line in Path("/etc/bays").read_text().splitlines())
    wires = {DISTANCES / bay: wired(Path(port)) for bay, port in lines}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    while True:
        for distance, port in wires.items():
            away_mm = int(distance.read_text()) + random.gauss(0, NOISE_MM)
            with contextlib.suppress(BlockingIOError):  # nobody listens
                os.write(port, frame(round(away_mm)))
        time.sleep(BETWEEN_S)


if __name__ == "__main__":
    main()
