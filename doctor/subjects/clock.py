"""Is the time known, and by whom? Sensing goes on without; records are dated anew afterwards."""

from dataclasses import dataclass

from agent.tools.findings import Finding
from doctor.finding import SHIPPED, bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants
from runtime.clock import TIMESYNC_MARK


@dataclass(frozen=True, slots=True)
class Clock:
    """`synced` is the kernel's word; `marked` is timesyncd's file, which is what services see."""

    synced: bool | None
    marked: bool
    rtc: bool
    is_pi: bool


def probe(machine: Machine, wants: Wants) -> Clock:
    """`timedatectl`, the mark, and whether there is an RTC."""
    told = machine.properties(["timedatectl", "show", "--property=NTPSynchronized"])
    answer = told.get("NTPSynchronized")
    return Clock(
        None if answer is None else answer == "yes",
        machine.exists(TIMESYNC_MARK),
        bool(machine.glob("/dev/rtc*")),
        "Raspberry Pi" in machine.text("/proc/device-tree/model"),
    )


def is_synced(facts: Clock) -> Finding:
    """By NTP."""
    if facts.synced or facts.marked:
        return ok("clock", "is synchronised")
    mend = "sudo systemctl enable --now systemd-timesyncd; timedatectl timesync-status"
    if facts.synced is None:
        return note("clock", "nobody says whether it is synchronised", mend)
    return bad("clock", "is not synchronised: records are dated later, or estimated", mend)


def services_can_see_it(facts: Clock) -> list[Finding]:
    """The sandbox hides the kernel's word; chrony leaves no mark of its own."""
    if not facts.synced or facts.marked:
        return []
    mend = (
        f"sudo install -D -m 644 {SHIPPED}/chrony-mark.conf "
        "/etc/systemd/system/chrony-wait.service.d/lotkeeper.conf; "
        "sudo systemctl enable --now chrony-wait"
    )
    return [bad("clock", f"is synchronised, and {TIMESYNC_MARK} does not tell the services", mend)]


def survives_a_power_cut(facts: Clock) -> list[Finding]:
    """An RTC; without one each boot begins in the past until the network is there."""
    if facts.rtc or not facts.is_pi:
        return []
    mend = f"less {SHIPPED}/README.md: a DS3231 with dtoverlay=i2c-rtc,ds3231"
    return [note("clock", "there is no RTC: after a power cut the time waits for NTP", mend)]


CHECKS = (is_synced, services_can_see_it, survives_a_power_cut)
