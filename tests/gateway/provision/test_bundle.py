"""A device's bundle: what is in it, and what a Pi makes of it at its first boot."""

import os
import stat
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from agent.config import AgentSettings
from contract.enrolment import Invitation
from display.config import DisplaySettings
from gateway.config import ZoneSettings
from gateway.provision import ca, first_boot
from gateway.provision.bundle import display_toml
from gateway.provision.lot import Lot
from runtime.config import load

REPO = Path(__file__).parents[3]
PLAN = """
[[zones]]
zone_id = "A"
[[spots]]
spot_id = "A1"
zone_id = "A"
agent_id = "pi_07.north"
sensor = { kind = "a02yyuw", port = "/dev/serial0" }
[[spots]]
spot_id = "A2"
zone_id = "A"
agent_id = "pi_07.north"
sensor = { kind = "vl53l1x", bus = 1 }
"""
NAME = "pi_07.north"


@pytest.fixture(scope="module")
def planned(lot: Any) -> Any:
    path = lot.folder / "plan.toml"
    path.write_text(PLAN)
    lot.done("import", path, "--remove")
    (lot.folder / "wifi").write_text('it\'s "secret" $HOME\n')
    (lot.folder / "wifi").chmod(0o600)
    (lot.folder / "id.pub").write_text("ssh-ed25519 AAAA me@desk\n")
    return lot


@pytest.fixture(scope="module")
def bundle(planned: Any) -> Path:
    """An invited device's."""
    planned.done(
        "add-agent", NAME, "--out", planned.folder / "out", "--wifi", "Bay's net",
        "--wifi-password-file", planned.folder / "wifi", "--wifi-country", "de",
        "--ssh-key", planned.folder / "id.pub", "--user", "ina",
    )  # fmt: skip
    return Path(planned.folder / "out" / NAME)


def test_an_invited_device_has_no_key_in_its_bundle(bundle: Path) -> None:
    files = {str(path.relative_to(bundle)): path for path in bundle.rglob("*") if path.is_file()}
    assert set(files) == {
        "agent.toml", "tls/ca.crt", "invitation", "invitation.svg", "user-data",
        "network-config", "firstrun.sh",
    }  # fmt: skip
    public = {name for name, path in files.items() if stat.S_IMODE(path.stat().st_mode) & 0o077}
    assert public == {"agent.toml", "tls/ca.crt"}
    assert not [name for name, path in files.items() if b"PRIVATE KEY" in path.read_bytes()]


def test_the_invitation_pins_the_lots_ca(bundle: Path, planned: Any) -> None:
    invited = Invitation.parse((bundle / "invitation").read_text())
    certificate = x509.load_pem_x509_certificate(planned.places.ca.read_bytes())
    assert invited.ca_sha256 == ca.fingerprint(certificate)
    assert (invited.host, invited.port, invited.name) == ("localhost", 8443, NAME)
    assert "token" not in repr(invited)
    picture = ElementTree.parse(bundle / "invitation.svg").getroot()
    assert picture.tag.endswith("svg")


def test_the_configuration_is_one_that_the_agent_takes(bundle: Path, planned: Any) -> None:
    settings = load(bundle / "agent.toml", AgentSettings)
    assert [spot.sensor.kind for spot in settings.spots] == ["a02yyuw", "vl53l1x"]
    assert settings.mqtt.port == planned.port
    assert settings.mqtt.tls
    assert str(settings.mqtt.tls.key_file) == "/etc/lotkeeper/tls/identity.key"


def test_cloud_init_gets_the_same_files(bundle: Path) -> None:
    text = (bundle / "user-data").read_text()
    assert text.startswith("#cloud-config\n")
    said = yaml.safe_load(text)
    assert said["hostname"] == "pi-07-north"
    assert said["timezone"] == "UTC"
    assert said["rpi"] == {
        "interfaces": {"i2c": True, "serial": {"console": False, "hardware": True}}
    }
    assert said["users"][0]["name"] == "ina"
    assert said["users"][0]["ssh_authorized_keys"] == ["ssh-ed25519 AAAA me@desk"]
    written = {each["path"]: each for each in said["write_files"]}
    for name in ("agent.toml", "tls/ca.crt", "invitation"):
        assert written[f"/etc/lotkeeper/{name}"]["content"] == (bundle / name).read_text()
    assert written["/etc/lotkeeper/invitation"]["permissions"] == "0600"
    assert said["runcmd"][0][-1] == Path(first_boot.UNIT_PATH).name
    tomllib.loads(written["/etc/lotkeeper/agent.toml"]["content"])


def test_the_network_is_the_one_that_was_named(bundle: Path) -> None:
    network = yaml.safe_load((bundle / "network-config").read_text())["network"]
    wlan = network["wifis"]["wlan0"]
    assert wlan["access-points"] == {"Bay's net": {"password": 'it\'s "secret" $HOME'}}
    assert wlan["regulatory-domain"] == "DE"
    assert network["ethernets"]["eth0"]["dhcp4"] is True


def test_bookworms_script_does_the_same(bundle: Path, tmp_path: Path) -> None:
    """Run below another root, with the Pi's own commands as ones that note their arguments."""
    root, bin_, told = tmp_path / "root", tmp_path / "bin", tmp_path / "told"
    boot, mods = root / "boot/firmware", root / "usr/lib/raspberrypi-sys-mods"
    for folder in (boot, mods, bin_):
        folder.mkdir(parents=True)
    note = f'#!/bin/sh\nfor each in "$(basename "$0")" "$@"; do echo "$each"; done >>{told}\n'
    for program in (mods / "imager_custom", bin_ / "raspi-config"):
        program.write_text(note)
        program.chmod(0o755)
    (boot / "cmdline.txt").write_text(f"console=tty1 root=X {first_boot.KERNEL_WORDS}\n")
    (boot / "firstrun.sh").write_bytes((bundle / "firstrun.sh").read_bytes())
    done = subprocess.run(
        ["sh", str(boot / "firstrun.sh"), str(root)],
        env={"PATH": f"{bin_}:{os.environ['PATH']}"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("agent.toml", "tls/ca.crt", "invitation"):
        assert (root / "etc/lotkeeper" / name).read_bytes() == (bundle / name).read_bytes()
    assert stat.S_IMODE((root / "etc/lotkeeper/invitation").stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "etc/lotkeeper/tls").stat().st_mode) == 0o755
    assert os.access(f"{root}{first_boot.SCRIPT_PATH}", os.X_OK)
    link = root / "etc/systemd/system/multi-user.target.wants/lotkeeper_first_boot.service"
    assert str(link.readlink()) == str(first_boot.UNIT_PATH)
    assert not (boot / "firstrun.sh").exists()
    assert (boot / "cmdline.txt").read_text() == "console=tty1 root=X\n"
    words = told.read_text().splitlines()
    wifi = words.index("set_wlan")
    assert words[wifi + 1 : wifi + 4] == ["Bay's net", 'it\'s "secret" $HOME', "DE"]
    assert {"do_i2c", "do_serial_hw", "do_serial_cons"} <= set(words)


def test_the_first_boot_script_and_unit_are_sound(tmp_path: Path) -> None:
    (tmp_path / "script").write_text(first_boot.SCRIPT)
    subprocess.run(["sh", "-n", str(tmp_path / "script")], check=True)
    assert f"ExecStart={first_boot.SCRIPT_PATH}\n" in first_boot.UNIT


def test_the_first_boots_second_attempt_is_not_in_the_services_sandbox() -> None:
    (sandbox,) = (REPO / "systemd" / "units").glob("*/10-sandbox.conf")
    assert not first_boot.UNIT_PATH.name.startswith(sandbox.parent.name.removesuffix(".service.d"))


def test_with_key_the_bundle_holds_an_identity(planned: Any, tmp_path: Path) -> None:
    planned.done("add-agent", "offline", "--with-key", "--out", tmp_path, "--days", 100)
    folder = tmp_path / "offline"
    assert not (folder / "invitation").exists()
    key = folder / "tls/identity.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    certificate = x509.load_pem_x509_certificate((folder / "tls/identity.crt").read_bytes())
    assert certificate.public_key() == ca.load_key(key.read_bytes()).public_key()
    written = yaml.safe_load((folder / "user-data").read_text())["write_files"]
    (there,) = [each for each in written if each["path"] == "/etc/lotkeeper/tls/identity.key"]
    assert there["permissions"] == "0600"
    kept = [path.read_bytes() for path in planned.places.root.rglob("*") if path.is_file()]
    assert not [content for content in kept if key.read_bytes() in content]


def test_an_agent_without_planned_spots_knows_its_broker(planned: Any, tmp_path: Path) -> None:
    planned.done("add-agent", "spare", "--out", tmp_path)
    told = tomllib.loads((tmp_path / "spare" / "agent.toml").read_text())
    assert (told["mqtt"]["host"], told["mqtt"]["port"]) == ("localhost", planned.port)
    assert told["mqtt"]["tls"]["key_file"] == "/etc/lotkeeper/tls/identity.key"
    assert "spots" not in told


def test_a_dry_run_registers_nobody_and_shows_no_secret(planned: Any, tmp_path: Path) -> None:
    said = planned.done("add-agent", "ghost", "--with-key", "--out", tmp_path, "--dry-run")
    assert 'agent_id = "ghost"' in said
    assert "PRIVATE KEY" not in said
    assert "ghost" not in planned.known().identities
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["gateway", "operator", "broker", "enrolment"])
def test_this_machines_own_names_are_not_given_away(
    planned: Any, tmp_path: Path, name: str
) -> None:
    result = planned.run("add-agent", name, "--out", tmp_path)
    assert result.exit_code == 1
    assert f"{name} is the name of a" in result.output


@pytest.mark.parametrize("name", ["../evil", ".."])
def test_a_name_that_is_no_id_is_refused(planned: Any, tmp_path: Path, name: str) -> None:
    result = planned.run("add-agent", name, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert repr(name) in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_display_gets_its_configuration_and_no_card(planned: Any, tmp_path: Path) -> None:
    planned.done("add-display", "sign-9", "--out", tmp_path)
    names = {path.name for path in (tmp_path / "sign-9").iterdir()}
    assert names == {"display.toml", "tls", "invitation", "invitation.svg"}
    settings = load(tmp_path / "sign-9" / "display.toml", DisplaySettings)
    assert (settings.display_id, settings.lot_id) == ("sign-9", "north")
    assert (settings.mqtt.host, settings.mqtt.port) == ("localhost", planned.port)
    assert settings.mqtt.tls
    assert settings.mqtt.tls.key_file == Path("/etc/lotkeeper/tls/identity.key")
    assert [line.zone_id for line in settings.lines] == [None]


def test_a_display_has_a_line_for_each_of_several_zones() -> None:
    zones = [
        ZoneSettings(zone_id="A", name="Level A, north of the ramp, " * 2),
        ZoneSettings(zone_id="B"),
    ]
    lot = Lot(facility_id="f", lot_id="north", hosts=["gateway.local"], zones=zones)
    document = tomllib.loads(display_toml(lot, "sign-1").content.decode())
    settings = DisplaySettings.model_validate(document)
    assert [(line.zone_id, line.label) for line in settings.lines] == [
        (None, "All"),
        ("A", "Level A, north of the ramp, Leve"),
        ("B", "B"),
    ]


def test_a_consoles_bundle_has_no_displays_configuration(planned: Any, tmp_path: Path) -> None:
    planned.done("add-display", "desk-9", "--console", "--out", tmp_path)
    assert not (tmp_path / "desk-9" / "display.toml").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--wifi", "x"), "--wifi-password-file"),
        (("--wifi", "x", "--wifi-password-file", "none", "--wifi-country", "DE"), "none"),
        (("--ssh-key", "none"), "none"),
    ],
)
def test_bad_usage_is_named(
    planned: Any, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    result = planned.run("add-agent", "pi-99", "--out", tmp_path, *options)
    assert (result.exit_code, words in result.output) == (2, True)
    assert "pi-99" not in planned.known().identities


def test_a_private_key_is_not_taken_for_a_public_one(planned: Any, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n")
    result = planned.run("add-agent", "pi-99", "--out", tmp_path, "--ssh-key", tmp_path / "id")
    assert (result.exit_code, "no public key" in result.output) == (2, True)


def test_list_and_show_say_what_is(planned: Any, bundle: Path) -> None:
    assert f"{NAME:<20} agent     invited" in planned.done("list")
    said = planned.done("show", NAME)
    assert "spots: A1 A2" in said
    assert "invitation open" in said
    assert f"topic read parking/v1/north/agents/{NAME}/ack" in said
    result = planned.run("show", "nobody")
    assert (result.exit_code, "nobody is not known" in result.output) == (1, True)
    assert "token_sha256" not in planned.done("show", NAME, "--json")
