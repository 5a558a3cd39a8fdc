"""How a Kinesis stream is reached, by those who write and those who read.

Credentials come from boto3's own chain (environment, profile, role), never from here.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from runtime.config import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

CREDENTIALS = "renew the AWS credentials of this process's user (environment, profile or role)"
_PACE = "the stream is at its limit: add shards or go on-demand; the records wait"
_CLOCK = "this machine's clock is off by minutes: see that it is synchronised"
HINTS = {
    "ExpiredToken": CREDENTIALS,
    "ExpiredTokenException": CREDENTIALS,
    "IncompleteSignature": CREDENTIALS,
    "IncompleteSignatureException": CREDENTIALS,
    "InvalidClientTokenId": CREDENTIALS,
    "InvalidSignatureException": f"{CREDENTIALS}; or {_CLOCK}",
    "MissingAuthenticationToken": CREDENTIALS,
    "MissingAuthenticationTokenException": CREDENTIALS,
    "UnrecognizedClientException": CREDENTIALS,
    "RequestExpired": _CLOCK,
    "LimitExceededException": _PACE,
    "ProvisionedThroughputExceededException": _PACE,
    "RequestLimitExceeded": _PACE,
    "Throttling": _PACE,
    "ThrottlingException": _PACE,
    "ResourceNotFoundException": "create the stream, or mend `stream_name` or `region`",
}
"""By the code of an error. What a caller must be allowed to do it says itself."""


class KinesisAccess(BaseModel):
    """`endpoint_url` is for a VPC endpoint or a test; AWS's own is found from `region`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stream_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    endpoint_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    connect_timeout_s: float = Field(default=5.0, gt=0, le=60)
    read_timeout_s: float = Field(default=15.0, gt=0, le=120)

    def client(self) -> "KinesisClient":
        """One that asks once: its user retries. Raises ConfigError."""
        try:
            from boto3.session import Session
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise ConfigError("the package boto3 is not installed, and Kinesis needs it") from error
        options = Config(
            connect_timeout=self.connect_timeout_s,
            read_timeout=self.read_timeout_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=1,
        )
        try:
            return Session().client(
                "kinesis",
                region_name=self.region,
                endpoint_url=self.endpoint_url,
                config=options,
            )
        except BotoCoreError as error:
            raise ConfigError(
                f"cannot use the AWS configuration: {error}: {CREDENTIALS}"
            ) from error
