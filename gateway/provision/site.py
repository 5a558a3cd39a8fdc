"""A lot that is set up: its plan, its CA, its register, and the identities it issues."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from gateway.provision import broker, ca, lot
from gateway.provision.files import write
from gateway.provision.places import Places
from gateway.provision.register import Issued, Register, Role


@dataclass(frozen=True, slots=True)
class Site:
    """What commands need of a lot. `open_site` reads it."""

    places: Places
    lot: lot.Lot
    authority: ca.Authority

    def issue(
        self,
        known: Register,
        name: str,
        public_key: ca.PublicKey,
        now: datetime,
    ) -> x509.Certificate:
        """A certificate for a name of the register, and noted there. Raises NotRegistered."""
        identity = known.of(name)
        server = identity.role is Role.SERVER
        certificate = self.authority.issue(
            public_key,
            name,
            ca.Usage.SERVER if server else ca.Usage.CLIENT,
            now + timedelta(days=identity.days),
            [*self.lot.hosts, "localhost", "127.0.0.1", "::1"] if server else (),
        )
        identity.certificates.append(
            Issued(serial=f"{certificate.serial_number:x}", until=certificate.not_valid_after_utc)
        )
        return certificate

    def tell_broker(self, known: Register, now: datetime) -> broker.Told:
        """Write what follows from the register, and have a running broker read it."""
        return broker.tell(self.lot, write(broker.guards(self.lot, self.authority, known, now)))


def open_site(places: Places) -> Site:
    """The lot of a directory. Raises NoLot where there is none, or its CA cannot be read."""
    found = lot.read(places)
    return Site(places, found, read_authority(places))


def read_authority(places: Places) -> ca.Authority:
    """The CA of a directory. Raises NoLot."""
    try:
        certificate = x509.load_pem_x509_certificate(places.ca.read_bytes())
        key = ca.load_key(places.ca_key.read_bytes())
    except OSError as error:
        raise lot.NoLot(f"{error.filename}: {error.strerror}; run this as root") from None
    except ValueError as error:
        raise lot.NoLot(f"{places.ca}, {places.ca_key}: {error}; restore them") from None
    if certificate.public_key() != key.public_key():
        raise lot.NoLot(f"{places.ca_key} is not the key of {places.ca}; restore them")
    return ca.Authority(certificate, key)


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC).replace(microsecond=0)
