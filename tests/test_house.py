"""The house is in order: packages, imports, locks, sizes, and words that must not be in it."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).parents[1]
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
LOCKED_EXTRAS = {
    "agent": ["agent", "pi"],
    "cloud": ["cloud"],
    "console": ["console"],
    "console-fleet": ["console-fleet"],
    "demo": ["demo"],
    "dev": ["dev"],
    "emulator": ["emulator"],
    "gateway": ["gateway", "kafka", "kinesis", "notify"],
    "spark": ["spark"],
    "terraform": ["terraform"],
}
APART = {"emulator", "terraform"}
"""Never installed beside the others."""
LEFT_TO_THE_DISTRIBUTION = {"rpi-gpio"}  # no wheels in the index: it would have to be compiled
MODULE_LINES = 400


def sources() -> list[Path]:
    """Every file of the project, without what tools leave beside it."""
    found = []
    for folder, folders, files in os.walk(REPO):
        folders[:] = [each for each in folders if not _left_by_a_tool(each)]
        found += [Path(folder, each) for each in files if not _left_by_a_tool(each)]
    return [path for path in found if path.is_file()]


def _left_by_a_tool(part: str) -> bool:
    hidden = part.startswith(".") and part not in (".ci", ".gitignore")
    return hidden or part in ("__pycache__", "build", "dist") or part.endswith(".egg-info")


def modules() -> list[Path]:
    return [path for path in sources() if path.suffix == ".py"]


def locked(name: str) -> dict[str, str]:
    """The versions that a lock pins, by normalised name; more than one, where markers tell."""
    lines = (REPO / f"requirements/{name}.txt").read_text().splitlines()
    pins = (line.partition(";")[0].strip(" \\").split("==") for line in lines if "==" in line[:60])
    return {canonicalize_name(package): version for package, version in pins}


def required(extra: str) -> list[Requirement]:
    """What an extra asks for, those of the extras that it includes too."""
    found = []
    for requirement in map(Requirement, EXTRAS[extra]):
        if requirement.name == "lotkeeper":
            found += [each for inner in requirement.extras for each in required(inner)]
        else:
            found.append(requirement)
    return found


def loaded_by(code: str) -> set[str]:
    """The top-level modules in a fresh interpreter after `code`."""
    report = "; import sys; print(*sys.modules, file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-c", code + report], cwd=REPO, capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in run.stderr.split()}


def test_no_module_outgrows_its_room() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules()}
    assert sizes
    assert not {str(path): lines for path, lines in sizes.items() if lines > MODULE_LINES}


def test_every_package_is_listed() -> None:
    found = {
        ".".join(path.parent.relative_to(REPO).parts)
        for path in modules()
        if path.name == "__init__.py"
    }
    data = set(PROJECT["tool"]["setuptools"]["package-data"])
    assert found | data == set(PACKAGES)


def test_every_package_is_typed_and_linted_for_imports() -> None:
    rooms = sorted({package.partition(".")[0] for package in PACKAGES})
    assert sorted(PROJECT["tool"]["mypy"]["files"]) == rooms
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == rooms


def test_tests_hold_no_package() -> None:
    """A tests/agent/__init__.py would shadow the package it tests."""
    assert not list((REPO / "tests").rglob("__init__.py"))


def test_contract_needs_pydantic_alone() -> None:
    allowed = {"contract", "pydantic"} | sys.stdlib_module_names
    for path in (REPO / "contract").glob("*.py"):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
        assert names <= allowed, path


@pytest.mark.parametrize(
    ("code", "never"),
    [
        (
            "from lotkeeper.__main__ import main; main(['--help'])",
            {"agent", "boto3", "gateway", "pydantic", "rich", "simulator", "typer"},
        ),
        ("import agent.cli", {"agent.app", "gateway", "paho", "rich", "sqlite_utils"}),
        ("import agent.app", {"boto3", "cloud", "confluent_kafka", "gateway", "gpiozero", "rich"}),
        (
            "import gateway.app",
            {"agent", "apprise", "boto3", "cloud", "confluent_kafka", "drivers", "rich"},
        ),
    ],
)
def test_a_role_loads_nothing_of_another(code: str, never: set[str]) -> None:
    loaded = loaded_by(code)
    assert "sys" in loaded
    assert not loaded & never


@pytest.mark.parametrize("module", ["agent", "contract", "drivers", "gateway", "spool"])
def test_every_module_imports_on_a_machine_without_hardware(module: str) -> None:
    names = [
        ".".join(path.relative_to(REPO).with_suffix("").parts)
        for path in (REPO / module).rglob("*.py")
        if path.stem not in ("__init__", "testing") and path.parent.name != "testing"
    ]
    loaded = loaded_by("; ".join(f"import {name}" for name in names))
    assert module in loaded
    assert not loaded & {"RPi", "gpiozero", "lgpio", "serial", "smbus2"}


class TestLocks:
    def test_are_all_known(self) -> None:
        assert {path.stem for path in (REPO / "requirements").iterdir()} == set(LOCKED_EXTRAS)

    @pytest.mark.parametrize("name", LOCKED_EXTRAS)
    def test_hash_every_requirement(self, name: str) -> None:
        text = (REPO / f"requirements/{name}.txt").read_text()
        entries = re.split(r"\n(?=[A-Za-z0-9])", text)
        pinned = [entry for entry in entries if not entry.startswith("#")]
        assert len(pinned) >= len(locked(name)) > 10
        assert [entry for entry in pinned if "--hash=sha256:" not in entry] == []

    @pytest.mark.parametrize("name", LOCKED_EXTRAS)
    def test_name_no_place(self, name: str) -> None:
        """No index, no address, no path: where packages come from is the machine's to say."""
        text = (REPO / f"requirements/{name}.txt").read_text()
        assert not re.findall(
            r"(?m)^\s*(?:-i|-f|--index|--extra|--find|--trusted).*|\w+://.*", text
        )

    @pytest.mark.parametrize("name", LOCKED_EXTRAS)
    def test_hold_what_their_extras_ask(self, name: str) -> None:
        pins = locked(name)
        for requirement in [each for extra in LOCKED_EXTRAS[name] for each in required(extra)]:
            package = canonicalize_name(requirement.name)
            if package not in LEFT_TO_THE_DISTRIBUTION:
                assert requirement.specifier.contains(pins[package]), requirement

    @pytest.mark.parametrize("name", sorted(LOCKED_EXTRAS.keys() - APART))
    def test_agree_with_dev(self, name: str) -> None:
        """So that one .venv serves `make demo` and `make test`."""
        dev = locked("dev")
        assert {p: v for p, v in locked(name).items() if dev.get(p, v) != v} == {}


def test_no_file_names_a_machine_or_a_registry() -> None:
    words = [
        "/" + "work/",
        "/" + "tmp/probe",
        "/" + "opt/wheels",
        "py" + "pi.org",
        "python" + "hosted.org",
        "pi" + "wheels.org",
        "registry." + "npmjs",
        "deb." + "debian.org",
    ]
    found = [
        f"{path.relative_to(REPO)}: {word}"
        for path in sources()
        for word in words
        if word.encode() in path.read_bytes()
    ]
    assert found == []
