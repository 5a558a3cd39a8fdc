"""`lotkeeper console ...`: tokens, a configuration that is wrong, and the process itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed
from typer.testing import CliRunner

from console.cli import app


@pytest.fixture
def config(tmp_path: Path, site) -> Path:
    path = tmp_path / "console.toml"
    path.write_text(
        f'[store]\npath = "{tmp_path}/console.db"\n[rate]\npath = "{tmp_path}/rate.db"\n'
        f'[[lots]]\ngateway = "{site.config}"\n'
    )
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def add(config: Path, scope: str = "viewer") -> str:
    added = run("token", "add", "desk", "--scope", scope, "--days", 7, "-c", config)
    assert added.exit_code == 0, added.output
    return added.stdout.strip()


def test_tokens_are_made_listed_and_revoked(config: Path) -> None:
    token = add(config, "operator")
    listed = run("token", "list", "--json", "-c", config)
    (kept,) = json.loads(listed.stdout)
    assert (kept["name"], kept["scope"], kept["revoked"]) == ("desk", "operator", None)
    assert token not in listed.stdout
    assert kept["token_id"] in run("token", "list", "-c", config).stdout
    assert run("token", "revoke", kept["token_id"], "-c", config).exit_code == 0
    again = run("token", "revoke", kept["token_id"], "-c", config)
    assert (again.exit_code, "still stands" in again.stderr) == (1, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root makes files for others")
def test_what_root_makes_is_the_consoles(config: Path, tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    add(config)
    assert {path.stat().st_uid for path in tmp_path.glob("console.db*")} == {12345}


def test_a_devices_token_names_its_devices(config: Path) -> None:
    words = ("token", "add", "cams", "--scope", "device", "-c", config)
    refused = run(*words)
    assert (refused.exit_code, "--device LOT/DEVICE" in refused.stderr) == (2, True)
    refused = run(*words, "--device", "cam-1")
    assert (refused.exit_code, "device = 'cam-1'" in refused.stderr) == (2, True)
    refused = run("token", "add", "desk", "--device", "lot-1/cam-1", "-c", config)
    assert refused.exit_code == 2
    assert run(*words, "--device", "lot-1/cam-1", "--device", "lot-2/*").exit_code == 0
    (kept,) = json.loads(run("token", "list", "--json", "-c", config).stdout)
    assert kept["devices"] == ["lot-1/cam-1", "lot-2/*"]
    assert "lot-2/*" in run("token", "list", "-c", config).stdout


def test_a_scope_that_there_is_not_is_named(config: Path) -> None:
    refused = run("token", "add", "desk", "--scope", "root", "-c", config)
    assert (refused.exit_code, "one of viewer, operator, admin" in refused.stderr) == (2, True)


def test_people_are_added_listed_and_removed(config: Path) -> None:
    added = CliRunner().invoke(
        app, ["user", "add", "ann", "--scope", "operator", "-c", str(config)], "correct horse\n"
    )
    assert (added.exit_code, added.stdout) == (0, "ann may log in as operator\n")
    listed = run("user", "list", "--json", "-c", config)
    (kept,) = json.loads(listed.stdout)
    assert (kept["name"], kept["scope"]) == ("ann", "operator")
    assert set(kept) == {"name", "scope", "created"}
    assert "ann" in run("user", "list", "-c", config).stdout
    assert run("user", "remove", "ann", "-c", config).exit_code == 0
    again = run("user", "remove", "ann", "-c", config)
    assert (again.exit_code, "nobody logs in as 'ann'" in again.stderr) == (1, True)


def test_a_short_password_is_refused_and_not_shown(config: Path) -> None:
    refused = CliRunner().invoke(app, ["user", "add", "ann", "-c", str(config)], "hunter2\n")
    assert (refused.exit_code, "10 to 200" in refused.stderr) == (2, True)
    assert "hunter2" not in refused.output


def test_validate(config: Path, site) -> None:
    good = run("validate", "-c", config)
    assert (good.exit_code, site.lot_id in good.stdout) == (0, True)
    config.write_text(config.read_text() + "prot = 1\n")
    bad = run("validate", "-c", config)
    assert (bad.exit_code, "lots.0.prot is no option" in bad.stderr) == (2, True)


@contextmanager
def served(config: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    config.write_text(f"[http]\nport = {port}\n" + config.read_text())
    process = subprocess.Popen([sys.executable, "-m", "lotkeeper", "console", "run", "-c", config])
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@retry(
    retry=retry_if_exception_type(httpx.ConnectError),
    stop=stop_after_delay(20),
    wait=wait_fixed(0.05),
    reraise=True,
)
def reached(url: str, token: str) -> httpx.Response:
    return httpx.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_a_killed_console_comes_back_with_its_tokens(config: Path, site, free_port: int) -> None:
    token = add(config)
    url = f"http://127.0.0.1:{free_port}/api/v1/lots/{site.lot_id}"
    original = config.read_text()
    for ending in (signal.SIGKILL, signal.SIGTERM):
        config.write_text(original)
        with served(config, free_port) as process:
            assert reached(url, token).json()["gateway_heard"] is True
            began_s = time.monotonic()
            process.send_signal(ending)
            process.wait(10)
            assert time.monotonic() - began_s < 5
    assert site.service.failure is None
