"""The wires that the configured sensors need: I2C, UART, 1-Wire; and what config.txt says.

Source: https://www.raspberrypi.com/documentation/computers/config_txt.html, configuration.html
(UARTs: on a Pi 3, 4 or Zero 2 W `serial0` is the mini UART while Bluetooth has the good one).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding
from doctor.finding import bad, note, ok
from doctor.machine import Machine
from doctor.wants import Wants

BOOT = ("/boot/firmware", "/boot")
INCLUDE = re.compile(r"(?m)^include (\S+)$")
SECTION = re.compile(r"\[(\w+)\]")
FAST_HZ = 100_000
SLOW_UART = "ttyS"


@dataclass(frozen=True, slots=True)
class Interfaces:
    """`wanted` are device files, `there` those of them that exist."""

    is_pi: bool
    wanted: tuple[Path, ...]
    there: frozenset[Path]
    settings: dict[str, str]
    """config.txt's `key=value`, with `dtparam=x=y` under `x` and `dtoverlay=x` under `x`."""
    console: str
    """The serial port of the kernel's console."""
    serial0: str
    """What /dev/serial0 is."""
    air_temperature: Path | None
    air_is_there: bool


def probe(machine: Machine, wants: Wants) -> Interfaces:
    """Device files, config.txt and cmdline.txt."""
    wanted = (*(Path(f"/dev/i2c-{number}") for number in wants.i2c), *wants.serial)
    air = wants.air_temperature
    return Interfaces(
        is_pi="Raspberry Pi" in machine.text("/proc/device-tree/model"),
        wanted=wanted,
        there=frozenset(path for path in wanted if machine.exists(path)),
        settings=settings_of(_config(machine)),
        console=_console(_boot_file(machine, "cmdline.txt")),
        serial0=_target(machine.at("/dev/serial0")),
        air_temperature=air,
        air_is_there=air is not None and machine.exists(air),
    )


def settings_of(text: str) -> dict[str, str]:
    """What config.txt sets for every Pi; other sections ([pi4], [cm5]) are for some.

    >>> settings_of("dtparam=i2c_arm=on # sensors\\n[pi4]\\nx=1\\n[all]\\ndtoverlay=disable-bt")
    {'i2c_arm': 'on', 'disable-bt': 'on'}
    """
    found: dict[str, str] = {}
    section = "all"
    for line in (raw.partition("#")[0].strip() for raw in text.splitlines()):
        if head := SECTION.fullmatch(line):
            section = head[1]
        elif section == "all" and "=" in line:
            key, _, value = line.partition("=")
            if key in ("dtparam", "dtoverlay"):
                for part in value.split(","):
                    name, _, setting = part.partition("=")
                    found[name] = setting or "on"
            else:
                found[key] = value
    return found


def _config(machine: Machine) -> str:
    """config.txt with what it includes, where it includes it."""
    text = _boot_file(machine, "config.txt")
    return INCLUDE.sub(lambda found: _boot_file(machine, found[1]), text)


def _boot_file(machine: Machine, name: str) -> str:
    return next((text for folder in BOOT if (text := machine.text(f"{folder}/{name}"))), "")


def _console(cmdline: str) -> str:
    found = re.findall(r"console=((?:serial|ttyAMA|ttyS)\d+)", cmdline)
    return found[-1] if found else ""


def _target(link: Path) -> str:
    return link.readlink().name if link.is_symlink() else ""


def i2c_is_on(facts: Interfaces) -> list[Finding]:
    """Each configured bus exists."""
    turn_on = "sudo raspi-config nonint do_i2c 0, then sudo reboot"
    other = "sudo modprobe i2c-dev; a bus other than 1 needs its dtoverlay in config.txt"
    return [
        ok(str(path), "is there")
        if path in facts.there
        else bad(str(path), "is not there: I2C is off", turn_on if path.name == "i2c-1" else other)
        for path in facts.wanted
        if path.name.startswith("i2c-")
    ]


def serial_is_on(facts: Interfaces) -> list[Finding]:
    """Each configured port exists."""
    turn_on = "sudo raspi-config nonint do_serial_hw 0, then sudo reboot"
    return [
        ok(str(path), "is there")
        if path in facts.there
        else bad(
            str(path),
            "is not there",
            "ls -l /dev/serial/by-id: is the adapter plugged in?"
            if "USB" in path.name or "by-" in str(path)
            else turn_on,
        )
        for path in facts.wanted
        if not path.name.startswith("i2c-")
    ]


def serial_is_ours(facts: Interfaces) -> list[Finding]:
    """No login console talks to a sensor."""
    used = {path.name for path in facts.wanted}
    if not facts.console or not used & {facts.console, "serial0", facts.serial0}:
        return []
    mend = "sudo raspi-config nonint do_serial_cons 1, then sudo reboot"
    return [bad(f"/dev/{facts.console}", "is the kernel's console, and a sensor's port", mend)]


def serial_keeps_its_rate(facts: Interfaces) -> list[Finding]:
    """A sensor is on a UART whose rate does not follow the core's clock."""
    used = {path.name for path in facts.wanted}
    mini = facts.is_pi and facts.serial0.startswith(SLOW_UART)
    if not mini or not used & {"serial0", facts.serial0}:
        return []
    mend = "echo dtoverlay=disable-bt | sudo tee -a /boot/firmware/config.txt, then sudo reboot"
    return [note("/dev/serial0", "is the mini UART, whose rate follows the core's clock", mend)]


def i2c_is_slow_enough(facts: Interfaces) -> list[Finding]:
    """Metres of cable do not carry 400 kHz."""
    told = facts.settings.get("i2c_arm_baudrate", "")
    wanted = any(path.name.startswith("i2c-") for path in facts.wanted)
    if not wanted or not told.isdigit() or int(told) <= FAST_HZ:
        return []
    mend = "sudo sed -i s/i2c_arm_baudrate=.*/i2c_arm_baudrate=100000/ /boot/firmware/config.txt"
    return [note("I2C", f"runs at {told} Hz: too fast for a cable of metres", mend)]


def air_is_measured(facts: Interfaces) -> list[Finding]:
    """The thermometer that ranging sensors are told by."""
    if facts.air_temperature is None:
        return []
    if facts.air_is_there:
        return [ok(str(facts.air_temperature), "is there")]
    mend = "sudo raspi-config nonint do_onewire 0, then sudo reboot; ls /sys/bus/w1/devices"
    return [bad(str(facts.air_temperature), "is not there", mend)]


CHECKS = (
    i2c_is_on,
    serial_is_on,
    serial_is_ours,
    serial_keeps_its_rate,
    i2c_is_slow_enough,
    air_is_measured,
)
