"""What the lot is: its names, its hosts, and the plan of its spots with their sensors."""

import json
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from contract.spots import Spot
from contract.words import Id
from drivers import SensorDriver, registry
from gateway.config import ZoneSettings
from gateway.provision.files import SECRET, Planned
from gateway.provision.places import BROKER, Places

HOST = r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"


class NoLot(Exception):
    """There is no lot here, or its file cannot be read; the text says what to do."""


class PlannedSpot(Spot):
    """A spot with the agent that watches it, and the sensor's options by which it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agent_id: Id | None = None
    sensor: dict[str, Any] | None = None
    detector: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _driver_accepts(self) -> Self:
        if self.sensor is None:
            return self
        if not isinstance(self.sensor.get("kind"), str):
            raise ValueError("a sensor needs its kind")
        try:
            self._driver()
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"sensor.{field} of {self.sensor['kind']}: {first['msg']}") from None
        return self

    @property
    def measures(self) -> str:
        """The unit of what its sensor says, mm or mG; empty without one."""
        return self._driver().unit if self.sensor else ""

    def _driver(self) -> SensorDriver:
        options = dict(self.sensor or {})
        return registry.build(options.pop("kind"), options, lambda: 0.0)


class Lot(BaseModel):
    """One lot. `hosts` are the names and addresses by which devices reach the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    facility_id: Id
    lot_id: Id
    hosts: list[str] = Field(min_length=1)
    time_zone: str = "UTC"
    port: int = Field(8883, ge=1, le=65535)
    enrolment_port: int = Field(8443, ge=1, le=65535)
    broker: Path = BROKER
    broker_pid_file: Path = Path("/run/mosquitto/mosquitto.pid")
    zones: list[ZoneSettings] = []
    spots: list[PlannedSpot] = []

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            if not re.match(HOST, host):
                raise ValueError(f"{host!r} is no host name and no address")
        return [_normal(host) for host in hosts]

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no time zone: Europe/Paris is one; timedatectl lists them") from None
        return name

    def spots_of(self, agent_id: str) -> list[PlannedSpot]:
        """The plan's spots of one agent."""
        return [spot for spot in self.spots if spot.agent_id == agent_id]


def _normal(host: str) -> str:
    """As a certificate says it back, so that the two can be compared."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()


def read(places: Places) -> Lot:
    """The lot of this directory. Raises NoLot."""
    try:
        return Lot.model_validate_json(places.lot.read_bytes())
    except FileNotFoundError:
        raise NoLot(f"{places.root}: no lot here; make it with `lotkeeper gateway init`") from None
    except OSError as error:
        raise NoLot(f"{places.lot}: {error.strerror}; run this as root") from None
    except ValidationError as error:
        raise NoLot(f"{places.lot}: {error.errors()[0]['msg']}") from None


def planned(places: Places, lot: Lot) -> Planned:
    """The lot's file."""
    document = lot.model_dump(mode="json", exclude_defaults=True)
    for spot in document.get("spots", []):
        spot["kinds"] = sorted(spot.get("kinds", []))  # a set has no order of its own
    return Planned(places.lot, json.dumps(document, indent=1).encode() + b"\n", SECRET)
