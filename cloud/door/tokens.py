"""Who may speak for which lots. A line a token: its SHA-256, and the lots' names or patterns.

# made with: lotkeeper cloud token riverside-north 'airport-*'
9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  riverside-north airport-*
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATTERN = re.compile(r"[A-Za-z0-9_.*-]{1,64}")


class BadTokens(ValueError):
    """The list of tokens cannot be used; the text names the line."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Patterns of lots by the token's SHA-256."""

    lots: dict[str, tuple[str, ...]]

    def lots_of(self, token: str) -> Callable[[str], bool] | None:
        """Which lots `token` speaks for; None for one that is not known."""
        patterns = self.lots.get(hashlib.sha256(token.encode()).hexdigest())
        if patterns is None:
            return None
        return lambda lot_id: any(fnmatchcase(lot_id, pattern) for pattern in patterns)


def parse(text: str) -> Tokens:
    """The lines of a list. Raises BadTokens."""
    found: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        digest, *patterns = line.partition("#")[0].split() or [""]
        if not digest:
            continue
        if not _SHA256.fullmatch(digest):
            raise BadTokens(f"line {number}: begin it with a token's SHA-256, never the token")
        if not patterns or not all(_PATTERN.fullmatch(each) for each in patterns):
            raise BadTokens(f"line {number}: name the lots that it speaks for, as north or air-*")
        found[digest] = tuple(patterns)
    return Tokens(found)


def make(patterns: list[str]) -> tuple[str, str]:
    """A new token, and its line."""
    token = secrets.token_urlsafe(32)
    return token, f"{hashlib.sha256(token.encode()).hexdigest()}  {' '.join(patterns)}"
