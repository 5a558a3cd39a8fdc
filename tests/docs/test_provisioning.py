"""The provisioning page: its commands run, in its order, from an empty folder to a restored lot."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from gateway.cli import app
from gateway.config import GatewaySettings
from gateway.provision import broker_db
from gateway.provision.bundle import INVITATION_DAYS
from gateway.provision.register import DEVICE_DAYS, DUE, Role
from gateway.provision.restoring import verify
from gateway.store import GatewayStore
from runtime.config import load
from simulator.processes import free_port

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed: apt-get install openssl"
)
REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "provisioning.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
CSV = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPO)}


class Walk:
    """A machine's folders, in place of / of a gateway and of a Pi."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.server: subprocess.Popen[str] | None = None
        assert CSV
        (folder / "lot.csv").write_text(CSV[1])

    @property
    def ports(self) -> str:
        return f"--enrolment-port {self.port}"

    @property
    def lot(self) -> Path:
        return self.folder / "lotkeeper"

    def here(self, command: str) -> str:
        """The page's command with this test's folders."""
        words = command.replace("lotkeeper ", f"{sys.executable} -m lotkeeper ", 1)
        if " gateway init " in command:
            words = words.replace("gateway.local", "127.0.0.1")
            return f"{words} --dir {self.lot} --broker-dir {self.folder}/mosquitto {self.ports}"
        if " restore" in command:
            return words
        more = f"--dir {self.lot}"
        if " backup" in command:
            more = f"-c {self.lot}/gateway.toml"
        elif " check-broker-db" in command:
            more = f"--db {self.folder}/mosquitto.db"
        elif " agent enroll " in command:
            more = f"--tls {self.folder}/pi"
        elif " lotkeeper agent " in words:
            more = f"-c {self.folder}/pi/agent.toml"
        before, asked, after = words.partition(" ||")
        return f"{before} {more}{asked}{after}"

    def prepare(self, command: str) -> None:
        """What the page says beside its commands: the server runs, the Pi has its agent.toml."""
        if " agent enroll " in command:
            serve = [*shlex.split(self.here("lotkeeper gateway enrolment")), "--bind", "127.0.0.1"]
            self.server = subprocess.Popen(
                serve, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, cwd=self.folder
            )
            assert self.server.stderr
            assert "enrolment of lot north" in self.server.stderr.readline()
            (self.folder / "pi").mkdir()
            text = (self.folder / "bundles/pi-07/agent.toml").read_text()
            text = text.replace("/etc/lotkeeper/tls", str(self.folder / "pi"))
            (self.folder / "pi/agent.toml").write_text(text)
        if " agent rotate" in command:
            # `replace` has revoked this Pi: it comes again, with the new bundle
            again = "lotkeeper agent enroll --invitation again/pi-07/invitation"
            done = self.shell(self.here(again))
            assert done.returncode == 0, done.stderr
        if " backup" in command:
            config = self.lot / "gateway.toml"
            text = config.read_text()
            config.write_text(text.replace("[mqtt]\n", f'[store]\npath = "{self.store}"\n[mqtt]\n'))
            GatewayStore(self.store, 1_000_000).close()
        if " restore" in command:
            for each in self.store.parent.glob("gateway.db*"):
                each.unlink()

    @property
    def store(self) -> Path:
        return self.folder / "gateway.db"

    def shell(self, command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["sh", "-c", command], env=ENVIRONMENT, cwd=self.folder, capture_output=True,
            text=True, timeout=50,
        )  # fmt: skip

    def stop(self) -> None:
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(10)
            assert self.server.stderr
            self.server.stderr.close()


@pytest.fixture(scope="module")
def walk() -> Iterator[Walk]:
    with tempfile.TemporaryDirectory() as folder:
        made = Walk(Path(folder))
        yield made
        made.stop()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, walk: Walk) -> None:
    walk.prepare(command)
    done = walk.shell(walk.here(command))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout or done.stderr
    assert "Traceback" not in done.stderr


def test_at_the_end_the_restored_lot_is_whole(walk: Walk) -> None:
    settings = load(walk.folder / "restored" / "gateway.toml", GatewaySettings)
    assert [spot.spot_id for spot in settings.spots] == ["A1", "A2", "B1"]
    assert verify(walk.store).good
    listed = walk.shell(walk.here("lotkeeper gateway list")).stdout
    assert re.search(r"^pi-07 +agent +active", listed, re.MULTILINE)
    assert re.search(r"^sign-1 +display +revoked", listed, re.MULTILINE)


def test_every_command_of_the_package_is_on_the_page() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    ours = {
        name
        for name, command in commands.items()
        if command.callback and command.callback.__module__.startswith("gateway.provision")
    }
    assert len(ours) > 10
    assert {name for name in ours if f"lotkeeper gateway {name}" not in PAGE} == set()


def test_the_figures_are_the_codes() -> None:
    assert f"good for {INVITATION_DAYS} days" in PAGE
    assert f"within {DUE.days} days" in PAGE
    assert f"last {DEVICE_DAYS} days" in PAGE
    assert str(broker_db.DATABASE.name) in PAGE


def test_every_role_is_in_the_table() -> None:
    rows = " ".join(re.findall(r"^\| (`[a-z]+`(?:, `[a-z]+`)*) \|", PAGE, re.MULTILINE))
    assert {role for role in Role if role is not Role.SERVER} <= set(re.findall("[a-z]+", rows))
