"""What the machine offers the configured sensors: device files, permissions, chips, pins.

I2C: a chip answers where reading a byte from its address is acknowledged
(https://docs.kernel.org/i2c/smbus-protocol.html, "SMBus Receive Byte"); EBUSY says that a
kernel driver has it.
"""

import errno
import grp
import os
import pwd
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Protocol

from agent.tools.findings import Finding, Level
from agent.tools.holder import command_of

DEV = Path("/dev")
I2C_HINT = "enable it: dtparam=i2c_arm=on in config.txt, i2c-dev in /etc/modules, then reboot"
SERIAL_HINT = "enable it: enable_uart=1 in config.txt; a USB adapter must be plugged in"
GPIO_HINT = "this is no Pi, or its kernel has no GPIO driver"


class ByteReader(Protocol):
    """The part of `smbus2.SMBus` that asks whether somebody answers."""

    def read_byte(self, i2c_addr: int) -> int: ...
    def close(self) -> None: ...


def open_bus(number: int) -> ByteReader:
    """/dev/i2c-`number`. Raises OSError."""
    from smbus2 import SMBus

    bus: ByteReader = SMBus(number)
    return bus


def usable(path: Path, absent_hint: str) -> Finding:
    """Whether a device file is there and may be read and written by this user."""
    where = str(path)
    if not path.exists():
        return Finding(Level.BAD, where, "is not there", absent_hint)
    if os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return Finding(Level.OK, where, "is there and may be used")
    status = path.stat()
    group, user = _group(status.st_gid), _user(os.geteuid())
    says = f"may not be used by {user} (mode {status.st_mode & 0o777:o}, group {group})"
    hint = f"sudo usermod -aG {group} {user}, then log in again; or run this with sudo"
    return Finding(Level.BAD, where, says, hint)


def i2c_bus(
    number: int,
    wanted: dict[int, str],
    known: dict[int, list[str]],
    dev: Path = DEV,
    opened: Callable[[int], ByteReader] = open_bus,
) -> list[Finding]:
    """Bus `number`: its file, and who answers. `wanted` names the user of each address."""
    device = usable(dev / f"i2c-{number}", I2C_HINT)
    if device.level is not Level.OK:
        return [device]
    try:
        there = answering(number, {*wanted, *known}, opened)
    except OSError as error:
        return [Finding(Level.BAD, device.where, str(error), I2C_HINT)]
    others = [
        f"0x{address:02X} ({' or '.join(known[address])}?)"
        for address in sorted(there.keys() - wanted.keys())
    ]
    return [device] + [
        _answer(f"0x{address:02X} on i2c-{number}", user, there.get(address), others)
        for address, user in wanted.items()
    ]


def answering(
    number: int, addresses: Iterable[int], opened: Callable[[int], ByteReader] = open_bus
) -> dict[int, str]:
    """The addresses that answer, each with who holds it: "" or "the kernel". Raises OSError."""
    found = {}
    with closing(opened(number)) as bus:
        for address in sorted(addresses):
            try:
                bus.read_byte(address)
                found[address] = ""
            except OSError as error:
                if error.errno == errno.EBUSY:
                    found[address] = "the kernel"
    return found


def _answer(where: str, user: str, holder: str | None, others: list[str]) -> Finding:
    if holder is None:
        hint = "check power, SDA and SCL"
        if others:
            hint += f", or set its kind and address: {', '.join(others)} answers on this bus"
        return Finding(Level.BAD, where, f"nobody answers; {user} should", hint)
    if holder:
        hint = "remove the dtoverlay of this chip from config.txt, then reboot"
        return Finding(Level.BAD, where, f"a kernel driver holds the chip of {user}", hint)
    return Finding(Level.OK, where, f"answers ({user})")


def serial(port: Path, proc: Path = Path("/proc")) -> Finding:
    """A serial port: its file, and that no other process uses it.

    Processes of other users are seen by root alone; the driver's exclusive open tells the rest.
    """
    device = usable(port, SERIAL_HINT)
    if device.level is not Level.OK:
        return device
    users = [pid for pid in users_of(port, proc) if pid != os.getpid()]
    if not users:
        return device
    names = ", ".join(f"pid {pid} ({command_of(pid, proc)})" for pid in users)
    hint = "a login console? sudo systemctl disable --now serial-getty@" + port.resolve().name
    return Finding(Level.BAD, device.where, f"used by {names}", hint)


def users_of(path: Path, proc: Path = Path("/proc")) -> list[int]:
    """The processes, of those that may be looked into, that have a file open."""
    real = str(path.resolve())
    found = set()
    for link in proc.glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == real:
                found.add(int(link.parts[-3]))
        except OSError:
            continue  # it ended, or is not ours to look into
    return sorted(found)


def gpio(dev: Path = DEV) -> list[Finding]:
    """The GPIO chip's files, and the pin library that gpiozero chooses."""
    chips = sorted(dev.glob("gpiochip*"))
    usable_chips = [usable(chip, GPIO_HINT) for chip in chips]
    first = next((each for each in usable_chips if each.level is Level.OK), None)
    nothing = Finding(Level.BAD, str(dev / "gpiochip*"), "is not there", GPIO_HINT)
    return [first or (usable_chips[0] if chips else nothing), pin_factory()]


def pin_factory() -> Finding:
    """Which library drives the pins; GPIOZERO_PIN_FACTORY overrules the choice."""
    from gpiozero import Device  # type: ignore[import-untyped]
    from gpiozero.exc import BadPinFactory  # type: ignore[import-untyped]

    where = "pin library"
    try:
        Device.ensure_pin_factory()
    except (BadPinFactory, OSError, RuntimeError) as error:
        hint = "apt install python3-lgpio, and make the environment with --system-site-packages"
        return Finding(Level.BAD, where, str(error), hint)
    name = type(Device.pin_factory).__module__.rpartition(".")[2]
    if name == "mock":
        return Finding(Level.NOTE, where, "mock: no pin moves", "unset GPIOZERO_PIN_FACTORY")
    return Finding(Level.OK, where, name)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"
