"""`gateway init`: what it writes, that it can be said again, and that --dry-run writes nothing."""

import grp
import os
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from typer.testing import CliRunner

from gateway.cli import app
from gateway.config import GatewaySettings, NotifySettings
from gateway.provision import ca, files, register
from gateway.provision.broker import GROUP, conf
from gateway.provision.places import Places
from gateway.provision.register import Role
from runtime.config import load


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's content and mode."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_dry_run_shows_every_file_and_writes_none(ground: Any) -> None:
    said = ground.init("--dry-run")
    assert tree(ground.folder) == {}
    for name in ("ca.key", "ca.crt", "gateway.toml", "broker.key", "acl", "lotkeeper.conf"):
        assert f"/{name} (mode" in said
    assert "use_username_as_clientid true" in said
    assert "PRIVATE KEY" not in said


def test_said_again_it_changes_nothing(lot: Any) -> None:
    before = tree(lot.folder)
    assert lot.done("init") == "all is as it should be: nothing to write\n"
    lot.init()
    assert tree(lot.folder) == before


def test_keys_are_for_their_owner_alone(lot: Any) -> None:
    """But the broker's: it reads its own as a member of its group, and may not change them."""
    has_broker = files._gid(GROUP) is not None
    for name, (content, mode) in tree(lot.folder).items():
        secret = b"PRIVATE KEY" in content or name.endswith(("identities.json", "lot.json", "acl"))
        shared = has_broker and name.endswith(("broker.key", "acl"))
        lock = name.endswith(".lock")
        assert mode == (0o640 if shared or lock else 0o600 if secret else 0o644), name
    assert sum(b"PRIVATE KEY" in content for content, _ in tree(lot.folder).values()) == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root has files of other groups")
def test_what_enrolment_writes_beside_root_stays_readable_to_both(
    ground: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = grp.getgrgid(os.getgid() + 1)
    monkeypatch.setattr(register, "GROUP", group.gr_name)
    folder = ground.folder / "shared"
    folder.mkdir()
    os.chown(folder, 0, group.gr_gid)
    folder.chmod(0o2770)  # as tmpfiles.d has it
    path = folder / "identities.json"
    with register.changing(path) as known:
        known.add("pi-1", Role.AGENT)
    assert in_the_place_of(12345, group.gr_gid, lambda: add(path, "pi-2")) == 0
    there = path.stat()
    assert (there.st_uid, there.st_gid) == (12345, group.gr_gid)
    assert stat.S_IMODE(there.st_mode) == 0o640
    assert files.write([register.planned(path, register.read(path))]) == []
    assert set(register.read(path).identities) == {"pi-1", "pi-2"}
    assert in_the_place_of(54321, group.gr_gid + 1, lambda: add(path, "pi-3")) == 1


RENEWAL = """
import sys
from pathlib import Path
from gateway.provision import register

register.GROUP = sys.argv[2]
with register.changing(Path(sys.argv[1])) as known:
    known.add("pi-4", register.Role.AGENT)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root has files of other users")
def test_root_who_sees_no_other_users_writes_for_the_group_all_the_same(ground: Any) -> None:
    """The renewal's unit: PrivateUsers= shows it nobody, and it has no capability over files."""
    group = grp.getgrgid(os.getgid() + 1)
    unshare = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("inherent: no user namespaces here")
    folder = ground.folder / "renewed"
    folder.mkdir()
    os.chown(folder, 0, group.gr_gid)
    folder.chmod(0o2770)
    path = folder / "identities.json"
    assert in_the_place_of(12345, group.gr_gid, lambda: add(path, "pi-3")) == 0
    os.chmod(path, 0o640)  # its writer had no group of that name to give it to
    done = subprocess.run(
        [*unshare, sys.executable, "-c", RENEWAL, path, group.gr_name],
        extra_groups=[group.gr_gid],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    there = path.stat()
    assert (there.st_uid, there.st_gid, stat.S_IMODE(there.st_mode)) == (0, group.gr_gid, 0o640)
    assert set(register.read(path).identities) == {"pi-3", "pi-4"}


def add(path: Path, name: str) -> None:
    with register.changing(path) as known:
        known.add(name, Role.AGENT)


def in_the_place_of(uid: int, gid: int, act: Callable[[], None]) -> int:
    """The exit status of a process of that user who does this."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        act()
    except BaseException:
        os._exit(1)
    os._exit(0)


def test_a_key_that_others_may_read_is_mended(lot: Any) -> None:
    lot.places.ca_key.chmod(0o644)
    assert "ca.key" in lot.done("init")
    assert stat.S_IMODE(lot.places.ca_key.stat().st_mode) == 0o600


def test_the_configuration_is_one_that_the_gateway_takes(lot: Any) -> None:
    settings = load(lot.places.gateway_toml, GatewaySettings)
    assert [spot.spot_id for spot in settings.spots] == ["A1", "A2", "A3"]
    assert settings.mqtt.tls
    assert settings.mqtt.tls.key_file == lot.places.key("gateway")
    assert settings.asking.tls
    assert settings.asking.tls.key_file == lot.places.key("operator")
    assert settings.asking.port == settings.mqtt.port == lot.port


def test_the_lots_wall_clock_is_the_gateways_too(tmp_path: Path) -> None:
    words = ["init", "--lot", "x", "--host", "h", "--zone", "A", "--dir", str(tmp_path / "lot")]
    words += ["--broker-dir", str(tmp_path / "mosquitto"), "--time-zone"]
    made = CliRunner().invoke(app, [*words, "Europe/Paris"])
    assert (made.exit_code, "stays yours" in made.output) == (0, False), made.output
    path = Places(tmp_path / "lot").gateway_toml
    assert load(path, GatewaySettings).zone.key == "Europe/Paris"
    moved = CliRunner().invoke(app, [*words, "Asia/Tokyo"])
    assert "write time_zone = 'Asia/Tokyo' there" in moved.output
    assert load(path, GatewaySettings).zone.key == "Europe/Paris"


def test_what_it_offers_in_comments_is_taken_when_uncommented(lot: Any) -> None:
    """Who is told of alerts."""
    offered = lot.places.gateway_toml.read_text()
    begin = offered.index("# [[alerts.notify]]")
    block = offered[begin : offered.index("\n\n", begin)].replace("# ", "")
    settings = tomllib.loads(f"{offered}\n{block}")["alerts"]["notify"]
    assert NotifySettings.model_validate(settings[0]).name == "wardens"


def test_what_you_write_into_the_configuration_stays(lot: Any) -> None:
    path = lot.places.gateway_toml
    path.write_text(path.read_text().replace("[mqtt]", "[metrics]\nport = 0  # mine\n[mqtt]"))
    lot.init("--zone", "B:2")
    assert "port = 0  # mine" in path.read_text()
    zones = [zone["zone_id"] for zone in tomllib.loads(path.read_text())["zones"]]
    assert zones == ["A", "B"]


def test_certificates_pass_openssls_strict_checks(lot: Any) -> None:
    """Python 3.13 and later make these the default."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    crl = lot.broker_places.file("revoked.crl")
    for file, purpose in (("gateway", "sslclient"), ("enrolment", "sslserver")):
        command = ["openssl", "verify", "-x509_strict", "-crl_check", "-CRLfile", str(crl)]
        command += ["-CAfile", str(lot.places.ca), "-purpose", purpose]
        subprocess.run([*command, str(lot.places.certificate(file))], check=True)


def test_an_address_is_compared_as_certificates_say_it(lot: Any) -> None:
    lot.init("--host", "FD00:0::1", "--host", "Second.Example")
    again = lot.init("--host", "FD00:0::1", "--host", "Second.Example")
    assert again == "all is as it should be: nothing to write\n"
    lot.init()


def test_another_host_gets_new_server_certificates_and_keeps_the_rest(lot: Any) -> None:
    before = tree(lot.folder)
    lot.init("--host", "third.example")
    after = tree(lot.folder)
    changed = {name for name in after if after[name] != before.get(name)}
    assert {"lotkeeper/tls/enrolment.crt", "mosquitto/lotkeeper/broker.crt"} <= changed
    assert not changed & {"lotkeeper/tls/gateway.crt", "lotkeeper/tls/ca.crt"}
    lot.init()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--lot", "south"), "is lot north; another lot needs a --dir"),
        (("--time-zone", "Mars/Base"), "no time zone: Europe/Paris"),
        (("--host", "a b"), "no host name and no address"),
        (("--zone", "A:x"), "--zone A:x: a zone's id"),
        (("--zone", "A B:3"), "String should match pattern"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    lot: Any, arguments: tuple[str, ...], words: str
) -> None:
    before = tree(lot.folder)
    result = lot.run("init", *arguments)
    assert (result.exit_code, words in result.output) == (1, True), result.output
    assert tree(lot.folder) == before


@pytest.mark.parametrize("missing", ["--lot", "--host", "--zone"])
def test_a_new_lot_needs_its_names(tmp_path: Path, missing: str) -> None:
    words = {"--lot": "x", "--host": "h", "--zone": "A", "--dir": str(tmp_path)}
    del words[missing]
    arguments = [each for pair in words.items() for each in pair]
    result = CliRunner().invoke(app, ["init", *arguments])
    assert result.exit_code == 1
    assert f"{missing} is missing" in result.output
    assert tree(tmp_path).keys() <= {"provision/identities.lock"}


def test_a_ca_without_its_key_is_no_lot_to_go_on_with(lot: Any) -> None:
    key = lot.places.ca_key.read_bytes()
    lot.places.ca_key.unlink()
    try:
        result = lot.run("init")
        assert result.exit_code == 1
        assert "ca.key" in result.output
    finally:
        lot.places.ca_key.write_bytes(key)
        lot.places.ca_key.chmod(0o600)


def test_certificates_begin_long_before_a_pi_without_a_clock_thinks_it_is(lot: Any) -> None:
    for path in [*lot.folder.rglob("*.crt")]:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        assert certificate.not_valid_before_utc == ca.BEGINNING
    crl = lot.broker_places.file("revoked.crl").read_bytes()
    listed = x509.load_pem_x509_crl(crl)
    authority = lot.site().authority
    assert listed.next_update_utc == authority.certificate.not_valid_after_utc


def test_the_drop_in_leaves_debians_own_settings_alone(lot: Any) -> None:
    """mosquitto refuses to start where one of these is said twice."""
    words = {line.split()[0] for line in conf(lot.site().lot).content.decode().splitlines()}
    assert not words & {"pid_file", "persistence", "persistence_location", "log_dest"}


def test_rotate_makes_all_of_this_machines_keys_anew(lot: Any) -> None:
    before = tree(lot.folder)
    assert lot.run("needs-renewal").exit_code == 1
    lot.done("rotate", "--revoke-old")
    after = tree(lot.folder)
    for name in (n for n in before if n.endswith((".key", ".crt")) and "ca." not in n):
        assert before[name][0] != after[name][0], name
    assert len(x509.load_pem_x509_crl(after["mosquitto/lotkeeper/revoked.crl"][0])) >= 4
    assert lot.done("init") == "all is as it should be: nothing to write\n"


def test_needs_renewal_has_three_answers(lot: Any, tmp_path: Path) -> None:
    assert lot.run("needs-renewal").exit_code == 1
    key = lot.places.key("gateway").read_bytes()
    lot.places.key("gateway").write_bytes(lot.places.key("operator").read_bytes())
    result = lot.run("needs-renewal")
    assert (result.exit_code, "due: gateway" in result.output) == (0, True)
    lot.places.key("gateway").write_bytes(key)
    lot.places.lot.rename(tmp_path / "lot.json")
    assert lot.run("needs-renewal").exit_code == 2
    (tmp_path / "lot.json").rename(lot.places.lot)


def test_the_default_places() -> None:
    assert str(Places().gateway_toml) == "/etc/lotkeeper/gateway.toml"
    assert str(Places().key("gateway")) == "/etc/lotkeeper/tls/gateway.key"


@pytest.mark.parametrize("writes", range(19))
def test_a_first_init_that_was_cut_off_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """The power fails after so many files; no certificate stays that the register does not know."""
    words = ["init", "--lot", "x", "--host", "h", "--zone", "A", "--dir", str(tmp_path / "lot")]
    words += ["--broker-dir", str(tmp_path / "mosquitto")]
    swap, done = files._swap, 0

    def failing(planned: files.Planned) -> None:
        nonlocal done
        if done == writes:
            raise OSError(5, "power")
        done += 1
        swap(planned)

    monkeypatch.setattr(files, "_swap", failing)
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "power" in result.output) == (1, True)
    monkeypatch.setattr(files, "_swap", swap)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert CliRunner().invoke(app, ["needs-renewal", "--dir", str(tmp_path / "lot")]).exit_code == 1
    known = register.read(tmp_path / "lot/provision/identities.json")
    serials = {int(e.serial, 16) for i in known.identities.values() for e in i.certificates}
    for path in tmp_path.rglob("*.crt"):
        if path.name != "ca.crt":
            assert x509.load_pem_x509_certificate(path.read_bytes()).serial_number in serials
    assert not list(tmp_path.rglob(".*.*"))


def test_another_lot_does_not_take_the_broker_over(lot: Any, tmp_path: Path) -> None:
    before = lot.broker_places.conf.read_bytes()
    words = ["init", "--lot", "south", "--host", "h", "--zone", "A", "--dir", str(tmp_path)]
    words += ["--broker-dir", str(lot.broker_places.root)]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "belongs to lot north" in result.output) == (1, True), result.output
    assert lot.broker_places.conf.read_bytes() == before
    assert tree(tmp_path).keys() <= {"provision/identities.lock"}
