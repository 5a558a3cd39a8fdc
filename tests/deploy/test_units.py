"""The units for a machine without Kubernetes, as systemd itself reads them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud.cli import app

UNITS = sorted((Path(__file__).parents[2] / "deploy/systemd").iterdir())
SYSTEM = Path("/usr/lib/systemd/system")
EXPOSURE_LIMIT = 2.0
"""Of 10, by `systemd-analyze security`; a unit without a sandbox has 9.6."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with systemd's own units, ours, and the program that they run."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(SYSTEM, root / SYSTEM.relative_to("/"), symlinks=True)
    for unit in UNITS:
        shutil.copy(unit, root / SYSTEM.relative_to("/"))
    program = root / "opt/lotkeeper/bin/lotkeeper"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (root / "lib").symlink_to("usr/lib")
    return root


def analyze(root: Path, *words: str) -> str:
    run = subprocess.run(
        ["systemd-analyze", f"--root={root}", "--no-pager", *words], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def instances(unit: Path) -> list[str]:
    """What of a template is started: what the page and the timers name."""
    if "@" not in unit.name:
        return [unit.name]
    timed = "".join(each.read_text() for each in UNITS if each.suffix == ".timer")
    found = re.findall(rf"{re.escape(unit.stem)}(\w+)\.service", timed) or ["present", "lake"]
    return [unit.name.replace("@", f"@{each}") for each in found]


@pytest.mark.parametrize("unit", [name for unit in UNITS for name in instances(unit)])
def test_systemd_understands_all_of_it(root: Path, unit: str) -> None:
    assert analyze(root, "verify", "--man=no", unit) == ""


@pytest.mark.parametrize(
    "unit", [name for unit in UNITS if unit.suffix == ".service" for name in instances(unit)]
)
def test_little_is_left_open(root: Path, unit: str) -> None:
    said = re.search(
        r"exposure level for \S+: ([\d.]+)", analyze(root, "security", "--offline=true", unit)
    )
    assert said
    assert float(said[1]) <= EXPOSURE_LIMIT


def test_they_run_commands_that_there_are() -> None:
    found = set()
    for unit in UNITS:
        for words in re.findall(r"(?m)^ExecStart=\S+ cloud (\S+)", unit.read_text()):
            found |= {words} if words != "%i" else {"compact", "analyse", "retain"}
    assert found == {"consume", "door", "compact", "analyse", "retain"}
    for command in found:
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0
