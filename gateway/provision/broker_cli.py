"""`lotkeeper gateway check-broker-db`: for the broker's unit, before it starts."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.provision.broker_db import DATABASE, State, mend
from gateway.tools.common import fail


def check_broker_db(
    database: Annotated[Path, typer.Option("--db", help="Mosquitto's store.")] = DATABASE,
) -> None:
    """Move mosquitto's store aside where mosquitto cannot start with it.

    Run it while the broker is stopped. Exit 0: nothing is in the way of a start now; 1: it could
    not be told.
    """
    try:
        state = mend(database)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}; run this as root or as the broker's user", 1)
    typer.echo(f"{database}: {state}", err=state is not State.GOOD)
    raise typer.Exit(1 if state is State.UNKNOWN else 0)


def add_to(app: typer.Typer) -> None:
    """Put this command into `lotkeeper gateway`."""
    app.command(
        "check-broker-db",
        epilog="Example: in mosquitto's unit, ExecStartPre=-lotkeeper gateway check-broker-db",
    )(check_broker_db)
