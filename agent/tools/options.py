"""What the verbs of `lotkeeper agent` share: the configuration's option, and its errors."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.config import AgentSettings

DEFAULT = Path("/etc/lotkeeper/agent.toml")

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The agent's TOML file.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
SecondsOption = Annotated[
    float | None, typer.Option("--seconds", min=0.1, help="Stop by itself.", show_default="never")
]


def settings_of(path: Path) -> "AgentSettings":
    """What the agent runs with, the desired sections too; exits 2 with each fault named."""
    from agent.remote import in_force

    return _or_exit(in_force, path)


def written_in(path: Path) -> "AgentSettings":
    """The file alone; where it is bad, each fault is named and the process exits 2."""
    from agent.config import AgentSettings
    from runtime.config import load

    return _or_exit(lambda path: load(path, AgentSettings), path)


def desired_over(written: "AgentSettings") -> str:
    """Words where the gateway desires something over the file, else ""."""
    from agent.remote import kept_path, read

    path = kept_path(written.spool.path)
    try:
        desired = read(path).in_force
    except OSError as error:
        return f"{path}: {error.strerror}: what the gateway desires over it is not known"
    if desired is None or not desired.config:
        return ""
    return f"revision {desired.revision} lies over {', '.join(desired.config)} of it: {path}"


def _or_exit(load: "Callable[[Path], AgentSettings]", path: Path) -> "AgentSettings":
    from runtime.config import ConfigError

    try:
        return load(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
