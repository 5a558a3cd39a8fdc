"""The `lotkeeper` command: finds the role and hands over to that role's own commands.

A role's module loads only when it is named, so that a bay's Pi needs, and holds in memory,
nothing of the gateway or the cloud. Exit status: 0 done, 1 failed, 2 wrong usage.
"""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from lotkeeper import __version__


class Role(NamedTuple):
    """Where a role's Typer `app` is, the extra that brings its packages, and what it does."""

    module: str
    extra: str
    help: str


ROLES = {
    "agent": Role("agent.cli", "agent", "The process on one Pi that watches spots."),
    "gateway": Role("gateway.cli", "gateway", "The process that runs one lot."),
    "console": Role("console.cli", "console", "The HTTP API over one or more lots."),
    "display": Role("display.cli", "display", "A lot's free spots on a terminal or a sign."),
    "cloud": Role("cloud.cli", "cloud", "Takes in what the gateways forward: present and past."),
    "doctor": Role("doctor.cli", "agent", "What is not well on this machine, and what mends it."),
    "diag": Role("doctor.diag_cli", "agent", "What somebody else needs in order to help."),
    "demo": Role("simulator.demo_cli", "demo", "A whole lot on this machine, without hardware."),
    "simulate": Role("simulator.simulate_cli", "demo", "Agents of an invented or recorded day."),
    "score": Role("score.cli", "score", "Detectors over recordings, against the truth."),
}

USAGE = """\
Usage: lotkeeper ROLE [COMMAND] [OPTIONS]

Keeps the truth about a parking lot, from the sensor in a bay to the cloud.

Roles:
{roles}

Options:
  --version  Show the version and exit.
  --help     Show this text and exit; after a role, that role's commands.

Examples:
  lotkeeper demo
  lotkeeper agent validate --config agent.toml
  lotkeeper gateway status --json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `argv` (the process's own arguments by default); answers the exit status.

    A role's commands may end by SystemExit instead, with the same meaning.
    """
    name, *arguments = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("--help", "-h"):
        print(_usage(), end="")
        return 0
    if name == "--version":
        print(f"lotkeeper {__version__}")
        return 0
    if name not in ROLES:
        print(_unknown(name), file=sys.stderr)
        return 2
    return _run(name, arguments)


def _usage() -> str:
    width = max(map(len, ROLES))
    return USAGE.format(
        roles="\n".join(f"  {name:<{width}}  {role.help}" for name, role in ROLES.items())
    )


def _unknown(name: str) -> str:
    near = get_close_matches(name, ROLES, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(ROLES)}"
    what = "option" if name.startswith("-") else "role"
    return f"lotkeeper: no {what} {name!r}; {hint}\nlotkeeper --help shows what there is"


def _run(name: str, arguments: Sequence[str]) -> int:
    role = ROLES[name]
    try:
        import_module(role.module).app(args=arguments, prog_name=f"lotkeeper {name}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or find_spec(package):
            raise  # it is there, so what fails is ours
        print(
            f"lotkeeper {name}: the package {package!r} is not installed; "
            f"pip install 'lotkeeper[{role.extra}]' brings it",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
