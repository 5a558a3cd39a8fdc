"""Who may use the API: tokens with a scope, of which only the hash is kept.

A token is `lk_{id}_{secret}` with 256 random bits, so one round of SHA-256 is enough: there is no
dictionary to try (NIST SP 800-63B, section 5.1.2.2, asks for slow hashes below 112 bits).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from console.database import opened
from contract.upstream import rfc3339
from contract.words import ID_PATTERN

NAME_CHARACTERS = 64
_COLUMNS = "token_id, name, scope, created, expires, revoked"


class Scope(StrEnum):
    """What a token allows. Of the first three each includes those before it; `device` allows to
    give telemetry and nothing else, and of the others `admin` alone includes it.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    DEVICE = "device"

    def allows(self, needed: "Scope") -> bool:
        """Whether it is enough where `needed` is asked for."""
        if Scope.DEVICE in (self, needed):
            return self in (needed, Scope.ADMIN)
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


EVERY_DEVICE = "*"
_DEVICES = re.compile(rf"{ID_PATTERN.strip('^$')}/(\*|{ID_PATTERN.strip('^$')})")


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token; never the token itself."""

    token_id: str
    name: str
    scope: Scope
    created: str
    expires: str | None
    revoked: str | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it may be used at `now`."""
        if self.revoked is not None:
            return False
        return self.expires is None or now < datetime.fromisoformat(self.expires)


class Tokens:
    """The tokens in the console's database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self, name: str, scope: Scope, days: int | None = None, devices: Sequence[str] = ()
    ) -> str:
        """Make a token and answer it: it is not shown again. Raises ValueError for a bad name.

        One of the scope `device` speaks for `devices`, each LOT/DEVICE, or LOT/* for all of a lot.
        """
        for each in devices:
            if not _DEVICES.fullmatch(each):
                raise ValueError(f"device = {each!r}: write LOT/DEVICE, or LOT/* for all of a lot")
        if not name.strip() or len(name) > NAME_CHARACTERS or not name.isprintable():
            raise ValueError(f"name = {name!r}: 1 to {NAME_CHARACTERS} printable characters")
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        token = f"lk_{token_id}_{secret}"
        now = datetime.now(UTC)
        expires = rfc3339(now + timedelta(days=days)) if days is not None else None
        with opened(self._path) as db:
            db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)",
                (token_id, name, scope.value, _hash(token), rfc3339(now), expires),
            )
            db.executemany(
                "INSERT INTO token_devices VALUES (?, ?)", [(token_id, each) for each in devices]
            )
        return token

    def devices_of(self, token: Token) -> frozenset[str]:
        """Whom a token may speak for, as it was made; `EVERY_DEVICE` of one that may do all."""
        if token.scope is Scope.ADMIN:
            return frozenset([EVERY_DEVICE])
        with opened(self._path) as db:
            rows = db.execute(
                "SELECT device FROM token_devices WHERE token_id=?", (token.token_id,)
            )
            return frozenset(device for (device,) in rows)

    def all(self) -> list[Token]:
        """Every token there ever was, the oldest first."""
        with opened(self._path) as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY created, token_id")
            return [_token(row) for row in rows]

    def revoke(self, token_id: str) -> bool:
        """End a token now; False where there is none of this id that still stands."""
        with opened(self._path) as db:
            done = db.execute(
                "UPDATE tokens SET revoked=? WHERE token_id=? AND revoked IS NULL",
                (rfc3339(datetime.now(UTC)), token_id),
            )
            return bool(done.rowcount)

    def find(self, token: str) -> Token | None:
        """Whose token it is; None for one that is wrong, revoked or past."""
        parts = token.split("_", 2)
        if len(parts) != 3 or parts[0] != "lk":
            return None
        with opened(self._path) as db:
            row = db.execute(
                f"SELECT {_COLUMNS}, hash FROM tokens WHERE token_id=?", (parts[1],)
            ).fetchone()
        if row is None or not hmac.compare_digest(row[-1], _hash(token)):
            return None
        found = _token(row[:-1])
        return found if found.is_valid(datetime.now(UTC)) else None


def speaks_for(devices: frozenset[str], lot_id: str, device_id: str) -> bool:
    """Whether a device of a lot is among those of a token.

    >>> speaks_for(frozenset(["lot-1/cam-1", "lot-2/*"]), "lot-1", "cam-2")
    False
    """
    return not devices.isdisjoint((EVERY_DEVICE, f"{lot_id}/*", f"{lot_id}/{device_id}"))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token(row: tuple[str, str, str, str, str | None, str | None]) -> Token:
    return Token(row[0], row[1], Scope(row[2]), *row[3:])
