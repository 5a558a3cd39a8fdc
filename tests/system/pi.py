"""What Raspberry Pi OS has beyond Debian, and a Pi beyond a container: the user, the boot
partition, `raspi-config`, sensors on serial ports."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.system.machine import Machine

BOOT = "/boot/firmware"
DISTANCES, FLOOR_MM = "/srv/bays", 2500
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBf0 pi@computer\n"
RASPI_CONFIG = """\
#!/bin/sh
# raspi-config nonint WHAT 0|1, where 0 is yes
set -eu
case "$2" in
  do_serial_cons) [ "$3" = 0 ] || sed -i 's/console=serial0,115200 //' /boot/firmware/cmdline.txt ;;
  do_serial_hw) [ "$3" = 1 ] || echo enable_uart=1 >>/boot/firmware/config.txt ;;
  do_i2c) [ "$3" = 1 ] || echo dtparam=i2c_arm=on >>/boot/firmware/config.txt ;;
  *) echo "no $2 here" >&2 && exit 1 ;;
esac
"""
IMAGER_CUSTOM = """\
#!/bin/sh
set -eu
case "$1" in
  set_hostname) echo "$2" >/etc/hostname ;;
  set_timezone) echo "$2" >/etc/timezone ;;
  enable_ssh) install -D -m 600 -o pi /dev/null /home/pi/.ssh/authorized_keys ;;
  *) echo "no $1 here" >&2 && exit 1 ;;
esac
"""
BAYS = """\
[Unit]
Description=The sensors of this Pi's bays
Before=lotkeeper-agent.service
[Service]
Type=notify
ExecStart=/usr/bin/python3 /usr/local/lib/bays.py
[Install]
WantedBy=multi-user.target
"""
FIRST_BOOT_S = 300.0
"""The page says: some five minutes, in which apt installs."""
CONTAINERS = {"clock.is_synced"}
"""Not well in a container without a time server, and none of ours."""


def make(machine: Machine, hosts: Mapping[str, str], wires: Mapping[str, str]) -> None:
    """Of a bare Debian, before it boots; `wires` are its bays and their ports."""
    chroot = ["chroot", str(machine.root)]
    add_user = [*chroot, "useradd", "--create-home", "--shell=/bin/bash", "--groups=sudo", "pi"]
    subprocess.run(add_user, check=True)
    machine.write("/etc/hostname", f"{machine.name}\n")
    machine.write("/etc/sudoers.d/010_pi-nopasswd", "pi ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    machine.write("/home/pi/.ssh/authorized_keys", KEY)
    names = [f"{address} {name} {name}.local" for address, name in hosts.items()]
    machine.write("/etc/hosts", "\n".join(["127.0.0.1 localhost", *names, ""]))
    machine.write(f"{BOOT}/cmdline.txt", "console=serial0,115200 console=tty1 rootwait\n")
    machine.write(f"{BOOT}/config.txt", "[all]\n")
    machine.write("/usr/bin/raspi-config", RASPI_CONFIG, 0o755)
    machine.write("/usr/lib/raspberrypi-sys-mods/imager_custom", IMAGER_CUSTOM, 0o755)
    if wires:
        script = Path(__file__).with_name("bays.py").read_text()
        machine.write("/usr/local/lib/bays.py", script)
        machine.write("/etc/bays", "".join(f"{bay} {port}\n" for bay, port in wires.items()))
        machine.write("/etc/systemd/system/bays.service", BAYS)
        for bay in wires:
            machine.write(f"{DISTANCES}/{bay}", str(FLOOR_MM))
        subprocess.run([*chroot, "systemctl", "--quiet", "enable", "bays"], check=True)


def boot_first(machine: Machine) -> None:
    """With a card that says what is to become of it: until that has rebooted it, and it is up."""
    words = (machine.root / BOOT[1:] / "cmdline.txt").read_text().split()
    asked = [word for word in words if word.startswith("systemd.")]
    if asked:
        machine.power_on(*asked)
        machine.await_off()
        machine.power_on()
    else:
        apply_user_data(machine)
    machine.await_off(FIRST_BOOT_S)
    machine.boot()


def apply_user_data(machine: Machine) -> None:
    """As cloud-init does on Raspberry Pi OS Trixie: the files, then the commands."""
    said = yaml.safe_load((machine.root / BOOT[1:] / "user-data").read_text())
    for each in said["write_files"]:
        machine.write(each["path"], each["content"], int(each["permissions"], 8))
    if said.get("rpi", {}).get("interfaces", {}).get("serial"):
        machine.write(f"{BOOT}/cmdline.txt", "console=tty1 rootwait\n")
    machine.boot()
    for command in said["runcmd"]:
        machine.run(*command)


def ails_of(machine: Machine) -> set[str]:
    """The checks by which the doctor finds something bad."""
    told = json.loads(machine.try_run("lotkeeper", "doctor", "--json").stdout)
    return {each["check"] for each in told["findings"] if each["level"] == "bad"}
