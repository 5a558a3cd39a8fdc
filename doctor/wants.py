"""What this machine is to do, by its configuration: which roles, sensors, broker, files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from agent.config import AgentSettings, SensorSettings
from console.config import ConsoleSettings, HttpSettings
from display.config import DisplaySettings
from doctor.machine import Machine
from drivers import registry
from gateway.config import GatewaySettings
from runtime.config import ConfigError, load
from runtime.mqtt import MqttSettings

AGENT = Path("/etc/lotkeeper/agent.toml")
GATEWAY = Path("/etc/lotkeeper/gateway.toml")
CONSOLE = Path("/etc/lotkeeper/console.toml")
DISPLAY = Path("/etc/lotkeeper/display.toml")
I2C, SERIAL, GPIO = "i2c-", "serial:", "gpio"

Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Role:
    """A configured process. `problem` says why its configuration cannot be used."""

    name: str
    config: Path
    unit: str
    problem: str = ""
    mqtt: MqttSettings | None = None
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class Wants:
    """The roles, the wires that the agent's sensors use (`i2c-1`, `serial:PORT`, `gpio`), and where
    the console listens."""

    roles: tuple[Role, ...] = ()
    buses: frozenset[str] = frozenset()
    air_temperature: Path | None = None
    http: HttpSettings | None = None

    @property
    def i2c(self) -> list[int]:
        """Numbers of the I2C buses."""
        return sorted(int(bus.removeprefix(I2C)) for bus in self.buses if bus.startswith(I2C))

    @property
    def serial(self) -> list[Path]:
        """Serial ports."""
        return sorted(
            Path(bus.removeprefix(SERIAL)) for bus in self.buses if bus.startswith(SERIAL)
        )

    @property
    def gpio(self) -> bool:
        """Whether pins are used."""
        return GPIO in self.buses

    def role(self, name: str) -> Role | None:
        """`agent`, `gateway`, `console`, `display`, or the gateway of one of several lots."""
        return next((role for role in self.roles if role.name == name), None)


def wants_of(machine: Machine) -> Wants:
    """Read each configuration that there is."""
    roles: list[Role] = []
    buses: frozenset[str] = frozenset()
    air: Path | None = None
    if machine.exists(AGENT):
        settings, role = _read(machine, "agent", AGENT, AgentSettings)
        if settings is not None:
            buses, air = buses_of(settings), settings.air_temperature
            role = replace(role, mqtt=settings.mqtt, store=settings.spool.path)
        roles.append(role)
    for name, path in _gateways(machine):
        lot, role = _read(machine, name, path, GatewaySettings)
        if lot is not None:
            role = replace(role, mqtt=lot.mqtt, store=lot.store.path)
        roles.append(role)
    http: HttpSettings | None = None
    if machine.exists(CONSOLE):
        console, role = _read(machine, "console", CONSOLE, ConsoleSettings)
        if console is not None:
            http, role = console.http, replace(role, store=console.store.path)
        roles.append(role)
    if machine.exists(DISPLAY):
        display, role = _read(machine, "display", DISPLAY, DisplaySettings)
        roles.append(replace(role, mqtt=display.mqtt) if display is not None else role)
    return Wants(tuple(roles), buses, air, http)


def buses_of(settings: AgentSettings) -> frozenset[str]:
    """Each sensor's wire, as its driver names it."""
    return frozenset(
        registry.build(sensor.kind, sensor.options, lambda: 0.0).bus
        for sensor in _sensors(settings)
    )


def _sensors(settings: AgentSettings) -> Iterable[SensorSettings]:
    for spot in settings.spots:
        yield spot.sensor
        if spot.waker is not None:
            yield spot.waker
    for lane in settings.lanes:
        yield lane.sensor


def _gateways(machine: Machine) -> list[tuple[str, Path]]:
    single = [("gateway", GATEWAY)] if machine.exists(GATEWAY) else []
    lots = machine.glob("/etc/lotkeeper/lots/*/gateway.toml")
    return single + [(f"gateway@{path.parent.name}", path) for path in lots]


def _read(
    machine: Machine, name: str, path: Path, model: type[Settings]
) -> tuple[Settings | None, Role]:
    unit = f"lotkeeper-{name}.service"
    try:
        return load(machine.at(path), model), Role(name, path, unit)
    except ConfigError as error:
        return None, Role(name, path, unit, str(error).replace(str(machine.at(path)), str(path)))
