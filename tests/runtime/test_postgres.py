"""How a Postgres is reached: no password in the configuration, and nothing waits for ever."""

import time

import psycopg
import pytest
from pydantic import ValidationError

from cloud.config import PostgresSettings
from runtime.config import ConfigError, validated
from runtime.postgres import PostgresAccess, connect, connect_to_read


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db user=reader password=hunter2",
        "postgresql://reader:hunter2@db/lotkeeper",
        "host=db hunter2",
        "postgresql://reader:hunter2@db/lot?keeper",
    ],
)
def test_a_password_is_refused_and_not_repeated(dsn: str) -> None:
    for model in (PostgresAccess, PostgresSettings):
        with pytest.raises(ConfigError) as refused:
            validated({"dsn": dsn}, model, "console.toml")
        assert str(refused.value).startswith("console.toml: dsn: ")
        assert "hunter2" not in str(refused.value)


def test_a_replica_is_checked_alike() -> None:
    with pytest.raises(ValidationError, match="holds a password"):
        PostgresSettings(dsn="host=db", read_only_dsn="host=db password=x")


def test_who_reads_writes_nothing(dsn: str) -> None:
    access = PostgresAccess(dsn=dsn)
    with connect_to_read(access, 5) as conn:
        assert conn.execute("SHOW timezone").fetchone() == ("UTC",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("INSERT INTO lots (lot_id) VALUES ('north')")
    with connect(dsn) as conn:
        conn.execute("INSERT INTO lots (lot_id) VALUES ('north')")


def test_who_reads_does_not_wait_for_a_slow_server(dsn: str) -> None:
    began_s = time.monotonic()
    with (
        connect_to_read(PostgresAccess(dsn=dsn), 0.3) as conn,
        pytest.raises(psycopg.errors.QueryCanceled),
    ):
        conn.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - began_s < 15


def test_a_token_of_aws_needs_a_host_and_a_user() -> None:
    with pytest.raises(ConfigError) as refused:
        validated({"dsn": "service=lot", "iam_region": "eu-central-1"}, PostgresAccess, "c.toml")
    assert str(refused.value) == (
        "c.toml: iam_region = 'eu-central-1': a token is for a host and a user: write both into dsn"
    )


def test_without_credentials_of_aws_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    access = PostgresAccess(dsn="host=db user=reader", iam_region="eu-central-1")
    with pytest.raises(psycopg.OperationalError, match="AWS gives no token"):
        connect_to_read(access, 1)
