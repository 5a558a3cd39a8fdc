"""The LED sign's example at the wire: a pseudo-terminal is the serial line, read frame by frame."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SIGN = Path(__file__).parents[2] / "docs" / "examples" / "led_sign.py"
PATIENCE_S = 20.0
FRAME = re.compile(
    rb"\x00{5}\x01Z([0-9A-F]{2})(\x02AA\x1b0b([^\x03]*)\x03)([0-9A-F]{4})\x04", re.DOTALL
)
"""9708-8061, 5.1 and 6.1: wake-up, type and address, a text that holds, its sum."""
LEFT, GREEN, RED = b"\x08f", b"\x1c2", b"\x1c1"


class Line:
    """The serial line, and what stands on the signs at it."""

    def __init__(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.signs: dict[int, bytes] = {}
        self._rest = b""

    def until(self, **signs: bytes) -> None:
        """Read frames until the signs show this."""
        wanted = {int(name[1:]): text for name, text in signs.items()}
        while self.signs != wanted:
            assert self.read(PATIENCE_S), f"{self.signs} on the signs, {self._rest!r} on the line"

    def read(self, timeout_s: float) -> bool:
        """The frames that are there, once something is; each must be whole, its sum right."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return False
        self._rest += os.read(self._master, 4096)
        while found := FRAME.match(self._rest):
            assert int(found[4], 16) == sum(found[2])
            self.signs[int(found[1], 16)] = found[3]
            self._rest = self._rest[found.end() :]
        return True

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


@contextmanager
def sign(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(SIGN), *map(str, arguments)],
        cwd=SIGN.parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_signs_show_counts_and_blank_when_these_run_out(lot: Any, line: Line) -> None:
    with sign(lot.config("never"), line.port) as process:
        line.until(s1=b" ", s2=b" ")
        # Said until it has subscribed: without a true clock only what is live counts.
        while line.signs != {1: GREEN + b"7", 2: GREEN + LEFT + b"12"}:
            lot.count(7)
            lot.count(12, "A", valid_s=3)
            line.read(0.2)
        line.until(s1=GREEN + b"7", s2=b" ")
        lot.count(0, "A")
        line.until(s1=GREEN + b"7", s2=RED + b"FULL")
        process.send_signal(signal.SIGTERM)
        line.until(s1=b" ", s2=b" ")
        assert process.wait(PATIENCE_S) == 0


def test_what_a_killed_sign_left_is_blanked_by_the_next(lot: Any, line: Line) -> None:
    """As systemd does: ExecStopPost= runs after a crash too."""
    lot.count(7)
    lot.count(0, "A")
    with sign(lot.config(), line.port) as process:
        line.until(s1=GREEN + b"7", s2=RED + b"FULL")
        process.kill()
    with sign(lot.config(), line.port, "--blank") as process:
        line.until(s1=b" ", s2=b" ")
        assert process.wait(PATIENCE_S) == 0


def test_a_port_that_is_not_there_is_named(lot: Any) -> None:
    with sign(lot.config(), "/dev/ttyNONE") as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "/dev/ttyNONE" in err
