#!/usr/bin/env python3
"""LED signs on a serial line (RS-232, RS-485), one for each line of display.toml.

    led_sign.py display.toml /dev/ttyUSB0           # until stopped; then all are blank
    led_sign.py display.toml /dev/ttyUSB0 --blank   # blank all: systemd's ExecStopPost=

For signs that speak the Alpha protocol (Adaptive, BetaBrite): "Alpha Sign Communications Protocol",
9708-8061, 5.1 and 6.1. The sign at address 01 shows the first line, 02 the second, and so on.

A sign keeps its text for ever. So each text has an end: the board says when a count has run out,
a stop blanks, ExecStopPost blanks after a crash, and a Pi that hangs is reset by its watchdog.
Needs lotkeeper[display] and pyserial.
"""

import argparse
import sys
import time
from pathlib import Path

import serial

from display.app import Lines, LinkDied, Watch, stopped_by_signals
from display.board import ShownLine, Shows
from display.config import DisplaySettings
from runtime.clock import SystemClock
from runtime.config import ConfigError, load

NUL, SOH, STX, ETX, EOT, ESC = b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x1b"
WRITE_TEXT, FILE, ALL_TYPES = b"A", b"A", b"Z"
FILL, HOLD = b"0", b"b"
COLOURS = {Shows.OPEN: b"\x1c2", Shows.FULL: b"\x1c1", Shows.CLOSED: b"\x1c3"}
ARROWS = {"up": b"\x08d", "down": b"\x08e", "left": b"\x08f", "right": b"\x08g"}
AGAIN_S = 10.0
"""A sign that lost its power gets its text again after so long."""


def frame(address: int, text: bytes) -> bytes:
    """A packet that makes `text` stand still; a sign ignores one whose sum is wrong."""
    body = STX + WRITE_TEXT + FILE + ESC + FILL + HOLD + text + ETX
    return NUL * 5 + SOH + ALL_TYPES + b"%02X" % address + body + b"%04X" % sum(body) + EOT


def text(line: ShownLine) -> bytes:
    """What stands on a sign: a space where it is blank."""
    if line.shows is Shows.BLANK:
        return b" "
    word = str(line.free) if line.shows is Shows.OPEN else line.shows.value.upper()
    return COLOURS[line.shows] + ARROWS.get(line.arrow, b"") + word.encode()


class Signs:
    """The signs on one serial line."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._before: list[bytes] = []
        self._again_s = 0.0

    def show(self, lines: Lines) -> None:
        """Tell the signs, if something changed or it is time to repeat."""
        now_s, texts = time.monotonic(), [text(line) for line in lines]
        if texts != self._before or now_s >= self._again_s:
            self._before, self._again_s = texts, now_s + AGAIN_S
            self._tell(texts)

    def blank(self, count: int) -> None:
        """Nothing on any sign."""
        self._tell([b" "] * count)

    def _tell(self, texts: list[bytes]) -> None:
        for address, each in enumerate(texts, start=1):
            self._port.write(frame(address, each))
        self._port.flush()


def main() -> int:
    """Exit 0 stopped, 1 failed, 2 bad usage or configuration."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("config", type=Path, help="the display's TOML file")
    parser.add_argument("port", help="the serial port")
    parser.add_argument("--blank", action="store_true", help="blank all and end")
    options = parser.parse_args()
    try:
        settings = load(options.config, DisplaySettings)
        with serial.Serial(options.port, 9600, write_timeout=5) as port:
            signs = Signs(port)
            try:
                if not options.blank:
                    watch = Watch(settings, SystemClock(settings.clock))
                    with stopped_by_signals(watch):
                        watch.run(signs.show)
            finally:
                signs.blank(len(settings.lines))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (LinkDied, OSError) as error:  # a SerialException is an OSError
        print(f"{options.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
