"""A lot with certificates, as the units run it: enrolled, over TLS, renewed, backed up."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.system.machine import Machine

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

AGENT, GATEWAY, BROKER = "lotkeeper-agent", "lotkeeper-gateway", "mosquitto"
ENROLMENT, DISPLAY = "lotkeeper-enrolment", "lotkeeper-display"
TLS = "etc/lotkeeper/tls"
AGENT_TOML = """\
agent_id = "pi-1"
lot_id = "north"
[mqtt]
host = "127.0.0.1"
port = 8883
[mqtt.tls]
ca_file = "/etc/lotkeeper/tls/ca.crt"
cert_file = "/etc/lotkeeper/tls/identity.crt"
key_file = "/etc/lotkeeper/tls/identity.key"
[[spots]]
spot_id = "A1"
sample_s = 0.2
sensor = {kind = "simulated", floor_mm = 2500.0, sessions = [[0.0, 1e9]]}
detector = {kind = "ranging", floor_mm = 2500.0, dwell_on_s = 0.5}
"""
ON_AN_AGENT = ("lotkeeper-common_", "lotkeeper-agent_")
NOW = "[Service]\nExecCondition=\n"
"""As if the certificates were due."""
DISPLAY_WATCHDOG_S = 10.0
HERE = {"clock.is_synced"}
"""Not well in a container without a network, and none of ours."""


SCREEN = """\
[Unit]
Description=A screen
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/screen.py
"""
ALL_IS_SHOWN = "grep -q All /srv/screen && ! grep -Eq 'no broker|gateway|nothing' /srv/screen"
ALL_IS_BLANK = "! grep -q All /srv/screen"


def start(debian: Machine, unit: str) -> str:
    """A oneshot that must end well; answers its journal."""
    done = debian.try_run("systemctl", "start", unit)
    said = debian.told(unit)
    assert done.returncode == 0, said
    assert debian.show(unit, "Result") in ("success", "exec-condition"), said
    return said


def until_occupied(debian: Machine) -> None:
    debian.until("lotkeeper", "gateway", "occupancy", "--json", says='"occupied": 1')


def test_a_lot_is_made(debian: Machine, debs: dict[int, list[Path]]) -> None:
    debian.install(debs[1])
    lot = ("--lot", "north", "--host", "127.0.0.1", "--zone", "A:2", "--time-zone", "UTC")
    debian.run("lotkeeper", "gateway", "init", *lot)
    debian.run("systemctl", "restart", BROKER, GATEWAY, ENROLMENT)
    for unit in (BROKER, GATEWAY, ENROLMENT):
        debian.until_active(unit)
    debian.until("lotkeeper", "gateway", "occupancy", "--json", says='"total": 2')


def test_an_agent_enrols_and_speaks_over_tls(
    debian: Machine, beside: Machine, debs: dict[int, list[Path]]
) -> None:
    """Another machine, without the gateway's package."""
    beside.install([path for path in debs[1] if path.name.startswith(ON_AN_AGENT)])
    debian.run("lotkeeper", "gateway", "add-agent", "pi-1", "--out", "/root/bundle")
    invitation = (debian.root / "root/bundle/pi-1/invitation").read_text()
    beside.write("/root/invitation", invitation, 0o600)
    beside.run("lotkeeper", "agent", "enroll", "--invitation", "/root/invitation")
    beside.write("/etc/lotkeeper/agent.toml", AGENT_TOML)
    beside.run("systemctl", "start", AGENT)
    beside.until_active(AGENT)
    until_occupied(debian)
    key = beside.root / TLS / "identity.key"
    assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (0, 0o600)


def test_certificates_that_are_not_due_stay(debian: Machine, beside: Machine) -> None:
    for machine, role in ((debian, "gateway"), (beside, "agent")):
        certificate = machine.root / TLS / ("gateway.crt" if role == "gateway" else "identity.crt")
        before = certificate.read_bytes()
        said = start(machine, f"lotkeeper-{role}-renewal")
        assert "not yet" in said
        assert certificate.read_bytes() == before


def test_the_agents_certificate_is_renewed(debian: Machine, beside: Machine) -> None:
    """By a service that may write that one file's folder, and has a copy of the key."""
    unit = "lotkeeper-agent-renewal"
    beside.write(f"/etc/systemd/system/{unit}.service.d/90-now.conf", NOW)
    beside.run("systemctl", "daemon-reload")
    certificate, process = beside.root / TLS / "identity.crt", beside.show(AGENT, "MainPID")
    before = certificate.read_bytes()
    start(beside, unit)
    assert certificate.read_bytes() != before
    beside.until_active(AGENT)
    assert beside.show(AGENT, "MainPID") != process
    until_occupied(debian)


def test_the_machines_certificates_are_renewed(debian: Machine) -> None:
    unit = "lotkeeper-gateway-renewal"
    debian.write(f"/etc/systemd/system/{unit}.service.d/90-now.conf", NOW)
    debian.run("systemctl", "daemon-reload")
    key = debian.root / TLS / "operator.key"
    before = key.read_bytes()
    start(debian, unit)
    assert key.read_bytes() != before
    for each in (BROKER, GATEWAY, ENROLMENT):
        debian.until_active(each)


def test_the_store_is_backed_up_without_the_cas_key(debian: Machine) -> None:
    start(debian, "lotkeeper-gateway-backup")
    (made,) = (debian.root / "var/lib/lotkeeper/backups").glob("*.tar.gz")
    listed = debian.run("tar", "tzf", "/" + str(made.relative_to(debian.root)))
    assert "gateway.db" in listed
    assert "ca.key" not in listed


def test_a_broken_database_of_the_brokers_does_not_stop_it(debian: Machine) -> None:
    debian.run("systemctl", "stop", BROKER)
    database = debian.root / "var/lib/mosquitto/mosquitto.db"
    database.write_bytes(database.read_bytes()[:40] + b"\xff" * 200)
    debian.run("systemctl", "start", "--no-block", BROKER)
    debian.until_active(BROKER)
    assert [path for path in database.parent.glob("mosquitto.db?*") if path.stat().st_size == 240]
    until_occupied(debian)


def test_a_screen_at_the_gateway_shows_the_lot(debian: Machine) -> None:
    """docs/displays.md, on a machine that is no agent."""
    debian.write("/usr/local/lib/screen.py", Path(__file__).with_name("screen.py").read_text())
    debian.write("/etc/systemd/system/screen.service", SCREEN)
    debian.run("systemctl", "daemon-reload")
    debian.run("systemctl", "start", "screen")
    debian.run("lotkeeper", "gateway", "add-display", "sign-1", "--out", "/root/bundle")
    bundle = "/root/bundle/sign-1"
    debian.run("cp", f"{bundle}/display.toml", "/etc/lotkeeper/")
    debian.run("lotkeeper", "agent", "enroll", "--invitation", f"{bundle}/invitation")
    debian.run("systemctl", "enable", "--now", DISPLAY)
    debian.until("sh", "-c", f"{ALL_IS_SHOWN} && echo shown", says="shown")
    process = Path(f"/proc/{debian.outside(DISPLAY)}")
    status = dict(x.split(":\t") for x in (process / "status").read_text().splitlines())
    assert "0" not in status["Uid"].split()
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")


def test_a_screen_that_hangs_is_back_and_one_that_ends_is_blank(debian: Machine) -> None:
    since_s = time.monotonic()
    os.kill(debian.outside(DISPLAY), signal.SIGSTOP)
    debian.until_new(DISPLAY, 1)
    took_s = debian.started_s(DISPLAY) - since_s
    print(f"{DISPLAY}: a new process {took_s:.1f} s after SIGSTOP")
    assert 0 < took_s < DISPLAY_WATCHDOG_S + 1
    debian.until("sh", "-c", f"{ALL_IS_SHOWN} && echo shown", says="shown")
    os.kill(debian.outside(DISPLAY), signal.SIGKILL)
    debian.until_new(DISPLAY, 2)
    debian.until("sh", "-c", f"{ALL_IS_SHOWN} && echo shown", says="shown")
    debian.run("systemctl", "stop", DISPLAY)
    debian.until("sh", "-c", f"{ALL_IS_BLANK} && echo blank", says="blank")
    debian.run("systemctl", "start", DISPLAY)
    debian.until_active(DISPLAY)


def test_the_doctor_finds_nothing_to_mend(debian: Machine, beside: Machine) -> None:
    for machine in (debian, beside):
        told = json.loads(machine.try_run("lotkeeper", "doctor", "--json").stdout)
        found = [each for each in told["findings"] if each["level"] == "bad"]
        assert [each for each in found if each["check"] not in HERE] == []
        checks = {each["check"] for each in told["findings"]}
        assert {"certificates.are_good", "broker.answers", "services.running"} <= checks


def test_purging_leaves_none_of_the_lots_keys(debian: Machine) -> None:
    """Here and with the broker, which runs on."""
    assert (debian.root / "etc/mosquitto/lotkeeper/broker.key").exists()
    debian.run("apt-get", "purge", "-y", "-q", *debian.packages())
    left = debian.run("find", "/etc", "/var/lib", "-iname", "*lotkeeper*").split()
    assert [path for path in left if not path.endswith("-renewal.service.d")] == []
    assert debian.run("find", "/etc", "/var/lib", "-name", "*.key", "-o", "-name", "ca.crt") == ""
    debian.until_active(BROKER)
