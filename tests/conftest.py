"""What the tests of every package share: recorded data, brokers, and no silent skips."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from simulator import embedded
from simulator.processes import free_port

REPO = Path(__file__).parents[1]
LOCALHOST = "127.0.0.1"
NO_SKIPS = bool(os.environ.get("LOTKEEPER_NO_SKIPS"))
INHERENT = "inherent:"
"""Begins the reason of a skip that no installed package could spare."""

MOSQUITTO_CONF = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 200
max_queued_messages 100000
"""

pytest.register_assert_rewrite(
    "drivers.testing.contract",
    "drivers.testing.magnetometer",
    "gateway.sinks.testing",
    "spool.testing",
)

_databases = count()

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    return _no_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    return _no_skip(report)


def _no_skip(report: pytest.TestReport | pytest.CollectReport):
    """With LOTKEEPER_NO_SKIPS, a skip that is not inherent is a failure."""
    if not NO_SKIPS or not report.skipped or hasattr(report, "wasxfail"):
        return report
    path, line, message = report.longrepr
    reason = message.removeprefix("Skipped: ")
    if not reason.startswith(INHERENT):
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: a skip, and LOTKEEPER_NO_SKIPS is set: {reason}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded data: LOTKEEPER_DATA, or shared/data beside the repository."""
    path = Path(os.environ.get("LOTKEEPER_DATA", REPO.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"no recorded data at {path}: set LOTKEEPER_DATA")
    return path


@pytest.fixture(scope="session")
def broker() -> Iterator[tuple[str, int]]:
    """(host, port) of the embedded broker of the demo, in a child process. MQTT 3.1.1 only."""
    iotcore = pytest.importorskip("iotcore", reason="needs the extra [demo]")
    port = free_port()
    with iotcore.Broker(
        port=port, listen=LOCALHOST, max_payload_size=1_048_576, max_inflight_count=500
    ):
        yield LOCALHOST, port


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """(host, port) of a real mosquitto that keeps nothing when it ends."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    port = free_port()
    folder = tmp_path_factory.mktemp("mosquitto")
    conf = folder / "mosquitto.conf"
    conf.write_text(MOSQUITTO_CONF.format(port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", conf], stdout=log, stderr=log)
    try:
        _await_listener(port)
        yield LOCALHOST, port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A server's address, with the database `model` in it, which is migrated."""
    from cloud.postgres import connect, migrate

    folder = Path(tempfile.mkdtemp(prefix="lotkeeper-postgres-"))
    with embedded.postgres(folder) as uri:
        with connect(uri) as conn:
            conn.execute("ALTER SYSTEM SET fsync = off")  # nobody cuts the power here
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("CREATE DATABASE model")
        with connect(uri.replace("/postgres?", "/model?")) as conn:
            migrate(conn)
        yield uri
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dsn(postgres: str) -> Iterator[str]:
    """The address of a new, migrated database, of the test alone."""
    with database(postgres) as address:
        yield address


@contextmanager
def database(postgres: str) -> Iterator[str]:
    """A new, migrated database on the server `postgres`, until the block is left; its address."""
    from cloud.postgres import connect

    name = f"test_{next(_databases)}"
    with connect(postgres) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE model".encode())
    yield postgres.replace("/postgres?", f"/{name}?")
    with connect(postgres) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def dsn_of_module(postgres: str) -> Iterator[str]:
    """The same, of a module's tests together."""
    with database(postgres) as address:
        yield address


@retry(
    retry=retry_if_exception_type(ConnectionRefusedError),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.02),
    reraise=True,
)
def _await_listener(port: int) -> None:
    socket.create_connection((LOCALHOST, port), 1).close()
