#!/bin/sh
# Raspberry Pi OS Bookworm: the same as user-data is for Trixie. Copy it and this folder, as
# firmware-config, to the boot partition, and add to the one line of cmdline.txt there:
#   systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target
# There is no network yet: the packages are installed after it, over SSH or by the bundle's unit.
set -eu
root="${1:-}" # for tests: another root than /
if [ -z "$root" ]; then
  raspi-config nonint do_i2c 0
  raspi-config nonint do_onewire 0
  raspi-config nonint do_serial_cons 1
  raspi-config nonint do_serial_hw 0
fi
sh "$root/boot/firmware/firmware-config/apply" "$root/"
rm -f "$root/boot/firmware/firstrun.sh"
sed -i 's| systemd.run.*||g' "$root/boot/firmware/cmdline.txt"
