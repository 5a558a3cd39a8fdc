"""Tell systemd how the service is (sd_notify(3)): a datagram to the socket it names."""

import os
import socket


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
