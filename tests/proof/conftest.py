"""Upstreams behind a fault proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.clouds import HttpCloud, KinesisCloud


@pytest.fixture(scope="session")
def moto_port() -> Iterator[int]:
    pytest.importorskip("boto3", reason="needs the extra [kinesis]")
    server_module = pytest.importorskip("moto.server", reason="needs moto[server]")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def kinesis(
    moto_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KinesisCloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    cloud = KinesisCloud(moto_port, tmp_path)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(cloud.credentials))
    cloud.renew("FIRST")
    yield cloud
    cloud.close()


@pytest.fixture
def http(tmp_path: Path) -> Iterator[HttpCloud]:
    cloud = HttpCloud(tmp_path)
    yield cloud
    cloud.close()
