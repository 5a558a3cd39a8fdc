"""The settings: put in place once and again, read by whom they are for, and known to the doctor."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from doctor.machine import Machine
from doctor.subjects import interfaces, journal
from doctor.wants import Wants
from simulator import namespaces

REPO = Path(__file__).parents[2]
FOLDER = REPO / "firmware-config"
BOOT = "boot/firmware"
CMDLINE = "console=tty1 root=PARTUUID=1-02 systemd.run=/boot/firmware/firstrun.sh systemd.unit=x\n"
OPEN, SHUT = (22, 8883, 8443), (1883, 9464)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Pi's tree before: Bookworm's, with a config.txt whose last section is for one model."""
    for path, text in {
        f"{BOOT}/config.txt": "dtparam=audio=on\n[cm5]\ndtoverlay=dwc2",
        f"{BOOT}/cmdline.txt": CMDLINE,
        "etc/dphys-swapfile": "CONF_SWAPSIZE=512\n",
        "etc/nftables.conf": "flush ruleset\n",
        "usr/lib/systemd/journald.conf.d/40-rpi-volatile-storage.conf": "Storage=volatile\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def apply(root: Path, *options: str) -> dict[str, str]:
    """The tree afterwards."""
    subprocess.run(["sh", FOLDER / "apply", *options, root], check=True, capture_output=True)
    return tree(root)


def tree(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_text() for path in paths}


def test_a_second_time_changes_nothing(root: Path) -> None:
    before, first = tree(root), apply(root, "--firewall")
    assert first != before
    assert apply(root, "--firewall") == first


def test_every_setting_is_put_in_place(root: Path) -> None:
    found = apply(root, "--firewall").values()
    others = {"README.md", "apply", "user-data", "firstrun.sh"}
    for path in FOLDER.iterdir():
        assert path.name in others or path.read_text() in found, path.name


def test_the_firewall_is_set_up_only_where_asked_for(root: Path) -> None:
    assert not [path for path in apply(root) if "nftables.d" in path]
    assert apply(root, "--firewall")["etc/nftables.conf"].count("nftables.d/*.nft") == 1


def test_what_was_changed_on_the_boot_partition_stays(root: Path) -> None:
    apply(root)
    (root / BOOT / "lotkeeper.txt").write_text("mine")
    assert apply(root)[f"{BOOT}/lotkeeper.txt"] == "mine"


def test_the_doctor_finds_it_so(root: Path) -> None:
    (root / "run/systemd/journal").mkdir(parents=True)
    machine = Machine(root, lambda _: "")
    assert not journal.probe(machine, Wants()).kept
    apply(root)
    facts = journal.probe(machine, Wants())
    assert facts.kept
    assert facts.cap == "64M"
    settings = interfaces.probe(machine, Wants()).settings
    assert settings["i2c_arm"] == settings["watchdog"] == settings["disable-bt"] == "on"
    assert settings["i2c_arm_baudrate"] == "100000"
    assert "dwc2" not in settings


def test_the_doctor_names_only_files_that_are_there() -> None:
    sources = [path.read_text() for path in (REPO / "doctor").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"\{SHIPPED\}/([\w.-]+)", text)}
    assert len(named) >= 4
    assert [name for name in named if not (FOLDER / name.rstrip(":")).exists()] == []


def test_the_first_boot_of_bookworm(root: Path) -> None:
    shutil.copytree(FOLDER, root / BOOT / "firmware-config")
    shutil.copy(FOLDER / "firstrun.sh", root / BOOT)
    subprocess.run(["sh", root / BOOT / "firstrun.sh", root], check=True, capture_output=True)
    found = tree(root)
    assert found[f"{BOOT}/cmdline.txt"] == "console=tty1 root=PARTUUID=1-02\n"
    assert f"{BOOT}/firstrun.sh" not in found
    assert "include lotkeeper.txt" in found[f"{BOOT}/config.txt"]


def test_the_first_boot_of_trixie() -> None:
    text = (FOLDER / "user-data").read_text()
    document = yaml.safe_load(text)
    assert text.startswith("#cloud-config\n")
    assert document["rpi"]["interfaces"]["i2c"] is True
    assert document["runcmd"][-1] == ["/usr/share/lotkeeper/firmware-config/apply"]


MISSING = namespaces.missing()
INHERENT = "" if os.geteuid() == 0 else "inherent: "


@pytest.mark.skipif(bool(MISSING), reason=f"{INHERENT}no test hosts: {MISSING}")
def test_the_firewall_lets_in_what_it_says() -> None:
    """Two hosts on a switch; the Pi listens on all ports, and the other one knocks."""
    with namespaces.Network(["pi", "other"]) as network:
        pi, other = network.hosts["pi"], network.hosts["other"]
        pi.run("nft", "-f", str(FOLDER / "firewall.nft"))
        with pi.entered():
            listening = [socket.create_server(("", port)) for port in (*OPEN, *SHUT)]
        try:
            with other.entered():
                assert [port for port in OPEN if not answers(pi.address, port)] == []
                assert [port for port in SHUT if answers(pi.address, port)] == []
            with pi.entered():
                assert answers("127.0.0.1", SHUT[0])
        finally:
            for each in listening:
                each.close()


def answers(address: str, port: int) -> bool:
    """What is dropped answers nothing: a while is waited for it."""
    try:
        socket.create_connection((address, port), 1.0).close()
    except TimeoutError:
        return False
    return True
