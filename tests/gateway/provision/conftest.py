"""A lot that was set up by the commands, with a real mosquitto that took its configuration."""

import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.provision import register
from gateway.provision.places import BrokerPlaces, Places
from gateway.provision.site import Site, open_site
from runtime.mqtt import MqttSettings, TlsSettings
from simulator.processes import Child, free_port

MAIN_CONF = """\
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {data}/
include_dir {folder}/mosquitto/conf.d
"""


@dataclass
class Ground:
    """A folder for one lot, its broker's port, and the commands upon it."""

    folder: Path
    port: int

    @property
    def places(self) -> Places:
        return Places(self.folder / "lotkeeper")

    @property
    def broker_places(self) -> BrokerPlaces:
        return BrokerPlaces(self.folder / "mosquitto")

    def run(self, *arguments: object) -> Result:
        """`lotkeeper gateway ...` on this lot, whatever its exit status."""
        words = [str(each) for each in arguments]
        return CliRunner().invoke(
            app, [*words, "--dir", str(self.places.root)], catch_exceptions=False
        )

    def done(self, *arguments: object) -> str:
        """The same, which must succeed; its output."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def init(self, *more: object) -> str:
        return self.done(
            "init", "--lot", "north", "--host", "localhost", "--zone", "A:3",
            "--port", self.port, "--broker-dir", self.broker_places.root,
            "--broker-pid-file", self.folder / "mosquitto.pid", *more,
        )  # fmt: skip

    def site(self) -> Site:
        return open_site(self.places)

    def known(self) -> register.Register:
        return register.read(self.places.register)

    def device(self, name: str, kind: str = "add-agent") -> TlsSettings:
        """A device's identity, its key made here."""
        self.done(kind, name, "--with-key", "--out", self.folder / "bundles")
        return tls_of(self.folder / "bundles" / name / "tls", "identity")

    def own(self, file: str) -> TlsSettings:
        return tls_of(self.places.root / "tls", file)

    def mqtt(self, tls: TlsSettings, protocol: str = "5") -> MqttSettings:
        return MqttSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": self.port,
                "protocol": protocol,
                "tls": tls,
                "reconnect_min_s": 0.05,
                "reconnect_max_s": 0.2,
            }
        )


def tls_of(folder: Path, file: str) -> TlsSettings:
    return TlsSettings(
        ca_file=folder / "ca.crt",
        cert_file=folder / f"{file}.crt",
        key_file=folder / f"{file}.key",
    )


def context_of(tls: TlsSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.ca_file))
    assert tls.cert_file
    context.load_cert_chain(tls.cert_file, tls.key_file)
    return context


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """A lot's folder, which a broker that is not root can reach; nothing is in it."""
    folder = Path(tempfile.mkdtemp(prefix="lot-"))
    folder.chmod(0o755)
    yield Ground(folder, free_port())
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def lot(ground: Ground) -> Ground:
    """A lot that is set up, without a broker."""
    ground.init()
    return ground


@pytest.fixture(scope="module")
def guarded(ground: Ground) -> Iterator[Ground]:
    """A lot that is set up, and mosquitto with the configuration that it was given."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    ground.init()
    data = ground.folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "mosquitto")
        shutil.chown(ground.folder, "mosquitto")  # for the pid file
    conf = ground.folder / "mosquitto.conf"
    conf.write_text(MAIN_CONF.format(folder=ground.folder, data=data))
    child = Child("broker", [program, "-c", str(conf)], ground.folder, ground.port)
    child.start()
    yield ground
    child.stop()
