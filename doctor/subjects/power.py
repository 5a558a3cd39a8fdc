"""Is the supply strong enough, and the Pi not too hot?

The bits are those of `vcgencmd get_throttled`
(https://www.raspberrypi.com/documentation/computers/os.html#get_throttled), which the kernel's
firmware driver also gives as a file.
"""

from dataclasses import dataclass

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

UNDER_VOLTAGE, CAPPED, THROTTLED, HOT = 1, 2, 4, 8
SINCE_BOOT = 16
"""The same bits so much higher: it has happened since the boot."""
THROTTLED_FILES = (
    "/sys/devices/platform/*firmware*/get_throttled",
    "/sys/devices/platform/*/*firmware*/get_throttled",
)
THERMAL = "/sys/class/thermal/thermal_zone0/temp"
HOT_C = 80.0
"""At which a Pi begins to slow down."""
SUPPLY = (
    "vcgencmd get_throttled after a stronger supply (5.1 V, 3 A; a Pi 5: 5 A) and a short cable"
)


@dataclass(frozen=True, slots=True)
class Power:
    """`throttled` is None where the firmware does not say."""

    throttled: int | None
    temperature_c: float | None


def probe(machine: Machine, wants: Wants) -> Power:
    """The firmware's flags and the core's thermometer."""
    texts = [machine.text(path) for pattern in THROTTLED_FILES for path in machine.glob(pattern)]
    temperature = machine.text(THERMAL)
    return Power(
        int(texts[0], 16) if texts and texts[0] else None,
        int(temperature) / 1000 if temperature.lstrip("-").isdigit() else None,
    )


def voltage(facts: Power) -> list[Finding]:
    """Below 4.63 V a Pi misreads sensors and spoils cards long before it stops."""
    if facts.throttled is None:
        return []
    if facts.throttled & UNDER_VOLTAGE:
        return [bad("supply", "under-voltage now", SUPPLY)]
    if facts.throttled >> SINCE_BOOT & UNDER_VOLTAGE:
        return [bad("supply", "under-voltage since the boot", SUPPLY)]
    return [ok("supply", "no under-voltage since the boot")]


def heat(facts: Power) -> list[Finding]:
    """Neither hot nor slowed down."""
    slowed = (facts.throttled or 0) & (THROTTLED | HOT)
    if facts.temperature_c is None and not slowed:
        return []
    says = "slowed down by heat" if slowed else f"{facts.temperature_c:.0f} C"
    if slowed or (facts.temperature_c or 0) >= HOT_C:
        return [
            note("heat", says, "vcgencmd measure_temp after shade, a heat sink or a vented box")
        ]
    return [ok("heat", says)]


CHECKS = (voltage, heat)
