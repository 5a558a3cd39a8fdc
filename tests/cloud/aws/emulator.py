"""An AWS on this machine that executes: streams, functions, Firehose, Athena, alarms (ministack).

It lives in an environment of its own, `make emulator`: it needs a botocore that ours is newer than.
What it does otherwise than AWS is in docs/cloud-terraform.md.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.processes import free_port

PYTHON = Path(__file__).parents[3] / "build/emulator/bin/python"
LAUNCH = Path(__file__).parent / "launch.py"
REGION = "eu-central-1"
ACCOUNT = "111122223333"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Emulator:
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """For AWS's libraries, so that they ask the emulator and no other."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "emulated",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

    def client(self, service: str) -> Any:
        return _client(service, self.url)


@cache
def _client(service: str, url: str) -> Any:
    from boto3.session import Session

    return Session(ACCOUNT, "emulated", region_name=REGION).client(service, endpoint_url=url)


@contextmanager
def emulator(folder: Path) -> Iterator[Emulator]:
    """One that keeps what it must in `folder`."""
    if not PYTHON.exists():
        pytest.skip("the emulator is not installed: make emulator")
    port = free_port()
    places = {name: str(folder / name.lower()) for name in ("TMPDIR", "S3_DATA_DIR")}
    for each in places.values():
        Path(each).mkdir()
    said = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION}
    environment = {**os.environ, **places, **said, "MINISTACK_ACCOUNT_ID": ACCOUNT}
    environment.pop("AWS_ENDPOINT_URL", None)
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, LAUNCH], env=environment, stdout=log, stderr=log, cwd=folder
        )
    try:
        _await(port, process)
        yield Emulator(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until_s:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            continue
        return
    raise OSError(f"the emulator does not listen (status {process.returncode})")
