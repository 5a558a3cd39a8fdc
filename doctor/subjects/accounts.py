"""The user of the services: is it there, in the groups of its sensors, and are secrets secret?"""

import stat
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import bad, ok
from doctor.machine import Machine
from doctor.wants import Wants

USER = "lotkeeper"
OTHERS = 0o037


@dataclass(frozen=True, slots=True)
class Accounts:
    """`lacking` are the groups of needed device files that the user is not in."""

    needed: bool
    is_there: bool
    lacking: tuple[str, ...]
    open_secrets: tuple[tuple[Path, int], ...]
    """Secrets' files that others than owner and group's readers may use, with their modes."""


def probe(machine: Machine, wants: Wants) -> Accounts:
    """/etc/passwd, /etc/group, the device files' groups, the secrets' modes."""
    groups = groups_of(machine.text("/etc/group"))
    users = {line.partition(":")[0] for line in machine.text("/etc/passwd").splitlines()}
    member = {gid for gid, (_, members) in groups.items() if USER in members}
    devices = [Path(f"/dev/i2c-{number}") for number in wants.i2c] + wants.serial
    devices += machine.glob("/dev/gpiochip*")[:1] if wants.gpio else []
    return Accounts(
        bool(wants.roles),
        USER in users,
        tuple(sorted(_lacking(machine, devices, groups, member))),
        tuple(_open_secrets(machine)),
    )


def groups_of(text: str) -> dict[int, tuple[str, set[str]]]:
    """Of /etc/group: names and members by number.

    >>> groups_of("i2c:x:994:lotkeeper,pi")[994][0]
    'i2c'
    """
    rows = [line.split(":") for line in text.splitlines() if line.count(":") == 3]
    return {int(gid): (name, set(members.split(","))) for name, _, gid, members in rows}


def _lacking(
    machine: Machine,
    devices: list[Path],
    groups: dict[int, tuple[str, set[str]]],
    member: set[int],
) -> set[str]:
    gids = {machine.at(path).stat().st_gid for path in devices if machine.exists(path)}
    return {groups[gid][0] if gid in groups else f"gid {gid}" for gid in gids - member}


def _open_secrets(machine: Machine) -> list[tuple[Path, int]]:
    paths = [*machine.glob("/etc/lotkeeper/**/*.key"), *machine.glob("/etc/lotkeeper/*password*")]
    modes = [(path, stat.S_IMODE(machine.at(path).stat().st_mode)) for path in paths]
    return [(path, mode) for path, mode in modes if mode & OTHERS]


def user_is_there(facts: Accounts) -> list[Finding]:
    """Where something is configured."""
    if not facts.needed:
        return []
    if facts.is_there:
        return [ok(f"user {USER}", "is there")]
    return [bad(f"user {USER}", "is not there", "sudo systemd-sysusers")]


def user_is_in_the_groups(facts: Accounts) -> list[Finding]:
    """Of the sensors' device files. A user works over SSH by groups that the service's lacks."""
    if not facts.is_there or not facts.lacking:
        return []
    groups = ",".join(facts.lacking)
    mend = f"sudo usermod -aG {groups} {USER}, then sudo systemctl restart lotkeeper-agent"
    return [bad(f"user {USER}", f"is not in {groups}: it may not use the sensors", mend)]


def secrets_are_secret(facts: Accounts) -> list[Finding]:
    """No key or password that anybody may read."""
    return [
        bad(str(path), f"others may use it (mode {mode:o})", f"sudo chmod 600 {path}")
        for path, mode in facts.open_secrets
    ]


CHECKS = (user_is_there, user_is_in_the_groups, secrets_are_secret)
