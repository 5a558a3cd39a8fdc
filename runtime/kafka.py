"""How Kafka's brokers are reached, by those who write and those who read; librdkafka's options."""

from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.config import ConfigError, read_secret

_CREDENTIALS = "give this user AWS credentials (environment, profile or role)"


class KafkaAccess(BaseModel):
    """The brokers, and who we are.

    `security` `scram` needs `username` and `password_file`; `msk_iam` needs `region` and takes
    AWS's own credential chain; both go over TLS, checked against `ca_file` or the system's
    authorities.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    security: Literal["plaintext", "tls", "scram", "msk_iam"] = "tls"
    ca_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    region: str | None = None

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        if self.security == "scram" and not (self.username and self.password_file):
            raise ValueError("security 'scram' needs `username` and `password_file`")
        if self.security == "msk_iam" and not self.region:
            raise ValueError("security 'msk_iam' needs `region`")
        return self

    def options(self) -> dict[str, Any]:
        """For librdkafka. Raises ConfigError for a secret or credentials that cannot be had."""
        return {"bootstrap.servers": self.bootstrap_servers, "client.id": "lotkeeper"} | (
            self._security()
        )

    def _security(self) -> dict[str, Any]:
        ca = {"ssl.ca.location": str(self.ca_file)} if self.ca_file else {}
        match self.security:
            case "plaintext":
                return {}
            case "tls":
                return {"security.protocol": "SSL", **ca}
            case "scram":
                assert self.password_file is not None
                return {
                    "security.protocol": "SASL_SSL",
                    "sasl.mechanism": "SCRAM-SHA-512",
                    "sasl.username": self.username,
                    "sasl.password": read_secret(self.password_file),
                    **ca,
                }
            case "msk_iam":
                assert self.region is not None
                iam_token(self.region)  # fails here with a reason; in the callback, without one
                return {
                    "security.protocol": "SASL_SSL",
                    "sasl.mechanism": "OAUTHBEARER",
                    "oauth_cb": partial(iam_token, self.region),
                    **ca,
                }


def iam_token(region: str, _oauth_config: str = "") -> tuple[str, float]:
    """A token for Amazon MSK and when it expires, in seconds since 1970. Raises ConfigError."""
    try:
        from aws_msk_iam_sasl_signer import (  # type: ignore[import-untyped, unused-ignore]
            MSKAuthTokenProvider,
        )
        from botocore.exceptions import BotoCoreError
        from botocore.session import get_session
    except ImportError as error:
        raise ConfigError(
            "security 'msk_iam' needs aws-msk-iam-sasl-signer-python: "
            "pip install 'lotkeeper[kafka]'"
        ) from error
    try:
        if get_session().get_credentials() is None:  # on which the signer trips
            raise ConfigError(f"no AWS credentials were found: {_CREDENTIALS}")
        token, expiry_ms = MSKAuthTokenProvider.generate_auth_token(region)
    except BotoCoreError as error:
        raise ConfigError(f"no token for MSK: {error}: {_CREDENTIALS}") from error
    return token, expiry_ms / 1000
