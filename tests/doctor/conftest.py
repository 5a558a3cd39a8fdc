"""A healthy Pi as a directory tree, with what its commands say; each test spoils one thing."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from doctor.machine import Machine
from gateway.provision import ca

AGENT_TOML = """\
agent_id = "pi-07"
lot_id = "north"
air_temperature = "/sys/bus/w1/devices/28-0123/temperature"
[mqtt]
host = "127.0.0.1"
port = {port}
[[spots]]
spot_id = "A1"
sensor = {{kind = "a02yyuw", port = "/dev/serial0"}}
[[spots]]
spot_id = "A2"
sensor = {{kind = "vl53l1x", bus = 1}}
[[spots]]
spot_id = "A3"
sensor = {{kind = "hcsr04", trigger = 23, echo = 24}}
"""
FILES = {
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "/proc/uptime": "86400.0 80000.0\n",
    "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 1 0 100\n",
    "/boot/firmware/config.txt": "dtparam=i2c_arm=on,i2c_arm_baudrate=100000\nenable_uart=1\n",
    "/boot/firmware/cmdline.txt": "console=tty1 root=PARTUUID=1-02 rootwait",
    "/dev/i2c-1": "",
    "/dev/ttyAMA0": "",
    "/dev/gpiochip0": "",
    "/dev/rtc0": "",
    "/dev/watchdog0": "",
    "/sys/bus/w1/devices/28-0123/temperature": "21500",
    "/sys/class/thermal/thermal_zone0/temp": "48500",
    "/sys/devices/platform/soc/soc:firmware/get_throttled": "0",
    "/sys/block/mmcblk0/stat": "1 0 8 0 1 0 4000000 0 0 0 0",
    "/sys/block/mmcblk0/device/life_time": "0x01 0x02",
    "/usr/lib/python3/dist-packages/lgpio.py": "",
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nlotkeeper:x:990:990::/var/lib/lotkeeper:/bin/false",
    "/etc/systemd/journald.conf.d/60-lotkeeper.conf": "Storage=persistent\nSystemMaxUse=64M\n",
    "/run/systemd/journal/socket": "",
    "/run/systemd/timesync/synchronized": "",
    "/var/log/journal/id": "",
    "/var/lib/lotkeeper/agent.db": "",
    "/etc/mosquitto/conf.d/lotkeeper.conf": "listener 8883\nrequire_certificate true\n",
}
AGENT_UNIT = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "Result": "success",
    "NRestarts": "0",
    "Environment": "PYTHONFAULTHANDLER=1",
}


class Pi:
    """The tree, and the answers of `systemctl`, `timedatectl` and `journalctl`."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.unit = dict(AGENT_UNIT)
        self.watchdog = "1min"
        self.synchronized = "yes"
        self.refusals = ""
        self.machine = Machine(root, self.run)
        for path, text in FILES.items():
            self.write(path, text)
        self.write("/etc/group", f"sensors:x:{os.getgid()}:lotkeeper\n")
        self.write("/etc/lotkeeper/agent.toml", AGENT_TOML.format(port=port))
        (root / "dev/serial0").symlink_to("ttyAMA0")
        self.certify(datetime.now(UTC) + timedelta(days=400))

    def run(self, command: Sequence[str]) -> str:
        match list(command):
            case ["systemctl", "show", "--property=RuntimeWatchdogUSec"]:
                return f"RuntimeWatchdogUSec={self.watchdog}\n"
            case ["systemctl", "show", str(), *_]:
                return "".join(f"{name}={value}\n" for name, value in self.unit.items())
            case ["timedatectl", *_]:
                return f"NTPSynchronized={self.synchronized}\n"
            case ["journalctl", *_]:
                return self.refusals
        return ""

    def write(self, path: str, text: str) -> Path:
        file = self.machine.at(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.machine.at(path)
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def remove(self, path: str) -> None:
        self.machine.at(path).unlink()

    def link(self, path: str, target: str) -> None:
        self.remove(path)
        self.machine.at(path).symlink_to(target)

    def certify(self, until: datetime) -> None:
        """The agent's own certificate, with its key for root alone."""
        authority = ca.found("north", datetime.now(UTC))
        key = ca.new_key()
        own = authority.issue(key.public_key(), "pi-07", ca.Usage.CLIENT, until)
        self.write("/etc/lotkeeper/tls/identity.crt", ca.pem(own).decode())
        self.write("/etc/lotkeeper/tls/identity.key", ca.key_pem(key).decode()).chmod(0o600)


@pytest.fixture
def pi(tmp_path: Path, mosquitto: tuple[str, int]) -> Pi:
    """Its broker is a real one."""
    return Pi(tmp_path, mosquitto[1])


Spoil = Callable[[Pi], object]
