import base64
import json
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.sinks import ACCEPTED, Answer, Outgoing, SinkError, Verdict
from gateway.sinks.kinesis import MAX_RECORD_BYTES, Config, Sink
from gateway.sinks.testing import SinkContract, make_record
from tests.gateway.sinks.wire import Gate, Reply, Request, ScriptedServer

pytest.importorskip("boto3", reason="needs the extra [kinesis]")

REGION = "eu-central-1"
numbers = count()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture(scope="module")
def moto_port() -> Iterator[int]:
    server_module = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


class KinesisRig:
    """A stream of two shards behind a gate."""

    poison = Outgoing(2, "lot/A2", b"{}" + b" " * MAX_RECORD_BYTES)

    def __init__(self, port: int, gate: Gate) -> None:
        from boto3.session import Session

        gate.target = ("127.0.0.1", port)
        self._gate = gate
        self._stream = f"lot-{next(numbers)}"
        self._client = Session().client(
            "kinesis", region_name=REGION, endpoint_url=f"http://127.0.0.1:{port}"
        )
        self._client.create_stream(StreamName=self._stream, ShardCount=2)
        url = f"http://127.0.0.1:{gate.port}"
        self.sink = Sink(Config(stream_name=self._stream, region=REGION, endpoint_url=url))

    def records(self) -> list[tuple[str, dict[str, Any]]]:
        shards = self._client.list_shards(StreamName=self._stream)["Shards"]
        return [record for shard in shards for record in self._read(shard["ShardId"])]

    def _read(self, shard: str) -> Iterator[tuple[str, dict[str, Any]]]:
        iterator = self._client.get_shard_iterator(
            StreamName=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = self._client.get_records(ShardIterator=iterator, Limit=1000)
            for record in page["Records"]:
                yield record["PartitionKey"], json.loads(record["Data"])
            if not page["Records"]:
                return
            iterator = page["NextShardIterator"]

    def taken(self) -> list[dict[str, Any]]:
        return [record for _, record in self.records()]

    def break_upstream(self) -> None:
        self._gate.shut()

    def mend_upstream(self) -> None:
        self._gate.mend()


@pytest.fixture
def rig(moto_port: int, gate: Gate) -> Iterator[KinesisRig]:
    rig = KinesisRig(moto_port, gate)
    yield rig
    rig.sink.close()


class TestContract(SinkContract):
    """With `rig` above."""


def test_partition_key_is_the_spot(rig: KinesisRig) -> None:
    rig.sink.send([make_record(n, f"lot/A{n}") for n in range(40)])
    assert {(key, data["spot_id"]) for key, data in rig.records()} == {
        (f"lot/A{n}", f"A{n}") for n in range(40)
    }


def test_more_than_500_records_are_refused_before_the_call(rig: KinesisRig) -> None:
    with pytest.raises(ValueError, match="501 records in a batch; this sink takes 500"):
        rig.sink.send([make_record(n, f"lot/A{n}") for n in range(501)])
    assert rig.taken() == []


def test_record_of_exactly_one_mebibyte_goes(rig: KinesisRig) -> None:
    key = "lot/A1"
    fits = Outgoing(1, key, b'{"seq":1}'.ljust(MAX_RECORD_BYTES - len(key)))
    above = Outgoing(2, "lot/A2", fits.payload + b" ")
    answers = rig.sink.send([fits, above])
    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert rig.taken() == [{"seq": 1}]


@pytest.mark.parametrize("key", ["", "k" * 257])
def test_key_that_kinesis_never_takes_is_rejected(rig: KinesisRig, key: str) -> None:
    answers = rig.sink.send([Outgoing(1, key, b"{}"), make_record(2)])
    assert [answer.verdict for answer in answers] == [Verdict.REJECTED, Verdict.ACCEPTED]


def test_missing_stream_keeps_the_records(rig: KinesisRig, gate: Gate) -> None:
    url = f"http://127.0.0.1:{gate.port}"
    sink = Sink(Config(stream_name="absent", region=REGION, endpoint_url=url))
    with pytest.raises(SinkError, match="ResourceNotFoundException") as caught:
        sink.send([make_record(1)])
    assert caught.value.retryable
    assert "`stream_name`" in caught.value.hint


@pytest.fixture
def sink(server: ScriptedServer) -> Iterator[Sink]:
    config = Config(stream_name="lot", region=REGION, endpoint_url=server.url, read_timeout_s=0.3)
    sink = Sink(config)
    yield sink
    sink.close()


def taken(request: Request) -> list[bytes]:
    return [base64.b64decode(each["Data"]) for each in json.loads(request.body)["Records"]]


def fault(code: str, status: int = 400) -> Reply:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    return Reply(status, {"__type": code, "message": f"about {code}"}, headers)


def test_partial_failure_is_told_record_by_record(server: ScriptedServer, sink: Sink) -> None:
    """The rejected record is not sent, and the others' answers stay beside their records."""
    good = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    pace = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate"}
    internal = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal Service Failure"}
    server.script.append(Reply(200, {"FailedRecordCount": 2, "Records": [good, pace, internal]}))
    batch = [make_record(n, f"lot/A{n}") for n in range(4)]
    batch[1] = Outgoing(1, "lot/A1", b"x" * MAX_RECORD_BYTES)
    first, unfit, second, third = sink.send(batch)
    assert first == ACCEPTED
    assert unfit.verdict is Verdict.REJECTED
    assert second == Answer(Verdict.KEEP, "ProvisionedThroughputExceededException: Rate")
    assert third == Answer(Verdict.KEEP, "InternalFailure: Internal Service Failure")
    assert taken(server.requests[0]) == [batch[0].payload, batch[2].payload, batch[3].payload]


@pytest.mark.parametrize(
    ("code", "status", "hint"),
    [
        ("ProvisionedThroughputExceededException", 400, "shards"),
        ("ThrottlingException", 400, "shards"),
        ("ExpiredTokenException", 400, "renew"),
        ("UnrecognizedClientException", 400, "renew"),
        ("InvalidSignatureException", 400, "clock"),
        ("AccessDeniedException", 400, "allow"),
        ("KMSThrottlingException", 400, "console"),
        ("InternalFailure", 500, "console"),
        ("ServiceUnavailable", 503, "console"),
    ],
)
def test_failure_of_the_call_is_retryable_and_asked_once(
    server: ScriptedServer, sink: Sink, code: str, status: int, hint: str
) -> None:
    server.respond = lambda request: fault(code, status)
    with pytest.raises(SinkError, match=code) as caught:
        sink.send([make_record(1)])
    assert caught.value.retryable
    assert hint in caught.value.hint
    assert len(server.requests) == 1  # botocore retries nothing


def test_call_refused_for_its_content_is_for_bisection(server: ScriptedServer, sink: Sink) -> None:
    server.respond = lambda request: fault("ValidationException")
    with pytest.raises(SinkError) as caught:
        sink.send([make_record(1, "lot/A1"), make_record(2, "lot/A2")])
    assert not caught.value.retryable
    (answer,) = sink.send([make_record(1)])
    assert answer.verdict is Verdict.REJECTED


def test_refused_credentials_are_read_anew(
    server: ScriptedServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script.append(fault("ExpiredTokenException"))
    with pytest.raises(SinkError):
        sink.send([make_record(1)])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")
    server.script.append(Reply(200, {"Records": [{"SequenceNumber": "1", "ShardId": "s"}]}))
    assert sink.send([make_record(1)]) == [ACCEPTED]
    assert "Credential=renewed/" in server.requests[1].headers["authorization"]


def test_answers_that_do_not_match_accept_nothing(server: ScriptedServer, sink: Sink) -> None:
    server.script.append(Reply(200, {"Records": []}))
    with pytest.raises(SinkError, match="0 answers for 1 records"):
        sink.send([make_record(1)])


def test_late_reply_is_a_timeout(server: ScriptedServer, sink: Sink) -> None:
    release = threading.Event()
    server.script.append(Reply(hold=release))
    with pytest.raises(SinkError, match="Read timeout") as caught:
        sink.send([make_record(1)])
    release.set()
    assert "uplink" in caught.value.hint
    assert len(server.requests) == 1


def test_no_credentials_are_named(
    server: ScriptedServer, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SinkError, match="Unable to locate credentials") as caught:
        sink.send([make_record(1)])
    assert "credentials" in caught.value.hint


def test_unknown_profile_is_named(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    with pytest.raises(SinkError, match="absent"):
        sink.open()


@pytest.mark.parametrize(
    "wrong", [{"stream_name": "a b"}, {"region": "Frankfurt"}, {"aws_secret_access_key": "x"}]
)
def test_wrong_options_are_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Config.model_validate({"stream_name": "lot", "region": REGION, **wrong})
