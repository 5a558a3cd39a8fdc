"""The machine that is looked at: its files below a root, and what its commands say."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 10.0

Run = Callable[[Sequence[str]], str]


def run_here(command: Sequence[str]) -> str:
    """The standard output; empty where the command is not there, fails mute or takes too long."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


@dataclass(frozen=True, slots=True)
class Machine:
    """A directory tree as `/`, and how to run a command there.

    What cannot be read is as good as empty: doctor runs as any user, and what it needs root for
    is a finding of its own.
    """

    root: Path = Path("/")
    run: Run = run_here

    def at(self, path: str | Path) -> Path:
        """Where an absolute path is."""
        return self.root / str(path).lstrip("/")

    def text(self, path: str | Path) -> str:
        """A file's text without the ends' blanks and the device tree's NULs."""
        try:
            return self.at(path).read_text(errors="replace").strip(" \n\0")
        except OSError:
            return ""

    def glob(self, pattern: str) -> list[Path]:
        """The absolute paths, as seen from the machine, in order."""
        found = self.root.glob(pattern.lstrip("/"))
        return sorted(Path("/") / path.relative_to(self.root) for path in found)

    def exists(self, path: str | Path) -> bool:
        """Whether something is there, as far as this user may see."""
        return os.path.exists(self.at(path))

    def properties(self, command: Sequence[str]) -> dict[str, str]:
        """What a command says in lines of NAME=VALUE, as `systemctl show` does."""
        lines = self.run(command).splitlines()
        return {name: value for name, equals, value in (x.partition("=") for x in lines) if equals}
