"""A device's bundle: a folder with all that one Pi needs, for its SD card or for a USB stick.

agent.toml, display.toml     its configuration
tls/ca.crt                   the lot's CA
invitation, invitation.svg   how it enrols, as text and as a QR code; or, with its key made
tls/identity.{crt,key}       here, its certificate
user-data, network-config    an agent's, for the boot partition, Raspberry Pi OS Trixie (cloud-init)
firstrun.sh                  the same for Bookworm
"""

import io
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import segno

from contract.enrolment import Invitation
from gateway.provision import ca, first_boot, toml
from gateway.provision.files import SECRET, Planned
from gateway.provision.first_boot import Card, Login, Wifi
from gateway.provision.gateway_toml import tls
from gateway.provision.lot import Lot, PlannedSpot
from gateway.provision.places import Places
from gateway.provision.register import DEVICE_DAYS, NotRegistered, Register, Role
from gateway.provision.site import Site

INVITATION_DAYS = 7
TOKEN_FILE = "invitation"
LABEL_LENGTH = 32
"""Of a display's line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a device is to get. With `key_here` its key is made here, for lots without a way
    from the device to the enrolment server."""

    name: str
    role: Role = Role.AGENT
    key_here: bool = False
    wifi: Wifi | None = None
    login: Login | None = None
    invitation_days: int = INVITATION_DAYS
    certificate_days: int = DEVICE_DAYS


def make(site: Site, known: Register, wanted: Wanted, now: datetime) -> list[Planned]:
    """The bundle's files, relative to its folder; the register is changed. Raises NotRegistered."""
    identity = known.add(wanted.name, wanted.role)
    if identity.valid(now):
        raise NotRegistered(
            f"{wanted.name} has a certificate already: `lotkeeper gateway replace {wanted.name}` "
            "revokes that and makes a new bundle"
        )
    identity.days = wanted.certificate_days
    files = [Planned(Path("tls/ca.crt"), ca.pem(site.authority.certificate))]
    if wanted.role is Role.AGENT:
        files.append(agent_toml(site.lot, wanted.name))
    elif wanted.role is Role.DISPLAY:
        files.append(display_toml(site.lot, wanted.name))
    way_in = _with_key if wanted.key_here else _invited
    files += way_in(site, known, wanted, now)
    if wanted.role is Role.AGENT:
        there = first_boot.on_device(files)
        files += first_boot.files(Card(site.lot, wanted.name, there, wanted.wifi, wanted.login))
    return files


def below(folder: Path, files: list[Planned]) -> list[Planned]:
    """The files in their folder."""
    return [replace(each, path=folder / each.path) for each in files]


def _with_key(site: Site, known: Register, wanted: Wanted, now: datetime) -> list[Planned]:
    key = ca.new_key()
    certificate = site.issue(known, wanted.name, key.public_key(), now)
    return [
        Planned(Path("tls/identity.crt"), ca.pem(certificate)),
        Planned(Path("tls/identity.key"), ca.key_pem(key), SECRET),
    ]


def _invited(site: Site, known: Register, wanted: Wanted, now: datetime) -> list[Planned]:
    token = known.invite(wanted.name, now, timedelta(days=wanted.invitation_days))
    text = str(
        Invitation(
            host=site.lot.hosts[0],
            port=site.lot.enrolment_port,
            lot_id=site.lot.lot_id,
            name=wanted.name,
            ca_sha256=ca.fingerprint(site.authority.certificate),
            token=token,
        )
    )
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="svg", scale=4)
    return [
        Planned(Path(TOKEN_FILE), f"{text}\n".encode(), SECRET),
        Planned(Path(f"{TOKEN_FILE}.svg"), picture.getvalue(), SECRET),
    ]


def agent_toml(lot: Lot, name: str) -> Planned:
    """The agent's configuration, from the lot's plan."""
    spots = lot.spots_of(name)
    head = f"# Agent {name} of lot {lot.lot_id}; docs/examples/agent.toml shows all options.\n\n"
    names = {"agent_id": name, "lot_id": lot.lot_id, "enrolment_port": lot.enrolment_port}
    text = head + toml.pairs(names)
    text += _broker(lot)
    text += toml.tables("spots", map(_watched, spots)) if spots else UNPLANNED
    return Planned(Path("agent.toml"), f"{text.rstrip()}\n".encode())


def display_toml(lot: Lot, name: str) -> Planned:
    """A display's: a line for the lot, and one for each zone where there are several."""
    lines = [{"label": "All"}]
    if len(lot.zones) > 1:
        lines += [
            {"zone_id": zone.zone_id, "label": (zone.name or zone.zone_id)[:LABEL_LENGTH]}
            for zone in lot.zones
        ]
    head = (
        f"# Display {name} of lot {lot.lot_id}; docs/examples/display.toml shows all options.\n\n"
    )
    names = {"display_id": name, "lot_id": lot.lot_id}
    text = head + toml.pairs(names) + _broker(lot) + toml.tables("lines", lines)
    return Planned(Path("display.toml"), f"{text.rstrip()}\n".encode())


def _broker(lot: Lot) -> str:
    """The way to it, with the device's own identity."""
    way = {"host": lot.hosts[0], "port": lot.port}
    identity = toml.pairs(tls(Places(), "identity"))
    return f"\n[mqtt]\n{toml.pairs(way)}[mqtt.tls]\n{identity}\n"


UNPLANNED = """\
# The lot's plan names no spot of this agent: write them here, or in the plan (a spot's agent_id
# and sensor) and make the bundle again.
# [[spots]]
# spot_id = "A1"
# sensor = { kind = "a02yyuw", port = "/dev/serial0" }
"""


def _watched(spot: PlannedSpot) -> dict[str, Any]:
    return {"spot_id": spot.spot_id, "sensor": spot.sensor, "detector": _detector(spot)}


def _detector(spot: PlannedSpot) -> dict[str, Any] | None:
    """As planned; where nothing is, an agent takes a sensor for a ranger, which some are not."""
    if spot.detector is None and spot.measures == "mG":
        return {"kind": "magnetic"}
    return spot.detector
