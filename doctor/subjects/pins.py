"""Can this Pi's pins be driven, and by the right library?

A Pi 5's pins hang on its RP1 chip, behind /dev/gpiochip*: only lgpio reaches it; RPi.GPIO and
pigpio write to registers that are not there.
"""

import re
from dataclasses import dataclass

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

LIBRARIES = "/usr/lib/python3/dist-packages"
LGPIO = "sudo apt install python3-lgpio"


@dataclass(frozen=True, slots=True)
class Pins:
    """`factory` is GPIOZERO_PIN_FACTORY as the agent's unit has it."""

    wanted: bool
    model: str
    chips: bool
    lgpio: bool
    rpi_gpio: bool
    factory: str

    @property
    def is_pi_5(self) -> bool:
        """Or a Compute Module 5, or a Pi 500: what has an RP1."""
        return bool(re.search(r"Raspberry Pi (Compute Module )?5", self.model))


def probe(machine: Machine, wants: Wants) -> Pins:
    """The model, the chips' device files, what apt brought, and the unit's environment."""
    unit = machine.properties(["systemctl", "show", "lotkeeper-agent", "--property=Environment"])
    factory = re.search(r"GPIOZERO_PIN_FACTORY=(\w+)", unit.get("Environment", ""))
    return Pins(
        wants.gpio,
        machine.text("/proc/device-tree/model"),
        bool(machine.glob("/dev/gpiochip*")),
        machine.exists(f"{LIBRARIES}/lgpio.py"),
        machine.exists(f"{LIBRARIES}/RPi/GPIO/__init__.py"),
        factory[1] if factory else "",
    )


def there_are_pins(facts: Pins) -> list[Finding]:
    """The kernel offers them."""
    if not facts.wanted:
        return []
    if facts.chips:
        return [ok("/dev/gpiochip*", "is there")]
    return [bad("/dev/gpiochip*", "is not there", "uname -r; sudo apt full-upgrade, sudo reboot")]


def a_library_drives_them(facts: Pins) -> list[Finding]:
    """One that knows this Pi."""
    if not facts.wanted:
        return []
    if facts.lgpio:
        return [ok("pin library", "lgpio")]
    if facts.rpi_gpio and not facts.is_pi_5:
        return [ok("pin library", "RPi.GPIO")]
    lacks = "RPi.GPIO cannot drive a Pi 5" if facts.rpi_gpio else "there is none"
    return [bad("pin library", lacks, LGPIO)]


def none_is_forced(facts: Pins) -> list[Finding]:
    """GPIOZERO_PIN_FACTORY does not name one that this Pi cannot use, or none at all."""
    unset = "sudo systemctl edit lotkeeper-agent, and remove GPIOZERO_PIN_FACTORY"
    if facts.factory == "mock":
        return [bad("GPIOZERO_PIN_FACTORY", "is mock: no pin moves", unset)]
    if facts.is_pi_5 and facts.factory not in ("", "lgpio"):
        says = f"is {facts.factory}, which cannot drive a Pi 5"
        return [bad("GPIOZERO_PIN_FACTORY", says, unset)]
    if facts.factory:
        return [note("GPIOZERO_PIN_FACTORY", f"is set to {facts.factory}", unset)]
    return []


CHECKS = (there_are_pins, a_library_drives_them, none_is_forced)
