"""What the commands share that work on the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    import psycopg

    from cloud.config import CloudSettings

READ_TIMEOUT_S = 30.0
DEFAULT = Path("/etc/lotkeeper/cloud.toml")
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The cloud's TOML file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


def settings_of(config: Path) -> "CloudSettings":
    """The configuration; where it is bad, the command ends with 2."""
    from cloud.config import CloudSettings
    from runtime.config import ConfigError, load

    try:
        return load(config, CloudSettings)
    except ConfigError as error:
        fail(str(error), 2)


@contextmanager
def database(
    config: Path, reads: bool = False
) -> Iterator["tuple[CloudSettings, psycopg.Connection]"]:
    """The configuration, and a connection to what `[postgres]` names; to its replica for `reads`.

    Where there is none the command ends with 2; where the database refuses or is away, with 1.
    """
    settings = settings_of(config)
    import psycopg

    from cloud.postgres import SchemaError, connect
    from runtime.postgres import connect_to_read

    if settings.postgres is None:
        fail(f"{config}: [postgres] is missing: say where the present is kept", 2)
    postgres = settings.postgres
    try:
        with (
            connect_to_read(postgres.reading, READ_TIMEOUT_S)
            if reads
            else connect(postgres.dsn, postgres.iam_region)
        ) as conn:
            yield settings, conn
    except psycopg.errors.UndefinedTable as error:
        fail(f"{str(error).splitlines()[0]}: lotkeeper cloud migrate", 1)
    except (psycopg.Error, SchemaError) as error:
        fail(str(error).strip(), 1)


def fail(message: str, status: int) -> NoReturn:
    """End the command with `message` on standard error."""
    typer.echo(message, err=True)
    raise typer.Exit(status)
