"""Does the journal outlive a reboot, and is it bounded? Without it a crash leaves no evidence.

Raspberry Pi OS keeps it in memory (Storage=volatile in a drop-in numbered 40).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import SHIPPED, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

FOLDERS = ("/usr/lib/systemd", "/run/systemd", "/etc/systemd")
"""The later wins over a drop-in of the same name in the earlier."""
MEND = (
    f"sudo install -D -m 644 {SHIPPED}/journald.conf "
    "/etc/systemd/journald.conf.d/60-lotkeeper.conf; "
    "sudo systemctl restart systemd-journald; sudo journalctl --flush"
)


@dataclass(frozen=True, slots=True)
class Journal:
    """`storage` and `cap` as journald.conf and its drop-ins say; empty for the default."""

    runs: bool
    storage: str
    cap: str
    folder: bool

    @property
    def kept(self) -> bool:
        """`auto`, the default, keeps it where the folder is there (journald.conf(5))."""
        return self.storage == "persistent" or (self.storage in ("", "auto") and self.folder)


def probe(machine: Machine, wants: Wants) -> Journal:
    """journald.conf, its drop-ins, and where journald writes."""
    settings = settings_of([machine.text(path) for path in _files(machine)])
    return Journal(
        machine.exists("/run/systemd/journal"),
        settings.get("Storage", ""),
        settings.get("SystemMaxUse", ""),
        machine.exists("/var/log/journal"),
    )


def _files(machine: Machine) -> list[Path]:
    drop_ins: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in machine.glob(f"{folder}/journald.conf.d/*.conf"):
            drop_ins[path.name] = path
    return [Path("/etc/systemd/journald.conf"), *(drop_ins[name] for name in sorted(drop_ins))]


def settings_of(texts: list[str]) -> dict[str, str]:
    """What the last of the texts says that says it.

    >>> settings_of(["[Journal]\\n#Storage=auto", "Storage=volatile", "Storage=persistent"])
    {'Storage': 'persistent'}
    """
    return dict(pair for text in texts for pair in re.findall(r"(?m)^(\w+)=(.*)$", text))


def outlives_a_reboot(facts: Journal) -> list[Finding]:
    """Kept on the card."""
    if not facts.runs:
        return []
    if facts.kept:
        return [ok("journal", "is kept over reboots")]
    return [note("journal", "is lost at each reboot: no evidence after a crash", MEND)]


def is_bounded(facts: Journal) -> list[Finding]:
    """By a figure of ours: the default is a tenth of the card."""
    if not facts.runs or not facts.kept or facts.cap:
        return []
    return [note("journal", "may take up to a tenth of the card", MEND)]


CHECKS = (outlives_a_reboot, is_bounded)
