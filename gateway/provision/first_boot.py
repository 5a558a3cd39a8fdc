"""What a card's boot partition needs so that a Pi sets itself up: two generations of the same.

Raspberry Pi OS Trixie reads `user-data` and `network-config` (cloud-init; the `rpi:` key is its
module cc_raspberry_pi, which reboots by itself where it changes the serial port). Bookworm runs
`firstrun.sh` once, before there is a network. Both write the same files and leave the rest to one
unit, which tries again until the network, the package and the enrolment server are there.
"""

import json
import re
import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.provision.files import SECRET, Planned
from gateway.provision.lot import Lot
from gateway.provision.places import ROOT

SCRIPT_PATH = Path("/usr/local/sbin/lotkeeper-first-boot")
UNIT_PATH = Path("/etc/systemd/system/lotkeeper_first_boot.service")
"""Not `lotkeeper-...`: once the package is there, those have the services' sandbox, in which
nothing can be installed or enrolled."""
PUBLIC_SCRIPT = 0o755

SCRIPT = """\
#!/bin/sh
# Written by lotkeeper: installs the package from the boot partition, enrols, starts the agent,
# and puts a Pi's settings in place. What fails is tried again by its unit.
set -eu
if ! command -v lotkeeper >/dev/null; then
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y /boot/firmware/lotkeeper*.deb
fi
if [ -e /etc/lotkeeper/invitation ]; then
  lotkeeper agent enroll --invitation /etc/lotkeeper/invitation
fi
# On the boot partition everybody can read it. Emptied, not removed: without any, cloud-init would
# take the next boot for another machine's first.
[ ! -e /boot/firmware/user-data ] || echo '#cloud-config' >/boot/firmware/user-data
systemctl enable lotkeeper-agent.service
systemctl restart lotkeeper-agent.service
systemctl disable lotkeeper_first_boot.service
if [ -x /usr/share/lotkeeper/firmware-config/apply ]; then
  /usr/share/lotkeeper/firmware-config/apply
  systemctl reboot  # the settings count after it
fi
"""

UNIT = """\
[Unit]
Description=First boot of a Lotkeeper device
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lotkeeper-first-boot
Restart=on-failure
RestartSec=30

[Install]
WantedBy=multi-user.target
"""

KERNEL_WORDS = (
    "systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot "
    "systemd.unit=kernel-command-line.target"
)
FIRSTRUN = """\
#!/bin/sh
# Written by lotkeeper for Raspberry Pi OS Bookworm. Copy it to the card's boot partition and add to
# the one line of cmdline.txt there:
#   {kernel_words}
set -eu
root="${{1:-}}"  # for tests: another root than /
umask 077
{steps}
rm -f "$root/boot/firmware/firstrun.sh"
sed -i 's| systemd.run.*||g' "$root/boot/firmware/cmdline.txt"
exit 0
"""


@dataclass(frozen=True, slots=True)
class Wifi:
    """A network to join. The country (ISO 3166-1, two letters) decides which channels are legal."""

    ssid: str
    password: str
    country: str


@dataclass(frozen=True, slots=True)
class Login:
    """Who may log in by SSH; without one nobody may."""

    user: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Card:
    """What is to be on one device's card."""

    lot: Lot
    name: str
    files: list[Planned]
    """With absolute paths."""
    wifi: Wifi | None = None
    login: Login | None = None

    @property
    def hostname(self) -> str:
        """The name as RFC 1123 allows it."""
        return re.sub(r"[^A-Za-z0-9-]+", "-", self.name).strip("-") or "lotkeeper"

    def has(self, option: str) -> bool:
        """Whether a sensor of this agent has an option: `bus` is I2C, `port` is serial."""
        return any(option in (spot.sensor or {}) for spot in self.lot.spots_of(self.name))


def files(card: Card) -> list[Planned]:
    """The files for the boot partition."""
    return [
        Planned(Path("user-data"), user_data(card).encode(), SECRET),
        Planned(Path("network-config"), network_config(card.wifi).encode(), SECRET),
        Planned(Path("firstrun.sh"), firstrun(card).encode(), SECRET),
    ]


def on_device(bundle: Iterable[Planned]) -> list[Planned]:
    """A bundle's files where a Pi has them, with what runs at its first boot."""
    return [
        *(
            Planned(ROOT / each.path, each.content, each.mode)
            for each in bundle
            if each.path.suffix != ".svg"
        ),
        Planned(SCRIPT_PATH, SCRIPT.encode(), PUBLIC_SCRIPT),
        Planned(UNIT_PATH, UNIT.encode()),
    ]


def user_data(card: Card) -> str:
    """cloud-init's configuration. https://cloudinit.readthedocs.io/en/latest/reference/modules.html"""
    lines = [
        "#cloud-config",
        f"hostname: {_quoted(card.hostname)}",
        "manage_etc_hosts: true",
        f"timezone: {_quoted(card.lot.time_zone)}",
        *_login(card.login),
        *_interfaces(card),
        "write_files:",
    ]
    for each in card.files:
        lines += [
            f"  - path: {_quoted(str(each.path))}",
            f"    permissions: '{each.mode:04o}'",
            "    content: |",
            textwrap.indent(each.content.decode().rstrip("\n"), " " * 6),
        ]
    lines += ["runcmd:", f"  - [systemctl, enable, --now, --no-block, {UNIT_PATH.name}]", ""]
    return "\n".join(lines)


def _login(login: Login | None) -> list[str]:
    if login is None:
        return ["users: []"]
    return [
        "enable_ssh: true",
        "users:",
        f"  - name: {_quoted(login.user)}",
        "    groups: [adm, dialout, sudo, i2c, gpio, systemd-journal]",
        "    shell: /bin/bash",
        "    sudo: 'ALL=(ALL) NOPASSWD:ALL'",
        f"    ssh_authorized_keys: [{_quoted(login.public_key)}]",
    ]


def _interfaces(card: Card) -> list[str]:
    wanted = []
    if card.has("bus"):
        wanted.append("    i2c: true")
    if card.has("port"):
        wanted.append("    serial: {console: false, hardware: true}")
    return ["rpi:", "  interfaces:", *wanted] if wanted else []


def network_config(wifi: Wifi | None) -> str:
    """Netplan, version 2: the wire by DHCP, and the wireless where one is named."""
    text = "network:\n  version: 2\n  ethernets:\n    eth0: {dhcp4: true, optional: true}\n"
    if wifi is None:
        return text
    return text + (
        "  wifis:\n"
        "    wlan0:\n"
        "      dhcp4: true\n"
        "      optional: true\n"
        f"      regulatory-domain: {_quoted(wifi.country)}\n"
        "      access-points:\n"
        f"        {_quoted(wifi.ssid)}: {{password: {_quoted(wifi.password)}}}\n"
    )


def firstrun(card: Card) -> str:
    """The script for Bookworm's first boot."""
    custom = '"$root/usr/lib/raspberrypi-sys-mods/imager_custom"'
    steps = [f"{custom} set_hostname {card.hostname}"]
    steps += [f"{custom} set_timezone {shlex.quote(card.lot.time_zone)}"]
    if card.wifi:
        wifi = (card.wifi.ssid, card.wifi.password, card.wifi.country)
        steps += [f"{custom} set_wlan {shlex.join(wifi)}"]
    if card.login:
        steps += [f"{custom} enable_ssh -k {shlex.quote(card.login.public_key)}"]
    if card.has("bus"):
        steps += ["raspi-config nonint do_i2c 0"]
    if card.has("port"):
        steps += ["raspi-config nonint do_serial_cons 1", "raspi-config nonint do_serial_hw 0"]
    steps += [_heredoc(each) for each in card.files]
    wants = "$root/etc/systemd/system/multi-user.target.wants"
    steps += [f'mkdir -p "{wants}"', f'ln -sf {UNIT_PATH} "{wants}/{UNIT_PATH.name}"']
    return FIRSTRUN.format(steps="\n".join(steps), kernel_words=KERNEL_WORDS)


def _heredoc(each: Planned) -> str:
    end = "LOTKEEPER_END_OF_FILE"
    text = each.content.decode().rstrip("\n")
    return (
        f'mkdir -p -m 755 "$root{each.path.parent}"\n'
        f"cat >\"$root{each.path}\" <<'{end}'\n{text}\n{end}\n"
        f'chmod {each.mode:o} "$root{each.path}"'
    )


def _quoted(text: str) -> str:
    """A YAML scalar: JSON's strings are YAML's double-quoted ones."""
    return json.dumps(text, ensure_ascii=False)
