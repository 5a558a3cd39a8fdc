import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.sinks import ACCEPTED, Outgoing, SinkError, Verdict
from gateway.sinks.kafka import Config, Sink
from gateway.sinks.testing import SinkContract, make_record
from tests.gateway.sinks.brokers import PARTITIONS, Broker, create_topic, free_port, read_all
from tests.gateway.sinks.wire import Gate

confluent_kafka = pytest.importorskip("confluent_kafka", reason="needs the extra [kafka]")

numbers = count()


@pytest.fixture(scope="module")
def broker_gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.close()


@pytest.fixture(scope="module")
def broker(broker_gate: Gate) -> Iterator[Broker]:
    broker = Broker(broker_gate)
    yield broker
    broker.stop()


class KafkaRig:
    """A topic of three partitions on a real broker."""

    poison = Outgoing(2, "lot/A2", b"{}" + b" " * 1_000_000)

    def __init__(self, broker: Broker, gate: Gate) -> None:
        self._gate = gate
        self._address = broker.address
        self.topic = f"lot-{next(numbers)}"
        create_topic(broker.address, self.topic)
        self.sink = Sink(
            Config(
                bootstrap_servers=broker.address,
                topic=self.topic,
                security="plaintext",
                timeout_s=2.5,
            )
        )

    def taken(self) -> list[dict[str, Any]]:
        return [json.loads(message.value()) for message in read_all(self._address, self.topic)]

    def break_upstream(self) -> None:
        self._gate.shut()

    def mend_upstream(self) -> None:
        self._gate.mend()


@pytest.fixture
def rig(broker: Broker, broker_gate: Gate) -> Iterator[KafkaRig]:
    rig = KafkaRig(broker, broker_gate)
    yield rig
    broker_gate.mend()
    rig.sink.close()


class TestContract(SinkContract):
    """With `rig` above."""


def test_key_is_the_spot_and_stays_in_its_partition(rig: KafkaRig, broker: Broker) -> None:
    keys = [f"lot/A{n % 10}" for n in range(200)]
    assert rig.sink.send([make_record(n, key) for n, key in enumerate(keys)]) == [ACCEPTED] * 200
    messages = read_all(broker.address, rig.topic)
    homes = {(message.key().decode(), message.partition()) for message in messages}
    assert {key for key, _ in homes} == set(keys)
    assert len(homes) == 10
    assert len({partition for _, partition in homes}) > 1
    for key in set(keys):
        seqs = [json.loads(m.value())["seq"] for m in messages if m.key().decode() == key]
        assert seqs == [n for n, k in enumerate(keys) if k == key]


def test_key_is_placed_as_by_a_java_producer(rig: KafkaRig, broker: Broker) -> None:
    """murmur2 of "lot/A1" etc.; a producer in Java must find the same partition."""
    keys = [f"lot/A{n}" for n in range(8)]
    rig.sink.send([make_record(n, key) for n, key in enumerate(keys)])
    homes = {m.key().decode(): m.partition() for m in read_all(broker.address, rig.topic)}
    assert homes == {key: (murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS for key in keys}


def murmur2(data: bytes) -> int:
    """Kafka's `org.apache.kafka.common.utils.Utils.murmur2`."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = h * m & mask ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def test_kept_record_never_leaves_by_itself(rig: KafkaRig) -> None:
    """What failed in an outage does not arrive later, behind the forwarder's back."""
    rig.sink.send([make_record(1)])
    rig.break_upstream()
    with pytest.raises(SinkError):
        rig.sink.send([make_record(2), make_record(3)])
    rig.mend_upstream()
    assert rig.sink.send([make_record(4)]) == [ACCEPTED]
    assert [record["seq"] for record in rig.taken()] == [1, 4]


@pytest.fixture
def mock_cluster() -> Iterator[str]:
    """The address of librdkafka's own mock cluster, which lives as long as its client."""
    client = confluent_kafka.Producer(
        {"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0}
    )
    metadata = client.list_topics(timeout=10)
    yield ",".join(f"{broker.host}:{broker.port}" for broker in metadata.brokers.values())
    client.close()


def mock_sink(address: str, **options: Any) -> Sink:
    return Sink(Config(bootstrap_servers=address, topic="lot", security="plaintext", **options))


def test_mock_cluster_accepts(mock_cluster: str) -> None:
    sink = mock_sink(mock_cluster)
    assert sink.send([make_record(n) for n in range(100)]) == [ACCEPTED] * 100
    sink.close()


def test_record_above_the_limit_is_rejected_beside_the_others(mock_cluster: str) -> None:
    sink = mock_sink(mock_cluster, message_max_bytes=1000)
    batch = [make_record(1), make_record(2, fill="x" * 1000), make_record(3)]
    verdicts = [answer.verdict for answer in sink.send(batch)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.REJECTED, Verdict.ACCEPTED]
    sink.close()


def test_broker_that_is_silent_is_given_up_in_time() -> None:
    """Accepted by the system, answered by no one: half-open, as a dead uplink leaves it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = mock_sink(f"127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.5)
        with pytest.raises(SinkError, match="no delivery report in time") as caught:
            sink.send([make_record(1)])
    assert caught.value.retryable
    assert "uplink" in caught.value.hint


def test_refused_connection_is_named() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(SinkError, match="Connection refused") as caught:
        mock_sink(address, timeout_s=0.5).send([make_record(1)])
    assert "`bootstrap_servers`" in caught.value.hint


def test_tls_to_a_plain_broker_is_named(mock_cluster: str) -> None:
    sink = Sink(Config(bootstrap_servers=mock_cluster, topic="lot", timeout_s=1.0))
    with pytest.raises(SinkError, match="SSL") as caught:
        sink.send([make_record(1)])
    assert "`security`" in caught.value.hint


def refuse_next_produce(gate: Gate, topic: str, code: int) -> None:
    """Write `code` into the next Produce reply (version 9 and later): KIP-482's compact form.

    After the topic's name stand one byte of array length, the partition (int32), the error.
    """

    def tamper(reply: bytes) -> bytes:
        at = reply.find(topic.encode()) + len(topic) + 5
        gate.tamper = lambda reply: reply
        return reply[:at] + code.to_bytes(2, "big") + reply[at + 2 :]

    gate.tamper = tamper


@pytest.mark.parametrize("code", [10, 87], ids=["MSG_SIZE_TOO_LARGE", "INVALID_RECORD"])
def test_set_that_the_broker_refuses_is_for_bisection_and_one_record_is_rejected(
    rig: KafkaRig, broker_gate: Gate, code: int
) -> None:
    batch = [make_record(2), make_record(3)]
    rig.sink.send([make_record(1)])
    refuse_next_produce(broker_gate, rig.topic, code)
    assert [answer.verdict for answer in rig.sink.send(batch)] == [Verdict.SPLIT] * 2
    rig.sink.send([make_record(1)])
    refuse_next_produce(broker_gate, rig.topic, code)
    (answer,) = rig.sink.send([make_record(2)])
    assert answer.verdict is Verdict.REJECTED
    assert rig.sink.send([make_record(4)]) == [ACCEPTED]


class TestSecurity:
    def test_scram_takes_its_password_from_a_file(self, tmp_path: Path) -> None:
        """librdkafka itself checks the options when the producer is made."""
        password = tmp_path / "password"
        password.write_text("secret\n")
        password.chmod(0o644)
        config = Config(
            bootstrap_servers="127.0.0.1:1",
            topic="lot",
            security="scram",
            username="lot",
            password_file=password,
        )
        with pytest.raises(SinkError, match="others may use it"):
            Sink(config).open()
        password.chmod(0o600)
        sink = Sink(config)
        sink.open()
        sink.close()

    def test_bad_ca_file_is_named(self, tmp_path: Path) -> None:
        config = Config(bootstrap_servers="127.0.0.1:1", topic="lot", ca_file=tmp_path / "ca.pem")
        with pytest.raises(SinkError, match=r"ca\.location") as caught:
            Sink(config).open()
        assert "`security`" in caught.value.hint

    @pytest.mark.parametrize("security", ["scram", "msk_iam"])
    def test_what_is_missing_is_named(self, security: str) -> None:
        options = {"bootstrap_servers": "b:9092", "topic": "lot", "security": security}
        with pytest.raises(ValidationError, match=f"security '{security}' needs"):
            Config.model_validate(options)

    @pytest.mark.parametrize("servers", ["", "broker", "a:1,b", "a:1 b:2"])
    def test_servers_need_ports(self, servers: str) -> None:
        with pytest.raises(ValidationError, match="bootstrap_servers"):
            Config(bootstrap_servers=servers, topic="lot")

    def test_no_credentials_are_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("aws_msk_iam_sasl_signer", reason="needs the extra [kafka]")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            monkeypatch.setenv(name, "/dev/null")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        config = Config(
            bootstrap_servers="127.0.0.1:1", topic="lot", security="msk_iam", region="eu-west-1"
        )
        with pytest.raises(SinkError, match="no AWS credentials") as caught:
            Sink(config).open()
        assert "role" in str(caught.value)

    def test_certificate_of_a_stranger_is_refused(self, certificate: tuple[Path, Path]) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=shake_hands, args=(listener, context), daemon=True)
            thread.start()
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            config = Config(bootstrap_servers=address, topic="lot", timeout_s=1.0)
            with pytest.raises(SinkError, match="certificate verify failed") as caught:
                Sink(config).send([make_record(1)])
        assert "`ca_file`" in caught.value.hint


def shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Answer TLS handshakes until the listener closes; the client breaks each off."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, suppress(OSError):
            context.wrap_socket(client, server_side=True).close()
