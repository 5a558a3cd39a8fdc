"""What systemd and a service of its tell each other: datagrams (sd_notify(3)), and a folder."""

import os
import socket
from pathlib import Path


def notify(message: str) -> bool:
    """Send e.g. READY=1 or WATCHDOG=1; False outside systemd."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(message.encode(), address)
    return True


def runtime_directory() -> Path | None:
    """The unit's RuntimeDirectory=, in memory, which goes with the service; None without one."""
    told = os.environ.get("RUNTIME_DIRECTORY")
    return Path(told) if told else None
