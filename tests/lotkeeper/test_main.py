"""The `lotkeeper` command, as a person at a shell meets it."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from lotkeeper import __version__
from lotkeeper.__main__ import ROLES, Role, main

REPO = Path(__file__).parents[2]


def lotkeeper(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, after the Python statement `before`."""
    code = f"import sys; {before}\nfrom lotkeeper.__main__ import main\nsys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPO, capture_output=True, text=True
    )


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_help_lists_every_role(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: lotkeeper ROLE")
    for name, role in ROLES.items():
        assert f"  {name} " in out
        assert role.help in out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lotkeeper {__version__}\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("gatway", "no role 'gatway'; did you mean gateway?"),
        ("simulator", "no role 'simulator'; did you mean simulate?"),
        (
            "zzz",
            "no role 'zzz'; there are agent, gateway, console, display, cloud, doctor, diag, demo, "
            "simulate",
        ),
        ("--verson", "no option '--verson'"),
    ],
)
def test_unknown_role_is_named_with_the_nearest(
    given: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([given, "--config", "x"]) == 2
    streams = capsys.readouterr()
    assert said in streams.err
    assert "lotkeeper --help" in streams.err
    assert streams.out == ""


@pytest.mark.parametrize("name", ROLES)
def test_every_role_has_an_app(name: str) -> None:
    assert isinstance(import_module(ROLES[name].module).app, typer.Typer)


@pytest.mark.parametrize("name", ROLES)
def test_a_role_answers_help_under_its_name(name: str) -> None:
    run = lotkeeper(name, "--help")
    assert run.returncode == 0, run.stderr
    assert f"lotkeeper {name}" in run.stdout


def test_a_roles_exit_status_is_the_commands(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    run = lotkeeper("agent", "validate", "--config", str(config))
    assert run.returncode == 2
    assert f"{config}: no such file" in run.stderr


def test_missing_package_names_the_extra() -> None:
    run = lotkeeper("gateway", "--help", before="sys.modules['typer'] = None")
    assert run.returncode == 1
    assert run.stderr == (
        "lotkeeper gateway: the package 'typer' is not installed; "
        "pip install 'lotkeeper[gateway]' brings it\n"
    )


def test_package_that_a_command_misses_later_names_the_extra(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    run = lotkeeper("gateway", "run", "-c", str(config), before="sys.modules['paho'] = None")
    assert run.returncode == 1
    assert "package 'paho' is not installed; pip install 'lotkeeper[gateway]'" in run.stderr


def test_package_that_a_running_agent_misses_names_the_extra(tmp_path: Path) -> None:
    """`sitecustomize` takes the package away from the process that `agent run` becomes, too."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['paho'] = None")
    run = subprocess.run(
        [sys.executable, "-m", "lotkeeper", "agent", "run", "-c", str(tmp_path / "agent.toml")],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert "lotkeeper[agent]" in run.stderr


def test_a_module_of_ours_that_is_gone_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROLES, "agent", Role("lotkeeper.gone", "agent", ""))
    with pytest.raises(ModuleNotFoundError, match=r"lotkeeper\.gone"):
        main(["agent"])
