"""`lotkeeper gateway init`: all files of a new lot, or what an old one lacks."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.provision import broker, ca, gateway_toml, lot, register
from gateway.provision.files import SECRET, Planned
from gateway.provision.places import BrokerPlaces, Places
from gateway.provision.register import DUE, Register, Role
from gateway.provision.site import Site, read_authority


@dataclass(frozen=True, slots=True)
class Own:
    """An identity of this machine, and where its files are."""

    name: str
    role: Role
    certificate: Path
    key: Path
    group: str | None = None


@dataclass(slots=True)
class Setup:
    """The files of a lot as they are to be, in the order of writing."""

    site: Site
    known: Register
    files: list[Planned] = field(default_factory=list)


def own_identities(site: Site) -> list[Own]:
    """Who this machine is."""
    places, beside = site.places, BrokerPlaces(site.lot.broker)
    return [
        *(
            Own(name, role, places.certificate(file), places.key(file))
            for file, name, role in (
                ("gateway", "gateway", Role.GATEWAY),
                ("operator", "operator", Role.OPERATOR),
                ("console", "gateway-console", Role.CONSOLE),
                ("enrolment", "enrolment", Role.SERVER),
            )
        ),
        Own(
            "broker",
            Role.SERVER,
            beside.file("broker.crt"),
            beside.file("broker.key"),
            broker.GROUP,
        ),
    ]


def plan(places: Places, described: lot.Lot, now: datetime) -> Setup:
    """What `init` is to write. Raises NoLot, NotWritten, NotRegistered."""
    # The register comes after both: without it, one of them alone is a first try that was cut off.
    begun = places.register.exists() or (places.ca.exists() and places.ca_key.exists())
    authority = read_authority(places) if begun else ca.found(described.lot_id, now)
    setup = Setup(Site(places, described, authority), register.read(places.register))
    setup.files += [
        Planned(places.ca_key, ca.key_pem(authority.key), SECRET),
        Planned(places.ca, ca.pem(authority.certificate)),
        lot.planned(places, described),
    ]
    plan_own(setup, now)
    beside = BrokerPlaces(described.broker)
    setup.files += [
        gateway_toml.planned(places, described),
        Planned(beside.file("ca.crt"), ca.pem(authority.certificate)),
        *broker.guards(described, authority, setup.known, now),
        broker.conf(described),
    ]
    return setup


def plan_own(setup: Setup, now: datetime, *, anew: bool = False) -> None:
    """This machine's identities: what is good is kept, the rest is issued; all of it if `anew`.

    The register goes before them: a certificate that it does not know must not exist.
    """
    files: list[Planned] = []
    for own in own_identities(setup.site):
        setup.known.add(own.name, own.role)
        if anew or not is_good(setup.site, setup.known, own, now):
            files += issued(setup.site, setup.known, own, now)
    setup.files += [register.planned(setup.site.places.register, setup.known), *files]


def issued(site: Site, known: Register, own: Own, now: datetime) -> list[Planned]:
    """A new key and certificate."""
    key = ca.new_key()
    certificate = site.issue(known, own.name, key.public_key(), now)
    certificate.verify_directly_issued_by(site.authority.certificate)
    return [
        Planned(own.key, ca.key_pem(key), SECRET, own.group),
        Planned(own.certificate, ca.pem(certificate)),
    ]


def is_good(site: Site, known: Register, own: Own, now: datetime) -> bool:
    """Whether an identity's files can stay: of the register, of one pair, for long, these hosts."""
    try:
        certificate = x509.load_pem_x509_certificate(own.certificate.read_bytes())
        key = ca.load_key(own.key.read_bytes())
    except (OSError, ValueError):
        return False
    serials = {int(each.serial, 16) for each in known.of(own.name).valid(now)}
    return (
        certificate.serial_number in serials
        and certificate.public_key() == key.public_key()
        and certificate.not_valid_after_utc - now > DUE
        and (own.role is not Role.SERVER or set(site.lot.hosts) <= _names(certificate))
    )


def _names(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(each) for each in found.get_values_for_type(x509.IPAddress)}
    return addresses | set(found.get_values_for_type(x509.DNSName))
