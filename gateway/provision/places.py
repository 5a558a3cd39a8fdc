"""Where a lot's files are."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/etc/lotkeeper")
BROKER = Path("/etc/mosquitto")


@dataclass(frozen=True, slots=True)
class Places:
    """The files below one directory."""

    root: Path = ROOT

    @property
    def gateway_toml(self) -> Path:
        """The gateway's configuration."""
        return self.root / "gateway.toml"

    @property
    def ca(self) -> Path:
        """The CA's certificate."""
        return self.root / "tls" / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """What signs."""
        return self.root / "provision" / "ca.key"

    @property
    def lot(self) -> Path:
        """What the lot is: `gateway.provision.lot.Lot`."""
        return self.root / "provision" / "lot.json"

    @property
    def register(self) -> Path:
        """Who was given which certificate."""
        return self.root / "provision" / "identities.json"

    def certificate(self, file: str) -> Path:
        """An own identity's certificate; its key is beside it."""
        return self.root / "tls" / f"{file}.crt"

    def key(self, file: str) -> Path:
        """An own identity's key."""
        return self.root / "tls" / f"{file}.key"


@dataclass(frozen=True, slots=True)
class BrokerPlaces:
    """Mosquitto's files: a drop-in of its conf.d, and a folder of ours beside it."""

    root: Path = BROKER

    @property
    def conf(self) -> Path:
        """The drop-in."""
        return self.root / "conf.d" / "lotkeeper.conf"

    def file(self, name: str) -> Path:
        """One of ours: ca.crt, broker.crt, broker.key, revoked.crl, acl."""
        return self.root / "lotkeeper" / name
