"""`lotkeeper doctor`"""

from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Looks at this machine and says what is not well, and what mends it.",
)


@app.command(
    epilog="Example: sudo lotkeeper doctor --json | jq '.findings[] | select(.level!=\"ok\")'"
)
def doctor(
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at this machine, by root for all of it. Exit 0 all well, 1 something is to be mended.

    Interfaces, pins, groups, supply, clock, card, journal, watchdogs, services, broker and
    certificates, against what /etc/lotkeeper says that this machine does. Nothing is changed.
    """
    from rich.console import Console

    from doctor.examine import examine, is_well
    from doctor.machine import Machine
    from doctor.report import as_json, show

    found = examine(Machine())
    if json:
        typer.echo(as_json(found))
    else:
        show(Console(), found)
    raise typer.Exit(0 if is_well(found) else 1)
