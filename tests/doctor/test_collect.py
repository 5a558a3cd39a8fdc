"""The tarball holds what helps, and none of the secrets that were on the machine."""

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doctor.collect import COMMANDS, collect
from doctor.diag_cli import app
from doctor.machine import Machine

SECRETS = ("hunter2", "swordfish", "s3cr3t-token", "AKIAABCDEFGHIJKLMNOP", "PRIVATE KEY")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    root = tmp_path / "root"
    for path, text in {
        "etc/lotkeeper/gateway.toml": 'lot_id = "north"\npassword = "hunter2"\n'
        'url = "https://me:swordfish@cloud.example/x"\n',
        "etc/lotkeeper/tls/identity.key": "-----BEGIN PRIVATE KEY-----\nMIGH\n",
        "etc/lotkeeper/invitation": "s3cr3t-token",
        "boot/firmware/config.txt": "dtparam=i2c_arm=on\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    journal = 'key AKIAABCDEFGHIJKLMNOP token=s3cr3t-token "api_key": "swordfish"'
    return Machine(root, lambda command: journal if command[0] == "journalctl" else "")


def texts_of(tarball: Path) -> dict[str, str]:
    with tarfile.open(tarball) as archive:
        members = {each.name: archive.extractfile(each) for each in archive.getmembers()}
        return {name: file.read().decode() for name, file in members.items() if file}


def test_helps_and_keeps_secrets(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "diag.tar.gz"
    names = collect(machine, path)
    texts = texts_of(path)
    assert {f"lotkeeper-diag/{name}" for name in names} == set(texts)
    assert 'lot_id = "north"' in texts["lotkeeper-diag/files/etc/lotkeeper/gateway.toml"]
    assert "i2c_arm=on" in texts["lotkeeper-diag/files/boot/firmware/config.txt"]
    assert '"findings"' in texts["lotkeeper-diag/doctor.json"]
    assert len(texts) >= len(COMMANDS) + 3
    for secret in SECRETS:
        assert [name for name, text in texts.items() if secret in text] == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_does_not_write_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "there"
    path.write_text("mine")
    run = CliRunner().invoke(app, ["collect", "--output", str(path)])
    assert run.exit_code == 1
    assert path.read_text() == "mine"
    assert "name another" in run.stderr
