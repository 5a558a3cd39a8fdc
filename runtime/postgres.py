"""How a Postgres is reached, by those who write and those who only read; psycopg 3 on libpq."""

from math import ceil
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
)

from runtime.config import InlineSecret

if TYPE_CHECKING:
    import psycopg

Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]

_UTC = "-c timezone=UTC"


def _without_password(dsn: str) -> str:
    """What is no DSN may hold a password all the same, so it is not repeated either."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        words = conninfo_to_dict(dsn)
    except ProgrammingError:
        raise InlineSecret(
            "is no connection string of libpq: write one as host=db dbname=lotkeeper user=reader"
        ) from None
    if words.get("password"):
        raise InlineSecret("holds a password: put it into ~/.pgpass, or a service file")
    return dsn


Dsn = Annotated[str, AfterValidator(_without_password)]
"""A connection string of libpq, without a password. To check it needs psycopg."""


class PostgresAccess(BaseModel):
    """`iam_region` asks AWS for a token in the place of a password (RDS, "IAM database
    authentication").
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: Dsn
    iam_region: Region | None = None

    @field_validator("iam_region")
    @classmethod
    def _has_for_whom(cls, value: str | None, info: ValidationInfo) -> str | None:
        from psycopg.conninfo import conninfo_to_dict

        if value is not None and "dsn" in info.data:
            words = conninfo_to_dict(info.data["dsn"])
            if not (words.get("host") and words.get("user")):
                raise ValueError("a token is for a host and a user: write both into dsn")
        return value


def connect(dsn: str, iam_region: str | None = None) -> "psycopg.Connection":
    """A connection in UTC. Raises psycopg.OperationalError.

    A password comes from libpq's own places (PGPASSFILE, a service file), never from `dsn`, or is
    a token of AWS for `iam_region`.
    """
    return _connect(dsn, iam_region, _UTC)


def connect_to_read(access: PostgresAccess, timeout_s: float) -> "psycopg.Connection":
    """The same for who only reads: what would write is refused, and nothing takes longer than
    `timeout_s`, whether the server is slow, away or cut off (seconds; libpq waits 2 at least to
    connect). Raises psycopg.OperationalError.
    """
    patience_ms = round(timeout_s * 1000)
    return _connect(
        access.dsn,
        access.iam_region,
        f"{_UTC} -c default_transaction_read_only=on -c statement_timeout={patience_ms}",
        connect_timeout=max(ceil(timeout_s), 2),
        tcp_user_timeout=patience_ms,
        # While an answer is awaited nothing is sent that could be missed.
        keepalives_idle=max(ceil(timeout_s), 1),
        keepalives_interval=1,
        keepalives_count=2,
    )


def _connect(dsn: str, iam_region: str | None, options: str, **words: Any) -> "psycopg.Connection":
    import psycopg

    password = _iam_token(dsn, iam_region) if iam_region else None
    return psycopg.connect(dsn, options=options, autocommit=True, password=password, **words)


def _iam_token(dsn: str, region: str) -> str:
    """Valid for a quarter of an hour, and for new connections alone."""
    import boto3
    from botocore.exceptions import BotoCoreError
    from psycopg import OperationalError
    from psycopg.conninfo import conninfo_to_dict

    words = conninfo_to_dict(dsn)
    try:
        client = boto3.client("rds", region_name=region)
        token: str = client.generate_db_auth_token(
            DBHostname=words["host"], Port=int(words.get("port") or 5432), DBUsername=words["user"]
        )
    except BotoCoreError as error:
        raise OperationalError(f"AWS gives no token: {error}") from error
    return token
