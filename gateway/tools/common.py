"""What the operator's commands share: options, the configuration, endings, a progress bar."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from gateway.config import GatewaySettings

DEFAULT = Path("/etc/lotkeeper/gateway.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The gateway's TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def settings_of(path: Path) -> "GatewaySettings":
    """The configuration. Exits 2 with each fault of it named."""
    from gateway.config import GatewaySettings
    from runtime.config import ConfigError, load

    try:
        return load(path, GatewaySettings)
    except ConfigError as error:
        fail(str(error), 2)


def fail(words: str, status: int) -> NoReturn:
    """End with the words on standard error."""
    typer.echo(words, err=True)
    raise typer.Exit(status)


def say_json(value: Any) -> None:
    """One document on standard output."""
    typer.echo(json.dumps(value))


@contextmanager
def told() -> Iterator[None]:
    """What cannot be read or done ends the command with its words: 2 no database, 1 all else."""
    from gateway.tools.office import NotDone
    from gateway.tools.reading import Unreadable

    try:
        yield
    except Unreadable as error:
        fail(str(error), 2)
    except NotDone as error:
        fail(str(error), 1)
    except sqlite3.DatabaseError as error:
        fail(f"the database cannot be read: {error}; lotkeeper gateway buffer verify", 1)


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """Progress on standard error where that is a terminal: (what, so much, of how much)."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=of)
            progress.update(tasks[what], completed=done, total=of)

        yield tell
