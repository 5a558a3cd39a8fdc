"""The cloud's configuration; docs/examples/cloud.toml is commented."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cloud.lake.taker import Limits
from contract.words import Id
from runtime.kafka import KafkaAccess
from runtime.kinesis import KinesisAccess
from runtime.lake import LakeUrl
from runtime.postgres import Dsn, PostgresAccess, Region

DEFAULT = Path("/etc/lotkeeper/cloud.toml")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KinesisSettings(KinesisAccess):
    """`lease_s`: the shards of a process that was not heard for so long are another's."""

    lease_s: Annotated[float, Field(ge=1, le=600)] = 30


class StreamSettings(_Settings):
    """What is consumed: a topic or a stream. Each part reads all of it, as a group of its own."""

    kafka: KafkaAccess | None = None
    kinesis: KinesisSettings | None = None
    group: Id = "lotkeeper"

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.kafka is None) == (self.kinesis is None):
            raise ValueError("needs one of [stream.kafka] and [stream.kinesis]")
        return self

    @property
    def name(self) -> str:
        """Of the topic or the stream."""
        if self.kafka is not None:
            return self.kafka.topic
        assert self.kinesis is not None
        return self.kinesis.stream_name


class PostgresSettings(PostgresAccess):
    """`keep_days` of events and stays; `read_only_dsn` is that of a replica, for what only asks."""

    read_only_dsn: Dsn | None = None
    keep_days: Annotated[int, Field(ge=1, le=3660)] = 400

    @property
    def keep(self) -> timedelta:
        return timedelta(days=self.keep_days)

    @property
    def reading(self) -> PostgresAccess:
        """Of whom what only reads is asked."""
        return PostgresAccess(dsn=self.read_only_dsn or self.dsn, iam_region=self.iam_region)


class LakeSettings(_Settings):
    """`url` is a folder, or s3://bucket/prefix. `lines` writes JSON lines beside the Parquet.
    `time_zone` is the lots', for what is asked by their days and hours.
    """

    url: LakeUrl
    wait_s: Annotated[float, Field(gt=0, le=3600)] = 300
    max_bytes: Annotated[int, Field(ge=1024, le=1024**3)] = 32 * 1024 * 1024
    lines: bool = False
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is no time zone: write one as Europe/Berlin")
        return value

    @property
    def limits(self) -> Limits:
        return Limits(timedelta(seconds=self.wait_s), self.max_bytes)


class AthenaSettings(_Settings):
    """Who answers queries in the place of DuckDB; `workgroup` says where results are kept."""

    region: Region
    database: str = "parking_analytics"
    workgroup: str = "lotkeeper"
    endpoint_url: Annotated[str, Field(pattern=r"^https?://")] | None = None


class DoorSettings(_Settings):
    """The front door. `tokens_file` says who may speak for which lots; `sink` is the stream, its
    `kind` and options as a gateway has them (docs/sinks.md).
    """

    tokens_file: Path
    sink: dict[str, Any]
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8090

    @field_validator("sink")
    @classmethod
    def _check_sink(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("kind"), str):
            raise ValueError('name the stream\'s kind: kind = "kafka"')
        return value


class MetricsSettings(_Settings):
    """Where Prometheus asks; 0 is no port."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 0


class CloudSettings(_Settings):
    """`default_lot` is that of records which name none, as older pipelines send them."""

    stream: StreamSettings | None = None
    postgres: PostgresSettings | None = None
    lake: LakeSettings | None = None
    athena: AthenaSettings | None = None
    door: DoorSettings | None = None
    metrics: MetricsSettings = MetricsSettings()
    default_lot: Id | None = None
