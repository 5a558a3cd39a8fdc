"""Does the hardware restart a Pi whose kernel hangs? systemd feeds it."""

from dataclasses import dataclass

from agent.tools.findings import Finding
from doctor.finding import SHIPPED, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

OFF = ("", "0", "infinity")
DROP_IN = "/etc/systemd/system.conf.d/60-lotkeeper.conf"


@dataclass(frozen=True, slots=True)
class Watchdog:
    """`runtime` is systemd's RuntimeWatchdogUSec as it prints it; "" where it does not answer."""

    device: bool
    runtime: str
    is_pi: bool


def probe(machine: Machine, wants: Wants) -> Watchdog:
    """The device, and whether systemd feeds it."""
    told = machine.properties(["systemctl", "show", "--property=RuntimeWatchdogUSec"])
    return Watchdog(
        machine.exists("/dev/watchdog0") or machine.exists("/dev/watchdog"),
        told.get("RuntimeWatchdogUSec", ""),
        "Raspberry Pi" in machine.text("/proc/device-tree/model"),
    )


def is_fed(facts: Watchdog) -> list[Finding]:
    """By systemd, which stops when it hangs itself."""
    if not facts.device:
        mend = "echo dtparam=watchdog=on | sudo tee -a /boot/firmware/config.txt, then sudo reboot"
        return [note("/dev/watchdog", "is not there", mend)] if facts.is_pi else []
    if facts.runtime not in OFF:
        return [ok("/dev/watchdog", f"restarts a kernel that hangs for {facts.runtime}")]
    mend = f"sudo install -D -m 644 {SHIPPED}/watchdog.conf {DROP_IN}, then sudo reboot"
    return [note("/dev/watchdog", "is there, and nobody feeds it", mend)]


CHECKS = (is_fed,)
