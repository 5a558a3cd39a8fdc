"""What each configured sensor claims of the machine: pins, addresses, ports. Pure but for links.

Nothing here knows a driver: its bus says which wire it uses (`i2c-1`, `serial:PORT`, `gpio`), its
Config's `address` where it answers, its module's PINS which options are pins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.tools.findings import Finding, Level
from agent.tools.sensors import Channel
from drivers import registry

I2C = "i2c-"
SERIAL = "serial:"
GPIO = "gpio"


@dataclass(frozen=True, slots=True)
class Claim:
    """One pin, address or port, and what for."""

    resource: str
    name: str
    purpose: str


def i2c_number(channel: Channel) -> int | None:
    """N of /dev/i2c-N, None for a sensor on another wire."""
    bus = channel.driver.bus
    return int(bus.removeprefix(I2C)) if bus.startswith(I2C) else None


def serial_port(channel: Channel) -> Path | None:
    """The serial port, None for a sensor on another wire."""
    bus = channel.driver.bus
    return Path(bus.removeprefix(SERIAL)) if bus.startswith(SERIAL) else None


def address_of(channel: Channel) -> int | None:
    """Where the sensor answers on a bus that it shares."""
    config = registry.load(channel.kind).Config.model_validate(channel.sensor.options)
    address = getattr(config, "address", None)
    return address if isinstance(address, int) else None


def pins_of(channel: Channel) -> dict[str, int]:
    """BCM numbers by the option that names them."""
    module = registry.load(channel.kind)
    config = module.Config.model_validate(channel.sensor.options)
    pins = {option: getattr(config, option) for option in getattr(module, "PINS", ())}
    return {option: pin for option, pin in pins.items() if pin is not None}


def claims(watched: Sequence[Channel]) -> list[Claim]:
    """Of all sensors."""
    found = []
    for channel in watched:
        bus, address, port = i2c_number(channel), address_of(channel), serial_port(channel)
        for option, pin in pins_of(channel).items():
            found.append(Claim(f"pin {pin}", channel.label, option))
        where = f"address 0x{address:02X} on " if address is not None else ""
        if bus is not None:
            found.append(Claim(f"{where}i2c-{bus}", channel.label, channel.kind))
        if port is not None:
            found.append(Claim(f"{where}{port.resolve()}", channel.label, channel.kind))
    return found


def clashes(found: Sequence[Claim]) -> list[Finding]:
    """Whatever is claimed twice."""
    by_resource: dict[str, list[Claim]] = {}
    for claim in found:
        by_resource.setdefault(claim.resource, []).append(claim)
    return [
        Finding(
            Level.BAD,
            resource,
            "used twice: by " + " and ".join(f"{each.name} ({each.purpose})" for each in users),
            "give each sensor its own; read the wiring and mend the configuration",
        )
        for resource, users in by_resource.items()
        if len(users) > 1
    ]


def known_addresses() -> dict[int, list[str]]:
    """The kinds of driver by the address at which their chip answers as delivered."""
    found: dict[int, list[str]] = {}
    for kind in registry.kinds():
        field = registry.load(kind).Config.model_fields.get("address")
        if field is not None and isinstance(field.default, int):
            found.setdefault(field.default, []).append(kind)
    return found
