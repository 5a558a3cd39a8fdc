"""Postgres: the numbered migrations that make its schema; connections are of `runtime`."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from runtime.postgres import connect as connect

_LOCK = 0x6C6F746B  # one process migrates, the others wait for it
_BOOK = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class SchemaError(Exception):
    """The database is not as these migrations made it; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of cloud/migrations."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Of its text: an applied one must never be edited."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All that there are, in their order."""
    found = []
    for each in files("cloud.migrations").iterdir():
        number, _, name = each.name.removesuffix(".sql").partition("_")
        if each.name.endswith(".sql"):
            found.append(Migration(int(number), name, each.read_text()))
    return sorted(found, key=lambda each: each.version)


def migrate(conn: psycopg.Connection) -> list[str]:
    """Apply what is missing, each in a transaction; the names of those. Raises SchemaError."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        conn.execute(_BOOK)
        rows = conn.execute("SELECT version, sha256 FROM schema_migrations").fetchall()
        missing = _missing(dict(rows))
        for each in missing:
            conn.execute(each.sql.encode())
            conn.execute(
                "INSERT INTO schema_migrations (version, name, sha256) VALUES (%s, %s, %s)",
                (each.version, each.name, each.sha256),
            )
    return [f"{each.version:04}_{each.name}" for each in missing]


def _missing(applied: dict[int, str]) -> list[Migration]:
    ours = migrations()
    newer = set(applied) - {each.version for each in ours}
    if newer:
        raise SchemaError(
            f"the database has migration {max(newer)}, which this version does not know: "
            "install the newer lotkeeper"
        )
    for each in ours:
        if applied.get(each.version, each.sha256) != each.sha256:
            raise SchemaError(
                f"migration {each.version:04}_{each.name} was edited after it was applied: "
                "put it back, and write the change into a new one"
            )
    return [each for each in ours if each.version not in applied]
