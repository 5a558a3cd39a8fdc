"""The disk and the card: room, whether they may be written, and how fast they wear."""

import os
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

SECTOR_BYTES = 512
"""The unit of /sys/block/*/stat, whatever the device's own is
(https://docs.kernel.org/block/stat.html); its seventh field is sectors written."""
WORN_GB_A_DAY = 5.0
"""A 16 GB card of 1,000 cycles, written through at an amplification of 2, lasts 4 years of it."""
YOUNG_S = 6 * 3600.0
"""Before that a boot's own writes say nothing of a day."""
FULL_SHARE, TIGHT_SHARE = 0.05, 0.15
LIFE_TAKEN = 0x09
"""eMMC: life time used is given in tenths (JEDEC JESD84-B51, EXT_CSD[268:269]): 0x09 is 80-90 %."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A filesystem that we write to."""

    path: Path
    free_bytes: int
    total_bytes: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Storage:
    """`written_bytes` since the boot by the card `card`; `life` is eMMC's own account, if any."""

    disks: tuple[Disk, ...]
    card: str
    written_bytes: int
    uptime_s: float
    life: int | None
    swap_files: tuple[str, ...]


def probe(machine: Machine, wants: Wants) -> Storage:
    """statvfs of / and the stores' folders, /sys/block, /proc/swaps."""
    folders = {Path("/"), *(role.store.parent for role in wants.roles if role.store)}
    cards = machine.glob("/sys/block/mmcblk[0-9]") or machine.glob("/sys/block/nvme*")
    card = cards[0] if cards else None
    uptime = machine.text("/proc/uptime").split()
    return Storage(
        tuple(_disk(machine, path) for path in sorted(folders) if machine.exists(path)),
        card.name if card else "",
        _written(machine.text(card / "stat")) if card else 0,
        float(uptime[0]) if uptime else 0.0,
        _life(machine.text(card / "device/life_time")) if card else None,
        tuple(
            line.split()[0]
            for line in machine.text("/proc/swaps").splitlines()[1:]
            if "file" in line.split()
        ),
    )


def _disk(machine: Machine, path: Path) -> Disk:
    told = os.statvfs(machine.at(path))
    return Disk(
        path,
        told.f_bavail * told.f_frsize,
        told.f_blocks * told.f_frsize,
        bool(told.f_flag & os.ST_RDONLY),
    )


def _written(stat: str) -> int:
    fields = stat.split()
    return int(fields[6]) * SECTOR_BYTES if len(fields) > 6 else 0


def _life(text: str) -> int | None:
    """The worse of the two memories; 0 says that it is not told."""
    tenths = max((int(word, 16) for word in text.split()), default=0)
    return tenths or None


def may_be_written(facts: Storage) -> list[Finding]:
    """A card that fails is often first remounted read-only."""
    mend = "sudo dmesg -T | grep -E 'mmc|EXT4'; replace the card, then restore the backup"
    return [
        bad(str(disk.path), "is mounted read-only", mend) for disk in facts.disks if disk.read_only
    ]


def has_room(facts: Storage) -> list[Finding]:
    """For stores that have limits of their own, and for all else."""
    return [_room(disk) for disk in facts.disks]


def _room(disk: Disk) -> Finding:
    share = disk.free_bytes / disk.total_bytes if disk.total_bytes else 0.0
    says = f"{disk.free_bytes / 1e9:.1f} GB free ({share:.0%})"
    mend = f"sudo du -xh --max-depth=2 {disk.path} | sort -h | tail; sudo apt clean"
    if share < FULL_SHARE:
        return bad(str(disk.path), says, mend)
    return note(str(disk.path), says, mend) if share < TIGHT_SHARE else ok(str(disk.path), says)


def wears_slowly(facts: Storage) -> list[Finding]:
    """By what was written since the boot."""
    if not facts.card or facts.uptime_s < YOUNG_S:
        return []
    gb_a_day = facts.written_bytes / 1e9 / (facts.uptime_s / 86_400)
    says = f"{gb_a_day:.1f} GB a day are written"
    if gb_a_day <= WORN_GB_A_DAY:
        return [ok(facts.card, says)]
    return [note(facts.card, says, "sudo apt install iotop-c, then sudo iotop-c -aoP: who writes?")]


def has_life_left(facts: Storage) -> list[Finding]:
    """Where the memory keeps count."""
    if facts.life is None:
        return []
    says = f"up to {facts.life * 10} % of its life is used"
    if facts.life < LIFE_TAKEN:
        return [ok(facts.card, says)]
    return [bad(facts.card, says, "lotkeeper gateway backup, then move to new storage")]


def does_not_swap_to_the_card(facts: Storage) -> list[Finding]:
    """A swap file wears the card, and puts secrets on it."""
    mend = (
        "Bookworm: sudo systemctl disable --now dphys-swapfile; "
        "Trixie: set Mechanism=zram in /etc/rpi/swap.conf, then sudo reboot"
    )
    return [note(path, "swaps to the card", mend) for path in facts.swap_files]


CHECKS = (may_be_written, has_room, wears_slowly, has_life_left, does_not_swap_to_the_card)
