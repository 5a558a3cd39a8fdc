"""`lotkeeper diag collect`: what somebody else needs in order to help, without secrets.

No key, no store and no record goes into it; what looks like a secret in a text is masked.
"""

import io
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

from doctor.examine import examine
from doctor.machine import Machine
from doctor.report import as_json
from gateway.tools.masks import masked_text

FILES = (
    "/etc/lotkeeper/*.toml",
    "/etc/lotkeeper/lots/*/gateway.toml",
    "/etc/mosquitto/mosquitto.conf",
    "/etc/mosquitto/conf.d/*.conf",
    "/etc/systemd/system/lotkeeper*.d/*.conf",
    "/etc/os-release",
    "/boot/firmware/config.txt",
    "/boot/firmware/cmdline.txt",
    "/proc/device-tree/model",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/swaps",
    "/proc/uptime",
)
COMMANDS = {
    "versions": ("dpkg-query", "--show", "lotkeeper*", "mosquitto", "systemd", "python3"),
    "units": ("systemctl", "--no-pager", "--full", "status", "lotkeeper*", "mosquitto"),
    "settings": ("systemctl", "--no-pager", "cat", "lotkeeper*"),
    "journal": ("journalctl", "--no-pager", "-u", "lotkeeper*", "-u", "mosquitto", "-n", "5000"),
    "boots": ("journalctl", "--no-pager", "--list-boots"),
    "kernel": ("journalctl", "--no-pager", "-k", "-b", "-n", "1000"),
    "clock": ("timedatectl", "show"),
    "network": ("ip", "-brief", "address"),
    "stores": ("ls", "-la", "--time-style=full-iso", "/var/lib/lotkeeper"),
    "folders": ("ls", "-laR", "/etc/lotkeeper"),
}
NOTHING = "(nothing)\n"


def collect(machine: Machine, to: Path) -> list[str]:
    """Write the tarball, for its owner alone; answers its names. Raises OSError."""
    names = []
    descriptor = to.open("xb")
    to.chmod(0o600)
    with descriptor, tarfile.open(fileobj=descriptor, mode="w:gz") as tarball:
        for name, text in contents(machine):
            content = masked_text(text).encode()
            entry = tarfile.TarInfo(f"lotkeeper-diag/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            tarball.addfile(entry, io.BytesIO(content))
            names.append(name)
    return names


def contents(machine: Machine) -> Iterator[tuple[str, str]]:
    """Each name and its text, not yet masked."""
    yield "doctor.json", as_json(examine(machine))
    for path in (path for pattern in FILES for path in machine.glob(pattern)):
        yield f"files{path}", machine.text(path)
    for name, command in COMMANDS.items():
        yield f"commands/{name}.txt", machine.run(command) or NOTHING
