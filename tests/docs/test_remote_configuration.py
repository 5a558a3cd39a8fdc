"""The page of remote configuration says what the code does."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from agent.trial import MOST_STARTS, STEADY_SHARE
from contract.commands import NEVER, SECTIONS
from gateway.cli import app
from gateway.config_requests import TRIAL_S

PAGE = (Path(__file__).parents[2] / "docs" / "remote-configuration.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]


@pytest.mark.parametrize(("name", "why"), NEVER.items())
def test_what_is_refused_is_there_with_its_reason(name: str, why: str) -> None:
    (row,) = [row for row in PAGE.splitlines() if row.startswith("|") and f"`{name}`" in row]
    assert why in row


def test_what_may_be_changed_is_there() -> None:
    rows = [
        row.split("|")[1] for row in PAGE.splitlines() if row.endswith("| |") or "all of" in row
    ]
    shown = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert shown == set(SECTIONS)


def test_the_figures_are_the_codes() -> None:
    assert f"{TRIAL_S:.0f} s if not said" in PAGE
    assert STEADY_SHARE == 1 / 12
    assert "a twelfth of the trial" in PAGE
    assert MOST_STARTS == 3
    assert "three starts ended before a verdict" in PAGE


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_there(line: str) -> None:
    command = get_command(app)
    words = shlex.split(line)[2:]
    context = command.make_context("gateway", words)
    while words and hasattr(command, "resolve_command"):
        name, command, words = command.resolve_command(context, words)
        context = command.make_context(name, list(words), parent=context)
    assert len(COMMANDS) == 6
