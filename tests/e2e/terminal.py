"""A terminal that is read and typed at by a test."""

import os
import pty
import select
import struct
import subprocess
import termios
import time
from fcntl import ioctl
from typing import Any


class Terminal:
    """A terminal of 120 by 50 characters: what it shows, and keys to press."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        self.shown = b""

    @property
    def streams(self) -> dict[str, int]:
        """For a process that is to run on it."""
        return dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs)

    @property
    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.theirs)

    @property
    def line_by_line(self) -> bool:
        """Whether it waits for Enter, as a terminal at a shell does."""
        return bool(self.settings[3] & termios.ICANON)

    def press(self, key: str) -> None:
        os.write(self.ours, key.encode())

    def await_words(self, words: str, timeout_s: float = 20.0) -> None:
        """Read on until they are shown."""
        self.shown = b""
        deadline_s = time.monotonic() + timeout_s
        while words.encode() not in self.shown:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, f"{words!r} not in {self.shown[-3000:].decode(errors='replace')}"
            if select.select([self.ours], [], [], left_s)[0]:
                self.shown += os.read(self.ours, 65536)

    def drain_until_ended(self, process: "subprocess.Popen[str]", timeout_s: float = 40.0) -> int:
        """The exit status; a terminal that nobody reads would hold the process up."""
        end = os.pidfd_open(process.pid)
        deadline_s = time.monotonic() + timeout_s
        while end not in (ready := select.select([end, self.ours], [], [], 1)[0]):
            assert time.monotonic() < deadline_s
            if ready:
                os.read(self.ours, 65536)
        os.close(end)
        return process.wait()
