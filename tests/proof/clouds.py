"""Upstreams behind a fault proxy, each with the real sink before it."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from gateway.sinks import Sink, http, kafka, kinesis
from proof.cloud_dialects import HTTP_API, KINESIS, Dialect
from proof.fault_proxy import FaultProxy
from proof.kafka_proxy import KafkaProxy, passes
from tests.gateway.sinks.brokers import Broker, create_topic, read_all
from tests.gateway.sinks.wire import Reply, Request, ScriptedServer

PATIENCE_S = 30.0
READ_TIMEOUT_S = 2.0
REGION = "eu-central-1"
numbers = count()


class Cloud(Protocol):
    """An upstream, the proxy before it and a sink that speaks through the proxy."""

    kind: str
    options: dict[str, str | float]
    proxy: FaultProxy
    dialect: Dialect
    sink: Sink

    def records(self) -> list[dict[str, Any]]: ...
    def close(self) -> None: ...


class KinesisCloud:
    """A stream of two shards in moto, and a credentials file."""

    kind = "kinesis"
    dialect: Dialect = KINESIS

    def __init__(self, moto_port: int, folder: Path) -> None:
        from boto3.session import Session

        self.proxy = FaultProxy(("127.0.0.1", moto_port))
        self.stream = f"faults-{next(numbers)}"
        self.credentials = folder / "credentials"
        self._client = Session(aws_access_key_id="us", aws_secret_access_key="us").client(
            "kinesis", region_name=REGION, endpoint_url=f"http://127.0.0.1:{moto_port}"
        )
        self._client.create_stream(StreamName=self.stream, ShardCount=2)
        self.options: dict[str, str | float] = {
            "stream_name": self.stream,
            "region": REGION,
            "endpoint_url": self.proxy.url,
            "read_timeout_s": READ_TIMEOUT_S,
        }
        self.sink: Sink = kinesis.Sink(kinesis.Config.model_validate(self.options))

    def renew(self, key_id: str) -> None:
        """Put a new key in the place of the old one, as whoever renews them does."""
        new = self.credentials.with_suffix(".new")
        lines = ("[default]", f"aws_access_key_id = {key_id}", "aws_secret_access_key = s", "")
        new.write_text("\n".join(lines))
        os.replace(new, self.credentials)

    def records(self) -> list[dict[str, Any]]:
        """What the stream holds; those of a spot, which are in one shard, in order."""
        shards = self._client.list_shards(StreamName=self.stream)["Shards"]
        return [record for shard in shards for record in self._read(shard["ShardId"])]

    def _read(self, shard: str) -> Iterator[dict[str, Any]]:
        iterator = self._client.get_shard_iterator(
            StreamName=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = self._client.get_records(ShardIterator=iterator, Limit=10_000)
            yield from (json.loads(record["Data"]) for record in page["Records"])
            if not page["Records"]:
                return
            iterator = page["NextShardIterator"]

    def close(self) -> None:
        """End."""
        self.proxy.close()
        self._client.close()


class HttpCloud:
    """An API that takes arrays, and a token file."""

    kind = "http"
    dialect: Dialect = HTTP_API

    def __init__(self, folder: Path) -> None:
        self._server = ScriptedServer()
        self._server.respond = self._take
        self._taken: list[dict[str, Any]] = []
        self.proxy = FaultProxy(("127.0.0.1", self._server.port))
        self.token = folder / "token"
        self.token.touch(0o600)
        self.token.write_text("first")
        self.options: dict[str, str | float] = {
            "url": f"{self.proxy.url}/v1/events",
            "token_file": str(self.token),
            "read_timeout_s": READ_TIMEOUT_S,
        }
        self.sink: Sink = http.Sink(http.Config.model_validate(self.options))

    def _take(self, request: Request) -> Reply:
        self._server.requests.clear()
        self._taken += json.loads(request.body)
        return Reply(200, {"count": len(self._taken), "thanks": "." * 50})

    def records(self) -> list[dict[str, Any]]:
        """What the API took, in order."""
        return self._taken

    def close(self) -> None:
        """End."""
        self.proxy.close()
        self._server.close()


class KafkaCloud:
    """A topic of three partitions in tansu."""

    def __init__(self, broker: Broker, proxy: KafkaProxy) -> None:
        self.proxy = proxy
        self.address = broker.address
        self.topic = f"faults-{next(numbers)}"
        create_topic(self.address, self.topic)
        self.options: dict[str, str | float] = {
            "bootstrap_servers": self.address,
            "topic": self.topic,
            "security": "plaintext",
            "timeout_s": READ_TIMEOUT_S,
        }
        self.sink: Sink = kafka.Sink(kafka.Config.model_validate(self.options))

    def records(self) -> list[dict[str, Any]]:
        """What the topic holds; those of a spot, which are in one partition, in order."""
        return [json.loads(message.value()) for message in read_all(self.address, self.topic)]

    def close(self) -> None:
        """Nothing of it goes on."""
        self.proxy.script.clear()
        self.proxy.otherwise = passes


def until(true: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Wait for a state of another thread or process, which offers no event."""
    deadline_s = time.monotonic() + patience_s
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline_s, "it did not come about"
        pause.wait(0.01)
