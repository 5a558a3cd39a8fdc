"""A screen for a machine that has none: run inside it, by Debian's Python.

/dev/tty1 is a pseudo terminal; what stands on it since the cursor last went to the first place is
in /srv/screen.
"""

import os
import socket
from pathlib import Path

HOME = b"\x1b[H"
TERMINAL, SHOWN = Path("/dev/tty1"), Path("/srv/screen")


def main() -> None:
    """Tell systemd, then look for ever."""
    master, slave = os.openpty()
    TERMINAL.unlink(missing_ok=True)
    TERMINAL.symlink_to(os.ttyname(slave))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    picture = b""
    while True:
        picture += os.read(master, 65536)
        picture = picture[max(picture.rfind(HOME), 0) :]
        new = SHOWN.with_suffix(".new")
        new.write_bytes(picture)
        new.replace(SHOWN)


if __name__ == "__main__":
    main()
