"""How a broker is told: the right process, once there is something new, and what became of it."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.provision import broker
from gateway.provision.broker import Told
from gateway.provision.files import Planned
from gateway.provision.lot import Lot
from gateway.provision.places import BROKER
from gateway.provision.register import Register, Role

UNITS_PID = "show mosquitto.service --property=MainPID --value"
Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def lot(tmp_path: Path) -> Lot:
    return Lot(
        facility_id="f",
        lot_id="north",
        hosts=["h"],
        broker=tmp_path / "etc",
        broker_pid_file=tmp_path / "pid",
    )


@pytest.fixture
def start(lot: Lot, tmp_path: Path) -> Iterator[Start]:
    """A shell by another name that says how it takes SIGHUP, with its pid in the broker's file."""
    started = []

    def run(name: str, on_hup: str) -> "subprocess.Popen[str]":
        program = tmp_path / name
        shutil.copy("/bin/sh", program)
        script = f"trap '{on_hup}' HUP; echo ready; while read line; do :; done; read line"
        process = subprocess.Popen(
            # Under nohup a shell could not trap what it was born to ignore.
            ["env", "--default-signal=HUP", program, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        lot.broker_pid_file.write_text(f"{process.pid}\n")
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def new(lot: Lot) -> list[Planned]:
    return [Planned(lot.broker / "lotkeeper" / "acl", b"")]


def test_a_broker_that_reads_is_told(lot: Lot, start: Start) -> None:
    process = start("mosquitto", "echo heard")
    assert broker.tell(lot, new(lot)) is Told.READS
    assert process.stdout
    assert process.stdout.readline() == "heard\n"


def test_a_broker_that_crashes_at_it_is_noticed(lot: Lot, start: Start) -> None:
    process = start("mosquitto", "kill -SEGV $$")
    assert broker.tell(lot, new(lot)) is Told.ENDED
    assert process.wait(10) == -signal.SIGSEGV


def test_another_program_with_its_old_pid_is_left_alone(lot: Lot, start: Start) -> None:
    process = start("innocent", "exit 1")
    assert broker.tell(lot, new(lot)) is Told.NOT_RUNNING
    assert process.poll() is None


def test_no_pid_file_is_no_broker(lot: Lot) -> None:
    assert broker.tell(lot, new(lot)) is Told.NOT_RUNNING


def test_where_debians_broker_writes_no_pid_file_its_unit_is_asked(
    lot: Lot, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Debian 13; only for the folder that Debian's own broker reads."""
    process = start("mosquitto", "echo heard")
    lot.broker_pid_file.unlink()
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\n[ "$*" = "{UNITS_PID}" ] && echo {process.pid}\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")
    assert broker.tell(lot, new(lot)) is Told.NOT_RUNNING
    debians = lot.model_copy(update={"broker": BROKER})
    assert broker.tell(debians, new(debians)) is Told.READS
    assert process.stdout
    assert process.stdout.readline() == "heard\n"


def test_nothing_new_is_not_told(lot: Lot, start: Start) -> None:
    process = start("mosquitto", "exit 1")
    assert broker.tell(lot, [Planned(Path("/elsewhere"), b"")]) is Told.NOTHING_NEW
    assert process.poll() is None


def test_who_is_revoked_or_never_came_has_no_rights(lot: Lot) -> None:
    now = datetime.now(UTC)
    known = Register()
    for name in ("in", "out", "late"):
        known.add(name, Role.AGENT)
        known.invite(name, now, timedelta(days=1 if name != "late" else -1))
    known.revoke("out", now)
    text = broker.acl(lot, known, now).content.decode()
    users = [line for line in text.splitlines() if line.startswith("user ")]
    assert users == ["user in"]
