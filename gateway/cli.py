"""`lotkeeper gateway ...`"""

import logging
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.provision import backup_cli, broker_cli, devices_cli, import_cli, list_cli
from gateway.provision import cli as provision_cli
from gateway.tools import agents_cli, alerts_cli, buffer_cli, history_cli, letters_cli
from gateway.tools.common import DEFAULT, ConfigOption, JsonOption, say_json, settings_of, told

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The process that runs one lot.",
    no_args_is_help=True,
)
app.add_typer(alerts_cli.app, name="alerts")
app.add_typer(buffer_cli.app, name="buffer")
app.add_typer(history_cli.app, name="history")
app.add_typer(letters_cli.app, name="dead-letters")
agents_cli.add_to(app)


@app.command(epilog="Example: lotkeeper gateway run --config ./gateway.toml")
def run(
    config: ConfigOption = DEFAULT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Run the lot until stopped. Exit 0 stopped, 1 failed, 2 bad configuration."""
    from gateway.app import run as run_gateway

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    raise typer.Exit(run_gateway(settings_of(config)))


@app.command(epilog="Example: lotkeeper gateway validate -c gateway.toml")
def validate(config: ConfigOption = DEFAULT) -> None:
    """Check a configuration. Exit 0 good, 2 with each fault named."""
    settings = settings_of(config)
    typer.echo(
        f"{config}: lot {settings.lot_id} of {settings.facility_id}, {len(settings.zones)} zones, "
        f"{len(settings.spots)} spots, {len(settings.sinks)} sinks"
    )


@app.command(epilog="Example: lotkeeper gateway status --json | jq .sinks")
def status(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """The running gateway's account: what came in, and where it is. Exit 1: no answer."""
    data = _ask(config, "status", {})
    if as_json:
        say_json(data)
        return
    typer.echo(f"accepted      {sum(data['accepted'].values())}")
    for name, sink in data["sinks"].items():
        state = f"failing: {sink['error']}" if sink["failing"] else "ok"
        typer.echo(
            f"sink {name:<8} {sink['delivered']} delivered, {sink['waiting']} waiting, "
            f"{sink['dead_lettered']} refused, {sink['dropped']} dropped; {state}"
        )
    for reason, count in data["dead_letters"].items():
        typer.echo(f"dead letters  {count} {reason}")
    for agent, state in data["agents"].items():
        typer.echo(f"agent {agent:<8} {state}")


@app.command(epilog="Example: lotkeeper gateway occupancy")
def occupancy(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """The lot's and its zones' occupancy now. Exit 1: no answer."""
    data = _ask(config, "occupancy", {})
    if as_json:
        say_json(data)
        return
    for each in (data["lot"], *data["zones"]):
        name = each.get("zone_id") or each["lot_id"]
        typer.echo(
            f"{name:<16} {each['occupied']:>5} occupied {each['free']:>5} free "
            f"{each['unknown']:>5} unknown {each['closed']:>5} closed of {each['total']}"
        )


@app.command(epilog="Example: lotkeeper gateway reconcile --json | jq .faults")
def reconcile(config: ConfigOption = DEFAULT, as_json: JsonOption = False) -> None:
    """Accepted = delivered + buffered + dead-lettered + dropped, per agent and per sink.

    Read from the file, beside the gateway or without it. Exit 0 it adds up, 1 it does not,
    2 usage.
    """
    settings = settings_of(config)
    from gateway.tools.reading import check_schema, reading
    from gateway.tools.reconcile import reckon
    from gateway.tools.reconcile_view import show

    with told(), reading(settings.store.path) as db:
        check_schema(db)
        found = reckon(db)
    if as_json:
        say_json(found.as_dict())
    else:
        show(found)
    raise typer.Exit(0 if found.balanced else 1)


def _ask(config: Path, name: str, data: dict[str, Any]) -> dict[str, Any]:
    from gateway.ask import NoAnswer, ask

    settings = settings_of(config)
    try:
        response = ask(settings.asking, settings.lot_id, name, data)
    except NoAnswer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if response.status == "error":
        typer.echo(response.error, err=True)
        raise typer.Exit(1)
    return response.data or {}


provision_cli.add_to(app)
list_cli.add_to(app)
devices_cli.add_to(app)
import_cli.add_to(app)
backup_cli.add_to(app)
broker_cli.add_to(app)
