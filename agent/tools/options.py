"""What the verbs of `lotkeeper agent` share: the configuration's option, and its errors."""

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
    """The configuration; where it is bad, each fault is named and the process exits 2."""
    from agent.config import AgentSettings
    from runtime.config import ConfigError, load

    try:
        return load(path, AgentSettings)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
