"""The operator's page: its commands run, in its order, on a lot whose cloud refuses records."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.tools.reconcile_view import WORDS
from simulator.faults import NAMES
from simulator.site import Site

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "operating.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
BAYS = {"A1": [(100.0, 160.0), (200.0, 260.0)], "A2": [(120.0, 180.0), (220.0, 280.0)]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four records of A2 are dead letters of the sink cloud, which would take them now."""
    made = Site(
        "operated", BAYS, datetime(2026, 3, 1, tzinfo=UTC), folder=tmp_path_factory.mktemp("lot"),
        speed=0, broker="iotcore", bays_an_agent=2, zones=["A"],
    )  # fmt: skip
    try:
        made.start()
        made.door.refused_spots = frozenset({"A2"})
        for _ in made.lot.play(600):
            pass
        assert made.settled(20)
        made.door.refused_spots = frozenset()
        yield made
    finally:
        made.stop()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, site: Site) -> None:
    words = shlex.split(command)[1:]
    if words[0] == "gateway":
        words += ["-c", str(site.folder / "gateway.toml")]
    if "salvage" in words:
        site.gateway.stop()
    done = subprocess.run(
        [sys.executable, "-m", "lotkeeper", *words],
        env=os.environ | {"PYTHONPATH": str(REPO)},
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    assert "Traceback" not in done.stderr


def test_every_verb_is_shown() -> None:
    shown = {tuple(shlex.split(command)[2:4]) for command in COMMANDS if " gateway " in command}
    wanted = {
        *(("buffer", verb) for verb in ("status", "verify", "salvage")),
        *(("dead-letters", verb) for verb in ("list", "show", "replay", "drop")),
        ("reconcile",),
    }
    assert wanted <= shown


def test_every_fault_is_in_the_table_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (1 h)? ?\| (.*) \|$", PAGE, re.MULTILINE)
    assert {name: (lasts, words) for name, lasts, words in rows} == {
        name: ("1 h" if kind.for_s == 3600 else "", kind.help) for name, kind in NAMES.items()
    }


def test_every_reason_of_a_drop_is_named() -> None:
    for reason in WORDS.keys() - {"before"}:
        assert f"`{reason}`" in PAGE
