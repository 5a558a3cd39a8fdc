"""Who may log in to the pages: people with a password and a scope, and their sessions.

Both are in the console's database, so that every process of it knows a session, and a person who
is removed is out of all of them at once. A password is kept as scrypt (RFC 7914) with the
parameters of OWASP's password storage cheat sheet for 16 MiB, which a Pi can spare; a session is
256 random bits, of which the SHA-256 is kept.
"""

import hashlib
import hmac
import secrets
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.database import opened
from console.tokens import NAME_CHARACTERS, Scope, Token
from contract.upstream import rfc3339

PASSWORD_CHARACTERS = (10, 200)
SESSION = timedelta(days=7)
TRIES_PER_MINUTE = 10
"""Of a name, and of an address: NIST SP 800-63B, section 5.2.2, asks for a limit."""
N, R, P = 2**14, 8, 5
_SALT_BYTES = 16
_NOBODY = bytes(_SALT_BYTES + 64)
"""Compared with where there is nobody of that name: it takes as long, and never matches."""


class People:
    """People and sessions in the console's database."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, name: str, scope: Scope, password: str) -> None:
        """Let somebody log in. Raises ValueError for a name or a password that is not good."""
        if not name.strip() or len(name) > NAME_CHARACTERS or not name.isprintable():
            raise ValueError(f"name = {name!r}: 1 to {NAME_CHARACTERS} printable characters")
        if scope is Scope.DEVICE:
            raise ValueError("scope = 'device' is for tokens: lotkeeper console token add")
        least, most = PASSWORD_CHARACTERS
        if not least <= len(password) <= most:
            raise ValueError(f"the password has {len(password)} characters: {least} to {most}")
        salt = secrets.token_bytes(_SALT_BYTES)
        row = (name, scope.value, salt + _slow_hash(password, salt), rfc3339(datetime.now(UTC)))
        with opened(self._path) as db:
            try:
                db.execute("INSERT INTO people VALUES (?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise ValueError(
                    f"name = {name!r} can log in already: lotkeeper console user remove {name!r}"
                ) from None

    def all(self) -> list[Token]:
        """Everybody who may log in, by name."""
        with opened(self._path) as db:
            rows = db.execute("SELECT name, scope, created FROM people ORDER BY name")
            return [_person(*row) for row in rows]

    def remove(self, name: str) -> bool:
        """End somebody's sessions and let nobody log in by this name; False if nobody could."""
        with opened(self._path) as db:
            db.execute("DELETE FROM sessions WHERE name=?", (name,))
            return bool(db.execute("DELETE FROM people WHERE name=?", (name,)).rowcount)

    def log_in(self, name: str, password: str, now: datetime | None = None) -> str | None:
        """A new session of `name`; None where name or password is wrong. Slow on purpose."""
        with opened(self._path) as db:
            row = db.execute("SELECT hash FROM people WHERE name=?", (name,)).fetchone()
        kept = row[0] if row else _NOBODY
        given = _slow_hash(password[: PASSWORD_CHARACTERS[1] + 1], kept[:_SALT_BYTES])
        if not hmac.compare_digest(given, kept[_SALT_BYTES:]) or row is None:
            return None
        session, begun = secrets.token_urlsafe(32), now or datetime.now(UTC)
        with opened(self._path) as db:
            db.execute("DELETE FROM sessions WHERE expires <= ?", (rfc3339(begun),))
            made = db.execute(
                # Nobody gets in who was removed while the password was looked at.
                "INSERT INTO sessions SELECT ?, name, ? FROM people WHERE name=? AND hash=?",
                (_quick_hash(session), rfc3339(begun + SESSION), name, kept),
            )
            return session if made.rowcount else None

    def log_out(self, session: str) -> None:
        """End a session, in every process."""
        with opened(self._path) as db:
            db.execute("DELETE FROM sessions WHERE hash=?", (_quick_hash(session),))

    def find(self, session: str, now: datetime | None = None) -> Token | None:
        """Whose session it is, as what may be ordered with it; None for one that has ended."""
        with opened(self._path) as db:
            row = db.execute(
                "SELECT name, scope, created FROM sessions JOIN people USING (name) "
                "WHERE sessions.hash=? AND expires > ?",
                (_quick_hash(session), rfc3339(now or datetime.now(UTC))),
            ).fetchone()
        return _person(*row) if row else None


def _slow_hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=N, r=R, p=P, maxmem=2 * 128 * N * R)


def _quick_hash(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()


def _person(name: str, scope: str, created: str) -> Token:
    return Token(f"user {name}", name, Scope(scope), created, None, None)
