"""SECURITY.md names what there is: tests, files, commands, and every provision of the standard."""

import ast
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.main import get_command

from lotkeeper.__main__ import ROLES

REPO = Path(__file__).parents[2]
PAGE = (REPO / "SECURITY.md").read_text()
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
FILES = [span for span in SPANS if re.fullmatch(r"[\w-][\w./-]*/[\w./:-]+\S*", span.split()[0])]
COMMANDS = [span for span in SPANS if span.startswith("lotkeeper ")]
TARGETS = [span.split()[1] for span in SPANS if span.startswith("make ")]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" |")]
    for line in PAGE.splitlines()
    if re.match(r"\| [56][.-]\d", line)
]
PROVISIONS = {5: (5, 3, 16, 4, 8, 9, 2, 3, 3, 1, 4, 3, 1), 6: (5,)}
"""How many each clause has, 5.1 to 5.13 and 6: ETSI EN 303 645 V2.1.1, table B.1."""


def provisions() -> list[str]:
    counted = [(f"5.{n}", many) for n, many in enumerate(PROVISIONS[5], 1)]
    counted.append(("6", PROVISIONS[6][0]))
    return [f"{clause}-{n}" for clause, many in counted for n in range(1, many + 1)]


def names(body: list[ast.stmt], before: str = "") -> set[str]:
    """The tests of a module or class as pytest writes them behind the file."""
    found = set()
    for each in body:
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
            found.add(before + each.name)
        if isinstance(each, ast.ClassDef):
            found |= names(each.body, f"{before}{each.name}::")
    return found


def test_there_is_much_to_look_at() -> None:
    assert len(FILES) > 60
    assert len(COMMANDS) > 6
    assert {"units", "test-system"} <= set(TARGETS)


@pytest.mark.parametrize("span", FILES)
def test_a_file_and_its_test_exist(span: str) -> None:
    path, _, node = span.split()[0].partition("::")
    assert (REPO / path).exists()
    if node:
        assert node in names(ast.parse((REPO / path).read_text()).body)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists(command: str) -> None:
    """Its verbs and its options; `-` and what follows a pipe is the shell's."""
    _, role, *words = shlex.split(command.partition("|")[0])
    if role == "--version":
        return
    found = get_command(import_module(ROLES[role].module).app)
    while words and words[0] in getattr(found, "commands", {}):
        found = found.commands[words.pop(0)]  # type: ignore[attr-defined]
    assert not (words and hasattr(found, "commands")), f"no command {words[0]} of {found.name}"
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_of_make_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (REPO / "Makefile").read_text(), re.MULTILINE)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert len(links) > 15
    assert [link for link in links if not (REPO / link).exists()] == []


def test_every_provision_is_there_once_and_in_order() -> None:
    assert [row[0] for row in ROWS] == provisions()


def test_every_status_is_one_of_four_and_what_is_met_has_its_evidence() -> None:
    assert {row[2] for row in ROWS} == {"met", "partly", "not met", "not applicable"}
    for provision, _, status, evidence in ROWS:
        assert evidence or status == "not met", provision
        assert status != "met" or "`" in evidence or "](" in evidence, provision


def test_no_private_key_is_in_the_repository() -> None:
    """PEM with something in it: 40 characters of base64 behind the head."""
    key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[\w-]+: .*\s+)*[A-Za-z0-9+/=]{40}")
    folders = [each for each in REPO.iterdir() if not each.name.startswith(".")]
    files = [
        path
        for each in folders
        if each.name != "build"
        for path in ([each] if each.is_file() else each.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert len(files) > 500
    assert [path for path in files if key.search(path.read_bytes())] == []
