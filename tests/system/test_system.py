"""The life of an installation, in this order: installed, set up, killed, hung, misconfigured,
rebooted, upgraded, rolled back, purged."""

import json
import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from debian.control import PACKAGES
from tests.system.machine import Machine

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

WATCHDOG_S = 30.0
AGENT, GATEWAY, BROKER = "lotkeeper-agent", "lotkeeper-gateway", "mosquitto"
SERVICES = (AGENT, GATEWAY, BROKER)
TLS = "/etc/lotkeeper/tls"
KEYS = {AGENT: "identity.key", GATEWAY: "gateway.key"}
BROKER_CONF = "listener 1883 127.0.0.1\nallow_anonymous true\n"
AGENT_TOML = """\
agent_id = "pi-1"
lot_id = "north"
[[spots]]
spot_id = "A1"
sample_s = 0.2
sensor = {kind = "simulated", floor_mm = 2500.0, sessions = [[0.0, 1e9]]}
detector = {kind = "ranging", floor_mm = 2500.0, dwell_on_s = 0.5}
"""
GATEWAY_TOML = """\
facility_id = "riverside"
lot_id = "north"
[[zones]]
zone_id = "A"
[[spots]]
spot_id = "A1"
zone_id = "A"
[[sinks]]
name = "disk"
kind = "file"
path = "/var/lib/lotkeeper/records"
"""


def until_occupied(debian: Machine) -> None:
    """The whole way, sensor to gateway."""
    debian.until("lotkeeper", "gateway", "occupancy", "--json", says='"occupied": 1')


def epoch(debian: Machine) -> str:
    """Born with the agent's store."""
    database = sqlite3.connect(debian.root / "var/lib/lotkeeper/agent.db")
    (value,) = database.execute("SELECT value FROM agent WHERE name = 'epoch'").fetchone()
    database.close()
    return str(value)


def test_installs_and_waits_for_its_configuration(
    debian: Machine, debs: dict[int, list[Path]]
) -> None:
    debian.install(debs[1])
    assert debian.run("systemctl", "is-system-running").strip() == "running"
    assert debian.show(AGENT, "ActiveState") == "inactive"
    assert debian.show(AGENT, "ConditionResult") == "no"
    assert debian.run("lotkeeper", "--version").startswith("lotkeeper ")
    assert "lotkeeper" in debian.run("id", "--name", "--groups", "lotkeeper")


def test_every_unit_is_valid_where_it_is_installed(debian: Machine) -> None:
    listed = debian.run("dpkg", "-L", "lotkeeper-common", AGENT, GATEWAY)
    units = [Path(path).name for path in listed.split() if "/systemd/system/lotkeeper" in path]
    units = [unit.replace("@.", "@north.") for unit in units if not unit.endswith((".d", ".conf"))]
    assert len(units) >= 10
    done = debian.try_run("systemd-analyze", "verify", "--man=no", *units, f"{BROKER}.service")
    assert [line for line in done.stderr.splitlines() if "lotkeeper" in line] == []


def test_works_once_it_is_configured(debian: Machine) -> None:
    debian.write("/etc/mosquitto/conf.d/local.conf", BROKER_CONF)
    debian.write("/etc/lotkeeper/agent.toml", AGENT_TOML)
    debian.write("/etc/lotkeeper/gateway.toml", GATEWAY_TOML)
    for key in KEYS.values():
        debian.write(f"{TLS}/{key}", "the key", 0o600)
    debian.run("systemctl", "restart", BROKER, "lotkeeper.target")
    debian.run("systemctl", "start", AGENT, GATEWAY)
    debian.until_active(*SERVICES)
    until_occupied(debian)


@pytest.mark.parametrize("unit", [AGENT, GATEWAY, BROKER])
def test_runs_in_its_sandbox(debian: Machine, unit: str) -> None:
    process = Path(f"/proc/{debian.outside(unit)}")
    status = dict(x.split(":\t") for x in (process / "status").read_text().splitlines())
    assert "0" not in status["Uid"].split()
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")


@pytest.mark.parametrize("unit", [AGENT, GATEWAY])
def test_sees_a_copy_of_its_identity_and_cannot_change_it(debian: Machine, unit: str) -> None:
    seen = Path(f"/proc/{debian.outside(unit)}/root{TLS}")
    assert [path.name for path in seen.glob("*.key")] == [KEYS[unit]]
    assert (seen / KEYS[unit]).read_text() == "the key"
    # Its owner is the user, or from systemd 254 on root with an entry for the user (acl(5)).
    assert not (seen / KEYS[unit]).stat().st_mode & 0o007
    assert (seen / "ca.crt").read_text() == "absent"
    assert os.statvfs(seen).f_flag & os.ST_RDONLY
    assert (debian.root / TLS[1:] / KEYS[unit]).stat().st_uid == 0


@pytest.mark.parametrize("unit", SERVICES)
def test_comes_back_after_kill_9(debian: Machine, unit: str) -> None:
    before = debian.show(unit, "MainPID")
    begun = time.monotonic()
    os.kill(debian.outside(unit), signal.SIGKILL)
    debian.until_new(unit, 1)
    took_s = time.monotonic() - begun
    print(f"{unit}: back {took_s:.1f} s after SIGKILL")
    assert debian.show(unit, "MainPID") not in ("0", before)
    assert took_s < WATCHDOG_S + 1
    until_occupied(debian)


def test_comes_back_when_it_hangs(debian: Machine) -> None:
    """Both at once: the watchdog takes its time. Back is a new process, within a second of it."""
    frozen = {unit: (debian.outside(unit), time.monotonic()) for unit in (AGENT, GATEWAY)}
    for process, _ in frozen.values():
        os.kill(process, signal.SIGSTOP)
    for unit, (process, since_s) in sorted(frozen.items()):
        debian.until_new(unit, 2)
        took_s = debian.started_s(unit) - since_s
        print(f"{unit}: a new process {took_s:.1f} s after SIGSTOP")
        assert 0 < took_s < WATCHDOG_S + 1
        assert not Path(f"/proc/{process}").exists()
        assert "Watchdog timeout" in debian.told(unit)
        assert "Fatal Python error: Aborted" in debian.told(unit)
    until_occupied(debian)


def test_the_broker_comes_back_when_it_hangs(debian: Machine) -> None:
    """The gateway is its watchdog, and neither it nor the agent is started again for that."""
    since_s = time.monotonic()
    os.kill(debian.outside(BROKER), signal.SIGSTOP)
    debian.until_new(BROKER, 2)
    took_s = debian.started_s(BROKER) - since_s
    print(f"{BROKER}: a new process {took_s:.1f} s after SIGSTOP")
    assert 0 < took_s < WATCHDOG_S + 1
    assert "the broker hangs" in debian.told(GATEWAY)
    debian.until("lotkeeper", "agent", "status", says="0 records wait")
    assert [debian.show(unit, "NRestarts") for unit in (AGENT, GATEWAY)] == ["2", "2"]
    until_occupied(debian)


def test_a_second_lot_runs_beside_the_first(debian: Machine) -> None:
    """An instance of the template, with a store where it alone may write."""
    unit, store = "lotkeeper-gateway@south", "/var/lib/lotkeeper/south/gateway.db"
    own = f'[store]\npath = "{store}"\n[metrics]\nport = 9465\n'
    text = GATEWAY_TOML.replace('"north"', '"south"').replace("/records", "/south/records")
    debian.write("/etc/lotkeeper/lots/south/gateway.toml", text + own)
    debian.run("systemctl", "start", unit)
    debian.until_active(unit)
    assert (debian.root / store[1:]).exists()
    assert debian.show(GATEWAY, "ActiveState") == "active"
    debian.run("systemctl", "stop", "lotkeeper.target")
    for each in (unit, GATEWAY, AGENT):
        debian.until("systemctl", "show", each, "--property=ActiveState", says="=inactive")
    debian.run("rm", "-r", "/etc/lotkeeper/lots")
    debian.run("systemctl", "start", "lotkeeper.target")
    debian.until_active(AGENT, GATEWAY)


def test_stays_down_with_a_bad_configuration_and_the_doctor_says_so(debian: Machine) -> None:
    restarts = debian.show(AGENT, "NRestarts")
    debian.write("/etc/lotkeeper/agent.toml", AGENT_TOML.replace("agent_id", "agentid"))
    debian.try_run("systemctl", "restart", AGENT)
    debian.until("systemctl", "show", AGENT, "--property=ActiveState", says="failed")
    assert int(debian.show(AGENT, "NRestarts")) <= int(restarts)
    findings = doctors(debian)
    states = {x["where"]: x["level"] for x in findings if x["check"] == "services.running"}
    assert (states[f"{AGENT}.service"], states[f"{GATEWAY}.service"]) == ("bad", "ok")
    assert "agentid" in next(x["says"] for x in findings if x["where"].endswith("agent.toml"))
    debian.write("/etc/lotkeeper/agent.toml", AGENT_TOML)
    debian.run("systemctl", "restart", AGENT)
    debian.until_active(AGENT)
    assert [
        x["where"] for x in doctors(debian) if x["level"] == "bad" and x["check"] not in HERE
    ] == []


HERE = {"clock.is_synced"}
"""Not well in a container without a network, and none of ours."""


def doctors(debian: Machine) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(
        debian.try_run("lotkeeper", "doctor", "--json").stdout
    )["findings"]
    return findings


def test_settings_for_a_pi_are_understood(debian: Machine) -> None:
    debian.run("/usr/share/lotkeeper/firmware-config/apply")
    debian.run("systemctl", "daemon-reexec")
    debian.run("systemctl", "restart", "systemd-journald")
    said = debian.run("journalctl", "-b", "--no-pager", "-p", "warning")
    assert [line for line in said.splitlines() if "60-lotkeeper" in line] == []


def test_comes_back_after_a_reboot(debian: Machine) -> None:
    before = epoch(debian)
    debian.reboot()
    debian.until_active(*SERVICES)
    until_occupied(debian)
    assert epoch(debian) == before
    assert len(debian.run("journalctl", "--list-boots", "-q").splitlines()) >= 2


def test_upgrades_and_rolls_back(debian: Machine, debs: dict[int, list[Path]]) -> None:
    before, kept = epoch(debian), debian.show(AGENT, "UnitFileState")
    for revision, options in ((2, ()), (1, ("--allow-downgrades",))):
        process = debian.show(AGENT, "MainPID")
        debian.install(debs[revision], *options)
        version = debian.run("dpkg-query", "-Wf", "${Version}", AGENT)
        assert f"-{revision}~deb" in version
        debian.until_active(*SERVICES)
        assert debian.show(AGENT, "MainPID") != process
        until_occupied(debian)
        assert (epoch(debian), debian.show(AGENT, "UnitFileState")) == (before, kept)


def test_a_unit_that_was_disabled_stays_so(debian: Machine, debs: dict[int, list[Path]]) -> None:
    debian.run("systemctl", "disable", "--now", AGENT)
    debian.install(debs[2])
    assert debian.show(AGENT, "UnitFileState") == "disabled"
    assert debian.show(AGENT, "ActiveState") == "inactive"


def test_removal_leaves_data_and_purging_nothing(debian: Machine) -> None:
    names = debian.packages()
    assert len(names) == len(PACKAGES)
    debian.run("apt-get", "remove", "-y", "-q", *names)
    assert (debian.root / "var/lib/lotkeeper/gateway.db").exists()
    assert not (debian.root / "usr/bin/lotkeeper").exists()
    debian.run("apt-get", "purge", "-y", "-q", *names)
    left = debian.run("find", "/etc", "/usr", "/var", "-iname", "*lotkeeper*").split()
    by_hand = "journald.conf.d/", "system.conf.d/", "system/chrony-wait.service.d/"
    mine = [f"/etc/systemd/{name}" for name in by_hand]
    mine += ["/etc/sysctl.d/", "/etc/udev/", "/etc/modules-load.d/"]
    assert [path for path in left if not path.startswith((*mine, "/var/log/"))] == []
    wants = debian.run("find", "/etc/systemd/system", "-name", "lotkeeper*.service").split()
    assert wants == []
    debian.until_active(BROKER)
    assert debian.run("systemctl", "is-system-running").strip() == "running"
