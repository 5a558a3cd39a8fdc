"""`lotkeeper diag ...`"""

import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What somebody else needs in order to help.",
    no_args_is_help=True,
)


@app.callback()
def diag() -> None:
    """Keeps `collect` a command of its own while it is the only one."""


@app.command(epilog="Example: sudo lotkeeper diag collect")
def collect(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The tarball; it must not exist.")
    ] = None,
) -> None:
    """Collect configuration, journal and doctor's findings into a tarball, secrets masked.

    Exit 0 written, 1 not. Look into it before you send it on.
    """
    from doctor.collect import collect as collect_into
    from doctor.machine import Machine

    path = output or Path(time.strftime("lotkeeper-diag-%Y%m%d-%H%M%S.tar.gz"))
    try:
        names = collect_into(Machine(), path)
    except OSError as error:
        typer.echo(f"{path}: {error.strerror}; name another with --output", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{path}: {len(names)} texts; secrets are masked, but look before you send it on")
