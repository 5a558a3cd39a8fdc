"""The simulator's page says what the code does."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from simulator import demo_cli, lot, reconcile, sessions, simulate_cli
from simulator.demo import CUT_BY_KEY, KILLED_BY_KEY
from simulator.faults import written

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
FACTS = {
    f"played as the {sessions.SHORT_S:.0f} s before its departure",
    f"less than {sessions.TOUCH_S:.0f} s apart",
    f"from {lot.BEFORE_S:.0f} s before each true change to {lot.AFTER_S:.0f} s after it",
    f"more than {reconcile.EARLY_S:.0f} s early or {reconcile.LATE_S:.0f} s late",
}


def options(app: object) -> set[str]:
    return {name for each in get_command(app).params for name in each.opts}  # type: ignore[arg-type]


def test_the_keys_are_those_of_the_demo_and_faults_can_be_written_so() -> None:
    keys = {row[0]: row[1] for row in ROWS}
    assert keys.keys() == {*CUT_BY_KEY, *KILLED_BY_KEY, "q"}
    for key, what in (CUT_BY_KEY | KILLED_BY_KEY).items():
        assert written(keys[key]).what == what


@pytest.mark.parametrize("role", ["demo", "simulate"])
def test_every_option_that_is_named_exists(role: str) -> None:
    known = options(demo_cli.app) if role == "demo" else options(simulate_cli.app)
    lines = [line for line in PAGE.splitlines() if line.startswith(f"    lotkeeper {role}")]
    assert lines
    for line in lines:
        used = {word for word in shlex.split(line, comments=True) if word.startswith("--")}
        assert used <= known, line


def test_every_option_in_the_text_is_one_of_either() -> None:
    named = set(re.findall(r"`(--[a-z-]+)", PAGE))
    assert named
    assert named <= options(demo_cli.app) | options(simulate_cli.app)


@pytest.mark.parametrize("fact", sorted(FACTS))
def test_figures_are_the_codes(fact: str) -> None:
    assert fact in " ".join(PAGE.split())
