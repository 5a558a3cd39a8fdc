"""Purging takes what Lotkeeper wrote, the broker's key among it, and leaves what others wrote.

dpkg's scripts run on a tree by DPKG_ROOT (dpkg(1)); `make test-system` purges on a booted Debian.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from debian import trees
from debian.control import PACKAGES
from gateway.cli import app

pytestmark = pytest.mark.skipif(
    shutil.which("deb-systemd-helper") is None,
    reason="inherent: no Debian: deb-systemd-helper is not there",
)
OTHERS = ("conf.d/local.conf", "mosquitto.conf", "certs/README", "ca_certificates/README")


def purge(root: Path, name: str) -> None:
    (package,) = (each for each in PACKAGES if each.name == name)
    trees.scripts(root / name, package)
    script = root / name / "DEBIAN/postrm"
    subprocess.run(
        [script, "purge"],
        check=True,
        env={**os.environ, "DPKG_ROOT": str(root), "DPKG_MAINTSCRIPT_PACKAGE": name},
    )
    shutil.rmtree(root / name)


def init(root: Path, broker: Path, directory: str = "etc/lotkeeper", lot: str = "north") -> None:
    words = ["init", "--lot", lot, "--host", "h", "--zone", "A:2", "--dir", str(root / directory)]
    done = CliRunner().invoke(app, [*words, "--broker-dir", str(broker)], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with a broker of its administrator's, and a lot."""
    for name in OTHERS:
        path = tmp_path / "etc/mosquitto" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# mine\n")
    init(tmp_path, tmp_path / "etc/mosquitto")
    (tmp_path / "etc/lotkeeper/tls/identity.key").write_text("an agent's, on the same Pi")
    for name in ("agent.db", "gateway.db", "gateway.db-wal"):
        path = tmp_path / "var/lib/lotkeeper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_the_brokers_key_and_its_drop_in_go_with_the_gateway(root: Path) -> None:
    (root / "etc/mosquitto/lotkeeper/.broker.key.x1y2").write_text("of a power cut")
    assert (root / "etc/mosquitto/lotkeeper/broker.key").exists()
    purge(root, "lotkeeper-gateway")
    assert left(root / "etc/mosquitto") == set(OTHERS)
    assert not (root / "etc/mosquitto/lotkeeper").exists()
    assert left(root / "etc/lotkeeper") == {"tls/ca.crt", "tls/identity.key"}
    assert left(root / "var/lib/lotkeeper") == {"agent.db"}


def test_what_the_administrator_put_beside_them_stays(root: Path) -> None:
    mine = root / "etc/mosquitto/lotkeeper/mine.pem"
    mine.write_text("mine")
    purge(root, "lotkeeper-gateway")
    assert left(root / "etc/mosquitto") == {*OTHERS, "lotkeeper/mine.pem"}


def test_a_drop_in_that_is_not_ours_stays_with_what_it_names(root: Path) -> None:
    conf = root / "etc/mosquitto/conf.d/lotkeeper.conf"
    conf.write_text("# written by hand\n")
    before = left(root / "etc/mosquitto")
    purge(root, "lotkeeper-gateway")
    assert left(root / "etc/mosquitto") == before


def test_a_second_lots_own_broker_is_purged_too(root: Path) -> None:
    broker = root / "srv/mosquitto-south"
    init(root, broker, "etc/lotkeeper/lots/south", "south")
    plan = root / "etc/lotkeeper/lots/south/provision/lot.json"
    plan.write_text(plan.read_text().replace(str(root), ""))  # as its machine sees it
    assert (broker / "lotkeeper/broker.key").exists()
    purge(root, "lotkeeper-gateway")
    assert left(broker) == set()


def test_all_of_them_leave_nothing(root: Path) -> None:
    for name in ("lib/lotkeeper-console/console.db", "cache/lotkeeper-console/fonts.json"):
        path = root / "var" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for package in reversed(PACKAGES):
        purge(root, package.name)
    assert [path for path in left(root) if "lotkeeper" in path] == []
    assert left(root / "etc/mosquitto") == set(OTHERS)
