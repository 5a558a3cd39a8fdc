"""Who may use the API: tokens with a scope, of which only the hash is kept.

A token is `lk_{id}_{secret}` with 256 random bits, so one round of SHA-256 is enough: there is no
dictionary to try (NIST SP 800-63B, section 5.1.2.2, asks for slow hashes below 112 bits).
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from console.database import opened
from contract.upstream import rfc3339

NAME_CHARACTERS = 64
_COLUMNS = "token_id, name, scope, created, expires, revoked"


class Scope(StrEnum):
    """What a token allows; each includes those before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def allows(self, needed: "Scope") -> bool:
        """Whether it is enough where `needed` is asked for."""
        order = tuple(Scope)
        return order.index(self) >= order.index(needed)


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

    def add(self, name: str, scope: Scope, days: int | None = None) -> str:
        """Make a token and answer it: it is not shown again. Raises ValueError for a bad name."""
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
        return token

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


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token(row: tuple[str, str, str, str, str | None, str | None]) -> Token:
    return Token(row[0], row[1], Scope(row[2]), *row[3:])
