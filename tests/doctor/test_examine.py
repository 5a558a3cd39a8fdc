"""Each fault is found by its own check, and the finding carries the command that mends it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from agent.tools.findings import Level
from doctor.cli import app
from doctor.examine import SUBJECTS, Examined, examine, is_well
from doctor.machine import Machine
from doctor.subjects import power, storage

BAD, NOTE = Level.BAD, Level.NOTE
CONFIG = "/boot/firmware/config.txt"
TOML = "/etc/lotkeeper/agent.toml"
THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"
PI = "/proc/device-tree/model"
PI_5 = "Raspberry Pi 5 Model B Rev 1.0"

Spoil = Callable[[Any], object]
FAULTS: list[tuple[str, Level, str, Spoil]] = [
    ("configuration.usable", BAD, "editor", lambda pi: pi.edit(TOML, "agent_id", "agentid")),
    ("configuration.usable", NOTE, "agent.toml", lambda pi: pi.remove(TOML)),
    ("services.running", BAD, "restart", lambda pi: pi.unit.update(ActiveState="failed")),
    ("services.running", BAD, "start", lambda pi: pi.unit.update(ActiveState="inactive")),
    ("services.running", NOTE, "systemctl", lambda pi: pi.unit.update(LoadState="not-found")),
    ("services.running", NOTE, "systemctl", lambda pi: pi.unit.clear()),
    ("services.starts_at_boot", BAD, "enable", lambda pi: pi.unit.update(UnitFileState="disabled")),
    ("services.stays_up", NOTE, "journalctl", lambda pi: pi.unit.update(NRestarts="3")),
    ("interfaces.i2c_is_on", BAD, "do_i2c 0", lambda pi: pi.remove("/dev/i2c-1")),
    ("interfaces.serial_is_on", BAD, "do_serial_hw 0", lambda pi: pi.remove("/dev/serial0")),
    (
        "interfaces.serial_is_ours",
        BAD,
        "do_serial_cons 1",
        lambda pi: pi.edit("/boot/firmware/cmdline.txt", "console=", "console=serial0,115200 c="),
    ),
    (
        "interfaces.serial_keeps_its_rate",
        NOTE,
        "disable-bt",
        lambda pi: (pi.write("/dev/ttyS0", ""), pi.link("/dev/serial0", "ttyS0")),
    ),
    (
        "interfaces.i2c_is_slow_enough",
        NOTE,
        "baudrate=100000",
        lambda pi: pi.edit(CONFIG, "100000", "400000"),
    ),
    (
        "interfaces.air_is_measured",
        BAD,
        "do_onewire",
        lambda pi: pi.remove("/sys/bus/w1/devices/28-0123/temperature"),
    ),
    ("pins.there_are_pins", BAD, "upgrade", lambda pi: pi.remove("/dev/gpiochip0")),
    (
        "pins.a_library_drives_them",
        BAD,
        "python3-lgpio",
        lambda pi: pi.remove("/usr/lib/python3/dist-packages/lgpio.py"),
    ),
    (
        "pins.a_library_drives_them",
        BAD,
        "python3-lgpio",
        lambda pi: (
            pi.link("/usr/lib/python3/dist-packages/lgpio.py", "absent"),
            pi.write("/usr/lib/python3/dist-packages/RPi/GPIO/__init__.py", ""),
            pi.write(PI, PI_5),
        ),
    ),
    (
        "pins.none_is_forced",
        BAD,
        "GPIOZERO_PIN_FACTORY",
        lambda pi: (
            pi.write(PI, PI_5),
            pi.unit.update(Environment="A=1 GPIOZERO_PIN_FACTORY=rpigpio"),
        ),
    ),
    (
        "pins.none_is_forced",
        BAD,
        "remove",
        lambda pi: pi.unit.update(Environment="GPIOZERO_PIN_FACTORY=mock"),
    ),
    (
        "pins.none_is_forced",
        NOTE,
        "remove",
        lambda pi: pi.unit.update(Environment="GPIOZERO_PIN_FACTORY=rpigpio"),
    ),
    (
        "accounts.user_is_there",
        BAD,
        "sysusers",
        lambda pi: pi.edit("/etc/passwd", "lotkeeper:x", "other:x"),
    ),
    (
        "accounts.user_is_in_the_groups",
        BAD,
        "usermod -aG sensors lotkeeper",
        lambda pi: pi.edit("/etc/group", ":lotkeeper", ":pi"),
    ),
    (
        "accounts.secrets_are_secret",
        BAD,
        "chmod 600 /etc/lotkeeper/tls/identity.key",
        lambda pi: pi.machine.at("/etc/lotkeeper/tls/identity.key").chmod(0o644),
    ),
    ("power.voltage", BAD, "supply", lambda pi: pi.write(THROTTLED, "50005")),
    ("power.voltage", BAD, "supply", lambda pi: pi.write(THROTTLED, "10000")),
    ("power.heat", NOTE, "shade", lambda pi: pi.write(THROTTLED, "8")),
    (
        "power.heat",
        NOTE,
        "shade",
        lambda pi: pi.write("/sys/class/thermal/thermal_zone0/temp", "81000"),
    ),
    (
        "clock.is_synced",
        BAD,
        "timesyncd",
        lambda pi: (
            pi.remove("/run/systemd/timesync/synchronized"),
            setattr(pi, "synchronized", "no"),
        ),
    ),
    (
        "clock.services_can_see_it",
        BAD,
        "chrony-wait",
        lambda pi: pi.remove("/run/systemd/timesync/synchronized"),
    ),
    ("clock.survives_a_power_cut", NOTE, "i2c-rtc", lambda pi: pi.remove("/dev/rtc0")),
    (
        "storage.wears_slowly",
        NOTE,
        "iotop",
        lambda pi: pi.edit("/sys/block/mmcblk0/stat", "4000000", "20000000"),
    ),
    (
        "storage.has_life_left",
        BAD,
        "backup",
        lambda pi: pi.edit("/sys/block/mmcblk0/device/life_time", "0x02", "0x0a"),
    ),
    (
        "storage.does_not_swap_to_the_card",
        NOTE,
        "zram",
        lambda pi: pi.edit("/proc/swaps", "/dev/zram0 partition", "/var/swap file"),
    ),
    (
        "journal.outlives_a_reboot",
        NOTE,
        "60-lotkeeper.conf",
        lambda pi: pi.write("/etc/systemd/journald.conf.d/90-local.conf", "Storage=volatile\n"),
    ),
    (
        "journal.is_bounded",
        NOTE,
        "60-lotkeeper.conf",
        lambda pi: pi.edit(
            "/etc/systemd/journald.conf.d/60-lotkeeper.conf", "SystemMaxUse", "#SystemMaxUse"
        ),
    ),
    ("watchdog.is_fed", NOTE, "watchdog.conf", lambda pi: setattr(pi, "watchdog", "0")),
    ("watchdog.is_fed", NOTE, "dtparam=watchdog=on", lambda pi: pi.remove("/dev/watchdog0")),
    (
        "broker.answers",
        BAD,
        "restart mosquitto",
        lambda pi: pi.edit(TOML, "\nport = ", "\nport = 1 #"),
    ),
    (
        "broker.lets_us",
        BAD,
        "rights",
        lambda pi: setattr(pi, "refusals", "the broker refused message 7: Not authorized\n"),
    ),
    (
        "broker.lets_us",
        BAD,
        "rights",
        lambda pi: setattr(pi, "refusals", "ERROR the broker denies: this agent cannot write x\n"),
    ),
    (
        "broker.is_private",
        BAD,
        "127.0.0.1",
        lambda pi: pi.write(
            "/etc/mosquitto/conf.d/open.conf", "listener 1883\nallow_anonymous true\n"
        ),
    ),
    (
        "broker.is_encrypted",
        NOTE,
        "certificates",
        lambda pi: pi.edit(TOML, '"127.0.0.1"', '"0.0.0.0"'),
    ),
    (
        "certificates.are_good",
        BAD,
        "lotkeeper-agent-renewal",
        lambda pi: pi.certify(datetime.now(UTC) - timedelta(days=1)),
    ),
    (
        "certificates.are_good",
        NOTE,
        "lotkeeper-agent-renewal",
        lambda pi: pi.certify(datetime.now(UTC) + timedelta(days=5)),
    ),
    (
        "certificates.are_good",
        BAD,
        "ls -l",
        lambda pi: pi.write("/etc/lotkeeper/tls/ca.crt", "no certificate"),
    ),
]
CONSOLE = "/etc/lotkeeper/console.toml"
CONSOLE_TOML = '[[lots]]\ngateway = "/etc/lotkeeper/gateway.toml"\n[http]\nport = 1\n'
DISPLAY_TOML = 'display_id = "sign-1"\nlot_id = "north"\n[[lines]]\nlabel = "All"\n'
FAULTS += [
    ("configuration.usable", BAD, "editor", lambda pi: pi.write(CONSOLE, "[http]\nport = 0\n")),
    (
        "configuration.usable",
        BAD,
        "editor /etc/lotkeeper/display.toml",
        lambda pi: pi.write("/etc/lotkeeper/display.toml", DISPLAY_TOML.replace("lot_id", "lot")),
    ),
    (
        "console.answers",
        BAD,
        "restart lotkeeper-console",
        lambda pi: pi.write(CONSOLE, CONSOLE_TOML),
    ),
    (
        "certificates.are_good",
        BAD,
        "restart lotkeeper-console",
        lambda pi: pi.write(CONSOLE, CONSOLE_TOML + with_certificate(pi, "/srv/https.crt", -1)),
    ),
    (
        "certificates.are_good",
        NOTE,
        "lotkeeper-gateway-renewal",
        lambda pi: with_certificate(pi, "/etc/lotkeeper/tls/gateway.crt", 5),
    ),
    (
        "certificates.are_good",
        NOTE,
        "gateway replace",
        lambda pi: (
            pi.remove(TOML),
            pi.write("/etc/lotkeeper/display.toml", DISPLAY_TOML),
            pi.certify(datetime.now(UTC) + timedelta(days=5)),
        ),
    ),
]


def with_certificate(pi: Any, path: str, days: int) -> str:
    """One that is good for so long; what names it in console.toml's [http]."""
    before = pi.machine.text("/etc/lotkeeper/tls/identity.crt")
    pi.certify(datetime.now(UTC) + timedelta(days=days))
    pi.write(path, pi.machine.text("/etc/lotkeeper/tls/identity.crt"))
    pi.write("/etc/lotkeeper/tls/identity.crt", before)
    return f'cert_file = "{path}"\nkey_file = "{path}"\n'


BY_FACTS = {"storage.may_be_written", "storage.has_room"}
"""Of the filesystem itself, which a tree cannot spoil: they are tested on facts, below."""


def unwell(found: list[Examined]) -> list[Examined]:
    return [each for each in found if each.finding.level is not Level.OK]


def of_this_disk(each: Examined) -> bool:
    """How full the disk of the test's machine is, is none of the tree's business."""
    return each.check == "storage.has_room"


def test_a_healthy_pi_is_well(pi: Any) -> None:
    found = examine(pi.machine)
    assert [each for each in unwell(found) if not of_this_disk(each)] == []
    assert len(found) >= 15


@pytest.mark.parametrize(("check", "level", "mend", "spoil"), FAULTS)
def test_a_fault_is_found_with_its_mend(
    pi: Any, check: str, level: Level, mend: str, spoil: Spoil
) -> None:
    spoil(pi)
    found = [each.finding for each in unwell(examine(pi.machine)) if each.check == check]
    assert [each.level for each in found] == [level]
    assert mend in found[0].hint


def test_every_check_has_a_fault() -> None:
    checks = {
        f"{subject.__name__.rpartition('.')[2]}.{check.__name__}"
        for subject in SUBJECTS
        for check in subject.CHECKS
    }
    assert checks == {check for check, *_ in FAULTS} | BY_FACTS


def test_an_empty_tree_is_looked_at_without_complaint(tmp_path: Path) -> None:
    """No Pi, no systemd, no configuration: nothing of it is a fault."""
    assert is_well([e for e in examine(Machine(tmp_path, lambda _: "")) if not of_this_disk(e)])


def test_several_lots_are_several_roles(pi: Any) -> None:
    for lot in ("north", "south"):
        pi.write(f"/etc/lotkeeper/lots/{lot}/gateway.toml", f'lot_id = "{lot}"')
    hints = [each.finding.hint for each in unwell(examine(pi.machine))]
    assert [hint.rpartition("/lots/")[2] for hint in hints if "/lots/" in hint] == [
        "north/gateway.toml",
        "south/gateway.toml",
    ]


class TestFacts:
    @pytest.mark.parametrize(("free", "level"), [(4, Level.BAD), (10, Level.NOTE), (50, Level.OK)])
    def test_room(self, free: int, level: Level) -> None:
        disk = storage.Disk(Path("/"), free * 10**8, 100 * 10**8, False)
        assert [each.level for each in storage.has_room(stored(disk))] == [level]

    def test_read_only(self) -> None:
        found = storage.may_be_written(stored(storage.Disk(Path("/"), 1, 1, True)))
        assert [each.level for each in found] == [Level.BAD]
        assert storage.may_be_written(stored(storage.Disk(Path("/"), 1, 1, False))) == []

    def test_a_young_boot_says_nothing_of_a_day(self) -> None:
        busy = storage.Storage((), "mmcblk0", 10**12, 60.0, None, ())
        assert storage.wears_slowly(busy) == []

    def test_unknown_power_is_no_finding(self) -> None:
        assert power.voltage(power.Power(None, None)) == power.heat(power.Power(None, None)) == []


def stored(disk: storage.Disk) -> storage.Storage:
    return storage.Storage((disk,), "", 0, 0.0, None, ())


def test_the_command_looks_at_this_machine() -> None:
    run = CliRunner().invoke(app, ["--json"])
    told = json.loads(run.stdout)
    assert run.exit_code == (0 if told["well"] else 1)
    assert {each["check"].partition(".")[0] for each in told["findings"]} >= {"storage", "clock"}
    assert all(each["hint"] for each in told["findings"] if each["level"] != "ok")
