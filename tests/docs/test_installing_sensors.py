"""The installer's page: its configuration loads, its commands run, its words are the tools'."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent.config import AgentSettings
from agent.tools.check import GOOD_SHARE, POOR_SHARE
from agent.tools.learn import THIN_FACTOR

PAGE = (Path(__file__).parents[2] / "docs" / "installing-sensors.md").read_text()
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()
]
SIMULATED = """
agent_id = "pi-07"
lot_id = "riverside-north"
[spool]
path = "{folder}/agent.db"
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated", sessions = [] }}
[[spots]]
spot_id = "A2"
sensor = {{ kind = "simulated", sensor = "magnetic", sessions = [] }}
detector = {{ kind = "magnetic" }}
"""
NOBODY_IS_THERE = {
    "lotkeeper agent identify": "nothing reacted",
    "lotkeeper agent identify A1": "nothing reacted",
    "lotkeeper agent calibrate A1": "was the car in",
}
"""What fails for want of a hand or a car, and how it says so."""


def test_every_verb_of_the_installer_is_shown() -> None:
    verbs = {shlex.split(command)[2] for command in COMMANDS}
    assert verbs == {"check", "identify", "calibrate", "watch", "record"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_runs(command: str, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(SIMULATED.format(folder=tmp_path))
    words = [*shlex.split(command)[1:], "-c", str(config), "--seconds", "1.2"]
    if "calibrate" in words:
        words.append("--yes")
    done = subprocess.run(
        [sys.executable, "-m", "lotkeeper", *words],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=30,
    )
    wanted = NOBODY_IS_THERE.get(command)
    assert done.returncode == (1 if wanted else 0), done.stderr
    assert (wanted or "") in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_its_configuration_loads() -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    settings = AgentSettings.model_validate(tomllib.loads(block))
    assert [spot.spot_id for spot in settings.spots] == ["A1", "A2"]


def test_its_figures_are_the_tools() -> None:
    assert f"{THIN_FACTOR} times the threshold is thin" in PAGE
    assert "more than a fifth is a note, more than half is to be mended" in PAGE.replace(
        "More", "more"
    )
    assert (GOOD_SHARE, POOR_SHARE) == (0.8, 0.5)
