"""Who was given which certificate: the lot's register, one JSON file under one lock.

An identity's life, told by its invitation and its certificates:

    invited --(enrols with the token)--> active --(revoke)--> revoked --(replace)--> invited
       |                                   |  ^
       +--(the invitation runs out)        +--+ (renew: one more certificate)

A token is kept as its SHA-256: it has 192 bits of its own, so there is nothing to guess from it.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from contract.topics import checked
from contract.words import Id
from gateway.provision.files import SECRET, NotWritten, Planned, write

DEVICE_DAYS = 730
GROUP = "lotkeeper-ca"
"""Whose service certifies devices, and so writes the register beside root."""
DUE = timedelta(days=60)
"""Before its end a certificate is to be renewed. `agent needs-renewal` says so as early."""


class NotRegistered(Exception):
    """The register does not allow it; the text says why and what to do."""


class Role(StrEnum):
    """What an identity may do at the broker: `gateway.provision.broker` has the rights."""

    GATEWAY = "gateway"
    OPERATOR = "operator"
    CONSOLE = "console"
    AGENT = "agent"
    DISPLAY = "display"
    SERVER = "server"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Issued(_Entry):
    """One certificate. The serial is hexadecimal, as openssl shows it."""

    serial: str
    until: AwareDatetime
    revoked: AwareDatetime | None = None


class Invitation(_Entry):
    """A one-time token's remains; `used_by` is the print of the key it was spent on."""

    token_sha256: str
    until: AwareDatetime
    used_by: str | None = None


class Identity(_Entry):
    """A name, its role, and all certificates that it ever had."""

    role: Role
    days: int = DEVICE_DAYS
    """For how long a certificate is issued, the first one and those that renew it."""
    certificates: list[Issued] = []
    invitation: Invitation | None = None

    def valid(self, now: datetime) -> list[Issued]:
        """Those that open a door now."""
        return [each for each in self.certificates if not each.revoked and each.until > now]

    def state(self, now: datetime) -> str:
        """`active`, `renewal due`, `invited`, `revoked` or `expired`."""
        if valid := self.valid(now):
            last = max(each.until for each in valid)
            return "renewal due" if last - now < DUE else "active"
        if self.invitation and self.invitation.used_by is None:
            return "invited" if self.invitation.until > now else "expired"
        if self.certificates and not self.certificates[-1].revoked:
            return "expired"
        return "revoked"


class Register(_Entry):
    """All identities of the lot by name, which is the certificate's common name."""

    identities: dict[Id, Identity] = {}

    def of(self, name: str) -> Identity:
        """Raises NotRegistered."""
        try:
            return self.identities[name]
        except KeyError:
            raise NotRegistered(
                f"{name} is not known here; `lotkeeper gateway list` shows who is"
            ) from None

    def add(self, name: str, role: Role) -> Identity:
        """A new identity, or the one that is there with this role. Raises NotRegistered."""
        if name.startswith("."):  # it names files too
            raise NotRegistered(f"{name!r}: a device's name cannot begin with a dot")
        try:
            found = self.identities.setdefault(checked(name), Identity(role=role))
        except ValueError as error:
            raise NotRegistered(str(error)) from None
        if found.role is not role:
            raise NotRegistered(f"{name} is the name of a {found.role} already; choose another")
        return found

    def invite(self, name: str, now: datetime, valid: timedelta) -> str:
        """A new one-time token; an older one that was not used is void. Answers the token."""
        token = secrets.token_urlsafe(24)
        self.of(name).invitation = Invitation(token_sha256=_hash(token), until=now + valid)
        return token

    def spend(self, name: str, token: str, key_print: str, now: datetime) -> None:
        """Use a token for a key. Raises NotRegistered, with the same words whatever was wrong.

        The same key may come again with it, for an answer that was lost on the way: whoever stole
        the token has not the key.
        """
        known = self.identities.get(name)
        invitation = known.invitation if known else None
        if invitation is None or not hmac.compare_digest(invitation.token_sha256, _hash(token)):
            raise NotRegistered("this token was not given for this name, or is void")
        if invitation.until <= now:
            raise NotRegistered("this token has run out; make another with `gateway replace`")
        if invitation.used_by not in (None, key_print):
            raise NotRegistered("this token was used already; make another with `gateway replace`")
        invitation.used_by = key_print

    def revoke(self, name: str, now: datetime) -> int:
        """Revoke every certificate and the invitation of a name; answers how many were valid."""
        identity = self.of(name)
        identity.invitation = None
        valid = identity.valid(now)
        for each in valid:
            each.revoked = now
        return len(valid)

    def revoked(self) -> dict[int, datetime]:
        """Serials for the revocation list."""
        return {
            int(each.serial, 16): each.revoked
            for identity in self.identities.values()
            for each in identity.certificates
            if each.revoked
        }


def read(path: Path) -> Register:
    """The register, empty where there is none yet. Raises NotWritten where it cannot be read."""
    try:
        return Register.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Register()
    except OSError as error:
        raise NotWritten(f"{path}: {error.strerror}; run this as root") from error
    except ValidationError as error:
        raise NotWritten(
            f"{path}: {error.errors()[0]['msg']}; restore it: `lotkeeper gateway restore`"
        ) from error


def planned(path: Path, register: Register) -> Planned:
    """The register's file."""
    return Planned(path, register.model_dump_json(indent=1).encode() + b"\n", SECRET, GROUP)


@contextmanager
def changing(path: Path) -> Iterator[Register]:
    """The register to change, alone; written when the block ends well."""
    with locked(path):
        register = read(path)
        yield register
        write([planned(path, register)])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One writer at a time, the enrolment server among them. The lock outlives no process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.with_suffix(".lock"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            os.fchmod(handle, 0o640)  # whatever the umask: the group takes it too
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
