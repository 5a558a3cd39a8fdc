"""What tests of the cloud share: a real Postgres, with a database of its own for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from cloud.postgres import connect, migrate
from simulator import embedded

_numbers = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server's address, with the database `model` in it, which is migrated."""
    folder = Path(tempfile.mkdtemp(prefix="lotkeeper-postgres-"))
    with embedded.postgres(folder) as uri:
        with connect(uri) as conn:
            conn.execute("ALTER SYSTEM SET fsync = off")  # nobody cuts the power here
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("CREATE DATABASE model")
        with connect(uri.replace("/postgres?", "/model?")) as conn:
            migrate(conn)
        yield uri
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(postgres: str) -> Iterator[str]:
    """The address of a new, migrated database."""
    name = f"test_{next(_numbers)}"
    with connect(postgres) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE model".encode())
    yield postgres.replace("/postgres?", f"/{name}?")
    with connect(postgres) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def conn(dsn: str) -> Iterator[psycopg.Connection]:
    with connect(dsn) as connection:
        yield connection


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as an emulator takes, and no others."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
