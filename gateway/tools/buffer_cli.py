"""`lotkeeper gateway buffer ...`: what waits for the sinks, whether it is whole, what is left."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.tools.common import (
    DEFAULT,
    ConfigOption,
    JsonOption,
    bar,
    fail,
    say_json,
    settings_of,
    told,
)

if TYPE_CHECKING:
    from gateway.config import GatewaySettings
    from gateway.tools.salvage import Salvage

app = typer.Typer(help="The records that wait for the sinks.", no_args_is_help=True)


@app.command(epilog="Example: lotkeeper gateway buffer status --json | jq .sinks")
def status(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """What waits for whom, read from the file. Exit 0, 1 unreadable, 2 no database."""
    settings = settings_of(config)
    from gateway.tools.status import buffer_status

    with told():
        found = buffer_status(settings)
    if as_json:
        say_json(found.as_dict())
        return
    share = found.bytes / found.limit_bytes
    typer.echo(f"{found.path}: the gateway {'runs' if found.running else 'is stopped'}")
    typer.echo(f"{found.rows} rows, {found.bytes} bytes, {share:.1%} of {found.limit_bytes}")
    for name, sink in found.sinks.items():
        since = f", since {sink.oldest}" if sink.oldest else ""
        typer.echo(f"sink {name:<8} {sink.records} waiting, {sink.bytes} bytes{since}")
    typer.echo(f"{found.dead_letters} dead letters, {found.quarantined} damaged rows set aside")
    for path in found.set_aside:
        typer.echo(f"{path} was set aside: lotkeeper gateway buffer salvage")


@app.command(epilog="Example: lotkeeper gateway buffer verify && echo whole")
def verify(
    config: ConfigOption = DEFAULT,
    file: Annotated[
        Path | None, typer.Option(help="Another database, such as one that was set aside.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check pages, every row's CRC, chains, cursors, accounts. Exit 0 good, 1 damage, 2 usage.

    It only reads, and may run beside the gateway.
    """
    path = file or settings_of(config).store.path
    from gateway.tools.verify import verify as verify_file

    with told(), bar() as progress:
        found = verify_file(path, progress)
    if as_json:
        say_json(found.as_dict())
    else:
        for fault in found.faults:
            typer.echo(fault)
        verdict = "good" if found.good else f"{len(found.faults)} faults"
        typer.echo(
            f"{found.path}: {found.rows} rows, {found.streams} streams, "
            f"{found.quarantined} rows set aside earlier: {verdict}"
        )
    raise typer.Exit(0 if found.good else 1)


@app.command(epilog="Example: lotkeeper gateway buffer salvage, with the gateway stopped")
def salvage(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Damaged databases; all that were set aside if none is named."),
    ] = None,
    config: ConfigOption = DEFAULT,
    as_json: JsonOption = False,
) -> None:
    """Take what can be read of damaged databases into the store again, nothing twice.

    The gateway must be stopped; its agents keep what they see meanwhile. Exit 0 done, also where
    there was nothing to do; 1 the gateway runs, or the store failed; 2 usage.
    """
    settings = settings_of(config)
    for path in files or []:
        if not path.exists():
            fail(f"{path}: no such file", 2)
    with told():
        found = _salvage(settings, files or [])
    if as_json:
        say_json([each.as_dict() for each in found])
        return
    if not found:
        typer.echo("nothing was set aside")
    for each in found:
        _tell(each)


def _salvage(settings: "GatewaySettings", files: list[Path]) -> "list[Salvage]":
    from gateway.ownership import Owned, give_back, own
    from gateway.store import GatewayStore
    from gateway.tools.salvage import salvage_into
    from gateway.tools.status import set_aside

    path = settings.store.path
    try:
        with own(path):
            store = GatewayStore(path, settings.store.limit_bytes)
            try:
                store.register_sinks([sink.name for sink in settings.sinks])
                return [salvage_into(store, each) for each in files or set_aside(path)]
            finally:
                store.close()
                give_back(path)
    except Owned:
        fail(f"the gateway of {path} runs: stop it, salvage, start it; its agents wait", 1)
    except PermissionError as error:
        fail(f"{path}: {error.strerror}: run it as root or as the gateway's user", 1)


def _tell(found: "Salvage") -> None:
    typer.echo(f"{found.path}, done on the file of the stopped gateway:")
    typer.echo(
        f"  {found.read} rows read: {found.taken} taken in, {found.known} known already, "
        f"{found.delivered} delivered before, {found.outdated} outdated snapshots"
    )
    typer.echo(
        f"  {found.letters} dead letters, {found.closed_spots} closed spots, "
        f"{found.counts} counted zones, {found.spots} spots' states, {found.devices} devices, "
        f"{found.configs} agents' configurations"
    )
    for words in found.unread:
        typer.echo(f"  not read: {words}")
