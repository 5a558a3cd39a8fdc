"""The installer's page, without booting anything: its commands exist, and few are for people alone.

tests/system/test_install.py follows it word by word (`make test-system`).
"""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from lotkeeper.__main__ import ROLES
from tests.system.page import Step, steps
from tests.system.site import WAYS, WIRED

PAGE = Path(__file__).parents[2] / "docs" / "install.md"
STEPS = steps(PAGE)
TYPED = [step for step in STEPS if step.typed]


def lines(step: Step) -> list[str]:
    """Its commands of ours, as who they are typed does not count."""
    return re.findall(r"^(?:sudo (?:-u lotkeeper )?)?(lotkeeper .*)$", step.typed, re.MULTILINE)


@pytest.mark.parametrize("line", sorted({line for step in TYPED for line in lines(step)}))
def test_a_command_takes_what_the_page_says(line: str) -> None:
    """Up to the last option; what it does then is the system test's."""
    role, *words = shlex.split(line)[1:]
    if role == "--version":
        return
    command = get_command(import_module(ROLES[role].module).app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(line, words)


def test_little_is_for_people_alone() -> None:
    by_hand = [step for step in TYPED if step.by_hand]
    assert len(by_hand) == 3 < len(TYPED) / 6


def test_each_machine_of_a_block_is_there() -> None:
    named = {name for step in TYPED if not step.by_hand for name in step.machines}
    assert named == {"gateway", *WIRED}


def test_what_is_done_is_something_that_the_test_can_do() -> None:
    done = [step.done for step in STEPS if step.done]
    assert len(done) > 5
    assert [each for each in done if not any(re.fullmatch(way, each) for way in WAYS)] == []


def test_the_pis_are_wired_as_the_table_says() -> None:
    rows = re.findall(r"^(\w+),\w,(pi-\d),a02yyuw,(\S+)$", PAGE.read_text(), re.MULTILINE)
    assert {pi: {s: p for s, n, p in rows if n == pi} for pi in WIRED} == WIRED
